package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Endpoint is an address of an owner's system that is told of events.
type Endpoint struct {
	// ID is ep_ and 20 characters.
	ID          string `json:"id"`
	Workspace   string `json:"-"`
	URL         string `json:"url"`
	Description string `json:"description,omitzero"`
	// Types are the names, in its form, of what it wants to hear of.
	Types []EventType `json:"types"`
	Form  EventForm   `json:"form"`
	// Disabled: nothing is sent to it. Reason says why where its owner did not
	// do that: it failed for too long, or is gone.
	Disabled  bool      `json:"disabled,omitzero"`
	Reason    string    `json:"reason,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	// Secret signs, sealed; Previous signs too, until PreviousUntil.
	Secret        []byte    `json:"secret"`
	Previous      []byte    `json:"previous,omitzero"`
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	// FailingSince is when the first of a row of failed tries was; NextTry is
	// when the next one may be, and Problem why the last one failed.
	FailingSince time.Time `json:"failing_since,omitzero"`
	NextTry      time.Time `json:"next_try,omitzero"`
	Problem      string    `json:"problem,omitzero"`
	// Lease is who delivers to it.
	Lease EndpointLease `json:"lease,omitzero"`
}

// EndpointLease says who delivers to an endpoint. It ends by the passing of
// time.
type EndpointLease struct {
	Node  string    `json:"node"`
	Token string    `json:"token"`
	Until time.Time `json:"until"`
}

// idleAfter is how late a try may be that was not made at once.
const idleAfter = time.Hour

// skipIdle takes out of the time of failing that in which nothing was tried:
// there was nothing to tell, no server ran, or a clock was changed.
func (e *Endpoint) skipIdle(now time.Time) {
	if e.FailingSince.IsZero() {
		return
	}
	if late := now.Sub(e.NextTry); !e.NextTry.IsZero() && late > idleAfter {
		e.FailingSince = e.FailingSince.Add(late)
	}
	if e.FailingSince.After(now) {
		e.FailingSince = now
	}
}

// tryNow lets an endpoint be tried at once, as often as it has failed.
func (e *Endpoint) tryNow(now time.Time) {
	e.skipIdle(now)
	if !e.NextTry.IsZero() {
		e.NextTry = now
	}
}

// MaxEndpoints is how many a workspace may have: each one costs a write for
// every event that it hears of.
const MaxEndpoints = 10

// Poster posts events. Post makes one try and never retries.
type Poster interface {
	// CheckURL reads an address that an owner typed, and returns it as it is
	// kept. What is wrong with it is an *Error.
	CheckURL(ctx context.Context, raw string) (string, error)
	Post(ctx context.Context, p Posting) Posted
}

// Posting is one event, ready to be posted.
type Posting struct {
	URL, ID, Body string
	// Secrets sign it, each one; one or two.
	Secrets []string
}

// Posted is what came of a try.
type Posted struct {
	// Status is the HTTP status; 0 without an answer.
	Status int
	// Problem is why it was not taken, a sentence without an address; empty
	// where it was.
	Problem string
	// Answer is the beginning of the answer's body.
	Answer string
	// After is how long the receiver asked to be left alone; 0 where it did
	// not.
	After time.Duration
	Took  time.Duration
}

// NewEndpoint is what an endpoint is made from.
type NewEndpoint struct {
	URL, Description string
	// Types empty is all there are now, but for the family's message:new, which
	// tells what two others do. Form empty is FormStandard.
	Types []EventType
	Form  EventForm
	// Secret is the owner's own; empty for a new one.
	Secret string
}

// EndpointPatch changes what is not nil.
type EndpointPatch struct {
	URL, Description *string
	Types            *[]EventType
	Enabled          *bool
}

// maxDescription is in characters.
const maxDescription = 200

// CreateEndpoint makes an endpoint and returns its secret in the clear. From
// this transaction on it hears of everything that happens.
func (r *Relay) CreateEndpoint(ctx context.Context, workspace string, n NewEndpoint) (e Endpoint, secret string, err error) {
	e = Endpoint{ID: NewID("ep_"), Workspace: workspace, Description: n.Description, Types: n.Types, Form: n.Form, CreatedAt: time.Now().UTC()}
	if e.Form == "" {
		e.Form = FormStandard
	}
	if len(e.Types) == 0 {
		e.Types = slices.DeleteFunc(EventTypes(e.Form), func(t EventType) bool { return t == familyNew })
	}
	if e.URL, err = r.checkAddress(ctx, n.URL); err != nil {
		return e, "", err
	}
	if err := e.check(); err != nil {
		return e, "", err
	}
	if secret = n.Secret; secret == "" {
		secret = NewEventSecret()
	} else if err := checkEventSecret(secret); err != nil {
		return e, "", err
	}
	e.Secret = r.Secrets.Seal(secret, e.ID)
	_, err = r.editWorkspace(ctx, workspace, func(tx Tx, w *Workspace) error {
		if len(w.Subscriptions) >= MaxEndpoints {
			return Refusef(CodeConflict, "A workspace has at most %d endpoints. Delete one that is not needed first.", MaxEndpoints)
		}
		w.subscribe(e)
		return putEndpoint(ctx, tx, e)
	})
	return e, secret, err
}

func (r *Relay) checkAddress(ctx context.Context, raw string) (string, error) {
	if r.Poster == nil {
		return "", Refusef(CodeUnavailable, "This server sends no events.")
	}
	return r.Poster.CheckURL(ctx, raw)
}

func (e *Endpoint) check() error {
	if utf8.RuneCountInString(e.Description) > maxDescription || !utf8.ValidString(e.Description) || strings.ContainsRune(e.Description, 0) {
		return RefuseField(CodeInvalidField, "description", fmt.Sprintf("A description has at most %d characters.", maxDescription), "")
	}
	known := EventTypes(e.Form)
	if known == nil {
		return RefuseField(CodeInvalidField, "form", "The form is standard or timelines.", "")
	}
	if len(e.Types) == 0 {
		return RefuseField(CodeInvalidField, "types", "An endpoint wants to hear of at least one type of event.", "To hear of nothing for a while, switch it off.")
	}
	var types []EventType
	for _, t := range e.Types {
		if !slices.Contains(known, t) {
			return RefuseField(CodeInvalidField, "types", fmt.Sprintf("There is no type of event %q in the form %s.", clip(string(t), 60), e.Form), "There are: "+listed(known)+".")
		}
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	e.Types = types
	return nil
}

func listed(types []EventType) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	return strings.Join(words, ", ")
}

// subscribe keeps the workspace's row in step with an endpoint.
func (w *Workspace) subscribe(e Endpoint) {
	s := Subscription{Endpoint: e.ID, Types: e.Types, Form: e.Form, Disabled: e.Disabled, Reason: e.Reason}
	w.Subscriptions = slices.Clone(w.Subscriptions)
	if i := w.subscription(e.ID); i >= 0 {
		w.Subscriptions[i] = s
		return
	}
	w.Subscriptions = append(w.Subscriptions, s)
}

// subscription is the place of an endpoint's; -1 for none.
func (w *Workspace) subscription(endpoint string) int {
	return slices.IndexFunc(w.Subscriptions, func(s Subscription) bool { return s.Endpoint == endpoint })
}

// Notices are what the owner of a workspace should know of its endpoints, in
// words.
func (w Workspace) Notices() (list []string) {
	for _, s := range w.Subscriptions {
		if s.Disabled && s.Reason != "" {
			list = append(list, fmt.Sprintf("Nothing is sent to the endpoint %s any more: %s Mend the receiver, then enable the endpoint again; what waits is sent then.", s.Endpoint, s.Reason))
		}
	}
	return list
}

// Notices are what the owner of an endpoint should know, in words.
func (e Endpoint) Notices() (list []string) {
	switch {
	case e.Disabled && e.Reason != "":
		list = append(list, "Nothing is sent to it any more: "+e.Reason+" Mend the receiver, then enable the endpoint again; what waits is sent then.")
	case !e.FailingSince.IsZero():
		list = append(list, fmt.Sprintf("It has been failing since %s: %s The next try is at %s; events wait in order and nothing is lost.",
			e.FailingSince.UTC().Format("2006-01-02 15:04 UTC"), e.Problem, e.NextTry.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	return list
}

func putEndpoint(ctx context.Context, tx Tx, e Endpoint) error {
	value, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return tx.PutCard(ctx, Card{Kind: kindEndpoint, Workspace: e.Workspace, Key: e.ID, Value: value})
}

func endpointOfCard(c Card) (e Endpoint, err error) {
	err = json.Unmarshal(c.Value, &e)
	e.Workspace = c.Workspace
	return e, err
}

// findEndpoint finds one. ErrNotFound.
func findEndpoint(ctx context.Context, tx Tx, workspace, id string) (Endpoint, error) {
	if len(id) < 4 || len(id) > 40 { // no store has to look for it
		return Endpoint{}, ErrNotFound
	}
	c, err := tx.Card(ctx, kindEndpoint, workspace, id)
	if err != nil {
		return Endpoint{}, err
	}
	return endpointOfCard(c)
}

func noEndpoint(err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return &Error{Code: CodeNotFound, Message: "There is no endpoint of this id in this workspace.", Err: err}
}

// Endpoint finds one. CodeNotFound.
func (r *Relay) Endpoint(ctx context.Context, workspace, id string) (e Endpoint, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		if _, err := liveWorkspace(ctx, tx, workspace); err != nil {
			return err
		}
		e, err = findEndpoint(ctx, tx, workspace, id)
		return noEndpoint(err)
	})
	return e, err
}

// Endpoints are a workspace's, the oldest first.
func (r *Relay) Endpoints(ctx context.Context, workspace string) (list []Endpoint, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		list = nil
		w, err := liveWorkspace(ctx, tx, workspace)
		if err != nil {
			return err
		}
		for _, s := range w.Subscriptions {
			e, err := findEndpoint(ctx, tx, workspace, s.Endpoint)
			if err != nil {
				return err
			}
			list = append(list, e)
		}
		return nil
	})
	return list, err
}

// editEndpoint changes an endpoint in one transaction, and lets it be looked
// at where it is enabled.
func (r *Relay) editEndpoint(ctx context.Context, workspace, id string, edit func(*Endpoint) error) (e Endpoint, err error) {
	_, err = r.editWorkspace(ctx, workspace, func(tx Tx, w *Workspace) error {
		if e, err = findEndpoint(ctx, tx, workspace, id); err != nil {
			return noEndpoint(err)
		}
		if err := edit(&e); err != nil {
			return err
		}
		w.subscribe(e)
		if err := putEndpoint(ctx, tx, e); err != nil || e.Disabled {
			return err
		}
		return ring(ctx, tx, workspace, id, eventID(tx, time.Now()), time.Now())
	})
	return e, err
}

// UpdateEndpoint changes an endpoint. Enabling it, or another URL, begins anew:
// what waits is tried at once.
func (r *Relay) UpdateEndpoint(ctx context.Context, workspace, id string, p EndpointPatch) (Endpoint, error) {
	if p.URL != nil {
		address, err := r.checkAddress(ctx, *p.URL)
		if err != nil {
			return Endpoint{}, err
		}
		p.URL = &address
	}
	return r.editEndpoint(ctx, workspace, id, func(e *Endpoint) error {
		set(&e.Description, p.Description)
		set(&e.Types, p.Types)
		if p.URL != nil && *p.URL != e.URL || p.Enabled != nil && *p.Enabled {
			e.FailingSince, e.NextTry, e.Problem = time.Time{}, time.Time{}, ""
		}
		set(&e.URL, p.URL)
		if p.Enabled != nil {
			e.Disabled, e.Reason = !*p.Enabled, ""
		}
		return e.check()
	})
}

// DeleteEndpoint takes an endpoint away, with its log and what waits for it.
func (r *Relay) DeleteEndpoint(ctx context.Context, workspace, id string) error {
	_, err := r.editWorkspace(ctx, workspace, func(tx Tx, w *Workspace) error {
		if _, err := findEndpoint(ctx, tx, workspace, id); err != nil {
			return noEndpoint(err)
		}
		w.Subscriptions = slices.DeleteFunc(slices.Clone(w.Subscriptions), func(s Subscription) bool { return s.Endpoint == id })
		if err := tx.DeleteCard(ctx, kindEndpoint, workspace, id); err != nil {
			return err
		}
		return ring(ctx, tx, workspace, id, eventID(tx, time.Now()), time.Now()) // else a crash would leave its events
	})
	if err != nil {
		return err
	}
	return r.dropEvents(ctx, endpointRef{workspace, id})
}
