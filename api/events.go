package api

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"relevo/relay"
)

// eventView is an event on its way to one endpoint, as the API shows it.
type eventView struct {
	ID     string           `json:"id"`
	Type   relay.EventType  `json:"type"`
	Status relay.EventState `json:"status"`
	At     time.Time        `json:"at"`
	Tries  int              `json:"tries"`
	// TriedAt and what follows are of the last try. HTTPStatus is null where
	// there was no answer; Answer is the beginning of its body.
	TriedAt     *time.Time `json:"tried_at"`
	HTTPStatus  *int       `json:"http_status"`
	Problem     *string    `json:"problem"`
	Answer      *string    `json:"answer"`
	DeliveredAt *time.Time `json:"delivered_at"`
	GivenUpAt   *time.Time `json:"given_up_at"`
	// Body is what is posted.
	Body jsontext.Value `json:"body"`
}

// testBody chooses what is sent.
type testBody struct {
	Type relay.EventType `json:"type"`
}

// testView is what came of sending a sample.
type testView struct {
	Delivered bool `json:"delivered"`
	// Message says in words what came of it.
	Message    string          `json:"message"`
	EventID    string          `json:"event_id"`
	Type       relay.EventType `json:"type"`
	HTTPStatus *int            `json:"http_status"`
	Answer     *string         `json:"answer"`
	TookMS     int64           `json:"took_ms"`
	Body       jsontext.Value  `json:"body"`
}

// replayBody says which events are sent again.
type replayBody struct {
	EventIDs   []string   `json:"event_ids" validate:"max=200"`
	Since      *time.Time `json:"since"`
	OnlyFailed bool       `json:"only_failed"`
}

type replayView struct {
	Replayed int  `json:"replayed"`
	More     bool `json:"more"`
}

func viewEvent(e relay.Event) eventView {
	return eventView{
		ID: e.ID, Type: e.Type, Status: e.State(), At: e.At.UTC(), Tries: e.Tries, TriedAt: instant(e.TriedAt), HTTPStatus: present(e.Status),
		Problem: present(e.Error), Answer: present(e.Answer), DeliveredAt: instant(e.DeliveredAt), GivenUpAt: instant(e.GivenUpAt), Body: jsontext.Value(e.Body),
	}
}

func (s *server) listEvents(r *request) (answer, error) {
	page, err := r.page()
	if err != nil {
		return answer{}, err
	}
	f := relay.EventFilter{Workspace: r.workspace(), Endpoint: r.param("ep"), State: relay.EventState(r.query("status"))}
	switch f.State {
	case "", relay.EventPending, relay.EventWasDelivered, relay.EventWasGivenUp:
	default:
		return answer{}, relay.RefuseField(relay.CodeInvalidField, "status", "There is no such status.", "The statuses are pending, delivered and failed.")
	}
	found, next, err := s.relay.EndpointEvents(r.ctx, f, page)
	return pageOf(mapped(found, viewEvent), next), err
}

// testEndpoint sends a sample event now.
func (s *server) testEndpoint(r *request) (answer, error) {
	var in testBody
	if err := r.bodyIfAny(&in); err != nil {
		return answer{}, err
	}
	got, err := s.relay.TestEndpoint(r.ctx, r.workspace(), r.param("ep"), in.Type)
	if err != nil {
		return answer{}, err
	}
	v := testView{
		Delivered: got.Problem == "", Message: got.Problem, EventID: got.Event.ID, Type: got.Event.Type,
		HTTPStatus: present(got.Status), Answer: present(got.Answer), TookMS: got.Took.Milliseconds(), Body: jsontext.Value(got.Event.Body),
	}
	if v.Delivered {
		v.Message = "The receiver took the event."
	}
	return ok(v), nil
}

func (s *server) replayEvents(r *request) (answer, error) {
	var in replayBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	of := relay.ReplayOf{IDs: in.EventIDs, OnlyFailed: in.OnlyFailed}
	switch {
	case in.Since != nil && in.EventIDs != nil:
		return answer{}, relay.RefuseField(relay.CodeInvalidField, "since", "Give event_ids or since, not both.", "")
	case in.Since != nil:
		of.Since = *in.Since
	case len(in.EventIDs) == 0 && !in.OnlyFailed:
		return answer{}, relay.RefuseField(relay.CodeMissingField, "event_ids", "Say which events are to be sent again.", `Give event_ids, or since (a time), or {"only_failed":true}.`)
	}
	n, more, err := s.relay.Replay(r.ctx, r.workspace(), r.param("ep"), of)
	return ok(replayView{n, more}), err
}

// sampleEvents shows what an event of a type looks like, for tools that want
// to see one before there is one.
func (s *server) sampleEvents(r *request) (answer, error) {
	if _, err := s.relay.Workspace(r.ctx, r.workspace()); err != nil {
		return answer{}, err
	}
	form := relay.EventForm(r.query("form"))
	if form == "" {
		form = relay.FormStandard
	}
	if relay.EventTypes(form) == nil {
		return answer{}, relay.RefuseField(relay.CodeInvalidField, "form", "The form is standard or timelines.", "")
	}
	e, err := relay.SampleEvent(r.workspace(), form, relay.EventType(r.query("type")), time.Now())
	return pageOf([]jsontext.Value{jsontext.Value(e.Body)}, ""), err
}
