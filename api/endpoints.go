package api

import (
	"time"

	"relevo/relay"
)

// endpointView is where events go, as the API shows it.
type endpointView struct {
	ID          string            `json:"id"`
	URL         string            `json:"url"`
	Description string            `json:"description"`
	Types       []relay.EventType `json:"types"`
	Form        relay.EventForm   `json:"form"`
	Enabled     bool              `json:"enabled"`
	// DisabledReason is why Relevo disabled it; null where it did not.
	DisabledReason *string   `json:"disabled_reason"`
	CreatedAt      time.Time `json:"created_at"`
	// PreviousSecretValidUntil: the old secret signs too until then.
	PreviousSecretValidUntil *time.Time `json:"previous_secret_valid_until"`
	FailingSince             *time.Time `json:"failing_since"`
	NextTryAt                *time.Time `json:"next_try_at"`
	Problem                  *string    `json:"problem"`
	// Notices are sentences about what needs attention.
	Notices []string `json:"notices"`
}

// madeEndpointView is an endpoint with its secret.
type madeEndpointView struct {
	endpointView
	Secret string `json:"secret"`
}

// secretView is what signs events.
type secretView struct {
	Secret string `json:"secret"`
	// PreviousValidUntil: the old secret signs too until then.
	PreviousValidUntil *time.Time `json:"previous_valid_until"`
}

type newEndpointBody struct {
	URL         string            `json:"url" validate:"required"`
	Description string            `json:"description"`
	Types       []relay.EventType `json:"types"`
	Form        relay.EventForm   `json:"form"`
	Secret      string            `json:"secret"`
}

// endpointBody changes what is given.
type endpointBody struct {
	URL         *string            `json:"url"`
	Description *string            `json:"description"`
	Types       *[]relay.EventType `json:"types"`
	Enabled     *bool              `json:"enabled"`
}

func viewEndpoint(e relay.Endpoint) endpointView {
	v := endpointView{
		ID: e.ID, URL: e.URL, Description: e.Description, Types: e.Types, Form: e.Form, Enabled: !e.Disabled, DisabledReason: present(e.Reason),
		CreatedAt: e.CreatedAt.UTC(), FailingSince: instant(e.FailingSince), NextTryAt: instant(e.NextTry), Problem: present(e.Problem),
		Notices: append([]string{}, e.Notices()...),
	}
	if len(e.Previous) > 0 && time.Now().Before(e.PreviousUntil) {
		v.PreviousSecretValidUntil = instant(e.PreviousUntil)
	}
	return v
}

func (s *server) listEndpoints(r *request) (answer, error) {
	found, err := s.relay.Endpoints(r.ctx, r.workspace())
	return pageOf(mapped(found, viewEndpoint), ""), err
}

func (s *server) createEndpoint(r *request) (answer, error) {
	var in newEndpointBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	e, secret, err := s.relay.CreateEndpoint(r.ctx, r.workspace(), relay.NewEndpoint{URL: in.URL, Description: in.Description, Types: in.Types, Form: in.Form, Secret: in.Secret})
	return created("/workspaces/"+r.workspace()+"/endpoints/"+e.ID, madeEndpointView{viewEndpoint(e), secret}), err
}

func (s *server) showEndpoint(r *request) (answer, error) {
	e, err := s.relay.Endpoint(r.ctx, r.workspace(), r.param("ep"))
	return ok(viewEndpoint(e)), err
}

func (s *server) updateEndpoint(r *request) (answer, error) {
	var in endpointBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	e, err := s.relay.UpdateEndpoint(r.ctx, r.workspace(), r.param("ep"), relay.EndpointPatch{URL: in.URL, Description: in.Description, Types: in.Types, Enabled: in.Enabled})
	return ok(viewEndpoint(e)), err
}

func (s *server) deleteEndpoint(r *request) (answer, error) {
	return noContent(), s.relay.DeleteEndpoint(r.ctx, r.workspace(), r.param("ep"))
}

func (s *server) showSecret(r *request) (answer, error) {
	e, secret, err := s.relay.EndpointSecret(r.ctx, r.workspace(), r.param("ep"))
	return ok(secretView{secret, viewEndpoint(e).PreviousSecretValidUntil}), err
}

func (s *server) rotateSecret(r *request) (answer, error) {
	var in rotateBody
	if err := r.bodyIfAny(&in); err != nil {
		return answer{}, err
	}
	e, secret, err := s.relay.RotateEndpoint(r.ctx, r.workspace(), r.param("ep"), time.Duration(in.GraceSeconds)*time.Second)
	return ok(madeEndpointView{viewEndpoint(e), secret}), err
}
