package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// EventType names what an endpoint is told of. Types are part of the contract:
// they are added, never renamed.
type EventType string

// The types. Those of messages end in the status that began, but for accepted,
// which is queued, and received, which is what somebody wrote.
const (
	EventAccepted    EventType = "message.accepted"
	EventSent        EventType = "message.sent"
	EventDelivered   EventType = "message.delivered"
	EventRead        EventType = "message.read"
	EventFailed      EventType = "message.failed"
	EventUnconfirmed EventType = "message.unconfirmed"
	EventCanceled    EventType = "message.canceled"
	EventExpired     EventType = "message.expired"
	EventReceived    EventType = "message.received"

	EventConnected EventType = "channel.connected"
	EventHeld      EventType = "channel.held"
	EventResumed   EventType = "channel.resumed"

	EventTemplate  EventType = "template.updated"
	EventLow       EventType = "quota.low"
	EventExhausted EventType = "quota.exhausted"
	EventRotated   EventType = "webhook.rotated"
)

var eventTypes = []EventType{
	EventAccepted, EventSent, EventDelivered, EventRead, EventFailed, EventUnconfirmed, EventCanceled, EventExpired, EventReceived,
	EventConnected, EventHeld, EventResumed, EventTemplate, EventLow, EventExhausted, EventRotated,
}

// eventOf is the type of event of a status that began. The others tell nobody
// anything: they pass.
var eventOf = map[Status]EventType{
	Queued: EventAccepted, Sent: EventSent, Delivered: EventDelivered, Read: EventRead,
	Failed: EventFailed, Unconfirmed: EventUnconfirmed, Canceled: EventCanceled, Expired: EventExpired,
}

// EventForm is how events are named and written.
type EventForm string

const (
	// FormStandard is ours: {"type","timestamp","workspace_id","data"}.
	FormStandard EventForm = "standard"
	// FormTimelines is that of the TimelinesAI family, for receivers that were
	// written for it.
	FormTimelines EventForm = "timelines"
)

// familyNew is told of every new message, in either direction.
const familyNew EventType = "message:new"

// familyNames are the names of our types in the family's form. A receiver may
// listen to all new messages, or to those of one direction.
var familyNames = map[EventType][]EventType{
	EventSent:      {"message:sent:new", familyNew},
	EventReceived:  {"message:received:new", familyNew},
	EventConnected: {"whatsapp:account:connected"},
	EventHeld:      {"whatsapp:account:suspended"},
	EventResumed:   {"whatsapp:account:resumed"},
}

// EventTypes are the names of all events of a form; none of an unknown form.
func EventTypes(f EventForm) (names []EventType) {
	switch f {
	case FormStandard:
		return slices.Clone(eventTypes)
	case FormTimelines:
		for _, t := range eventTypes {
			for _, name := range familyNames[t] {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// Subscription is what a workspace's row keeps of an endpoint: whoever changes
// something knows without another read who wants to hear of it.
type Subscription struct {
	Endpoint string      `json:"endpoint"`
	Types    []EventType `json:"types"`
	Form     EventForm   `json:"form"`
	// Disabled: nothing is sent to it. Reason says why where its owner did not
	// do that: it failed for too long, or is gone.
	Disabled bool   `json:"disabled,omitzero"`
	Reason   string `json:"reason,omitzero"`
}

// names are those under which the endpoint wants to hear of what happened.
func (s Subscription) names(what EventType) (names []EventType) {
	if s.Disabled {
		return nil
	}
	all := []EventType{what}
	if s.Form == FormTimelines {
		all = familyNames[what]
	}
	for _, name := range all {
		if slices.Contains(s.Types, name) {
			names = append(names, name)
		}
	}
	return names
}

// hears reports whether any endpoint wants to hear of one of these.
func (w Workspace) hears(what ...EventType) bool {
	return slices.ContainsFunc(w.Subscriptions, func(s Subscription) bool {
		return slices.ContainsFunc(what, func(t EventType) bool { return len(s.names(t)) > 0 })
	})
}

// Kinds of cards that events are kept on. The key of an event's is
// endpoint/event, so that one endpoint's are in the order of their ids.
const (
	kindEndpoint = "endpoint"
	// kindEvent waits to be delivered; kindEventLog was, or was given up. Its
	// Due is when it is forgotten.
	kindEvent    = "event"
	kindEventLog = "event_log"
	// kindBell says that somebody has to look at an endpoint: its key, at its
	// Due. Who emits rings it blindly; only who holds the endpoint takes it
	// down.
	kindBell = "bell"
)

// Event is one thing that happened, on its way to one endpoint.
type Event struct {
	// ID is evt_ and 18 hexadecimal digits; it sorts by time. A replay has the
	// same one.
	ID        string `json:"id"`
	Workspace string `json:"-"`
	Endpoint  string `json:"-"`
	// Type is its name in the endpoint's form.
	Type EventType `json:"type"`
	At   time.Time `json:"at"`
	// Body is what is posted, byte for byte.
	Body string `json:"body"`
	// Tries so far, and what came of the last one: when, the HTTP status (0:
	// no answer), why it failed, the beginning of the answer.
	Tries   int       `json:"tries,omitzero"`
	TriedAt time.Time `json:"tried_at,omitzero"`
	Status  int       `json:"status,omitzero"`
	Error   string    `json:"error,omitzero"`
	Answer  string    `json:"answer,omitzero"`
	// DeliveredAt, or GivenUpAt: it waits no more.
	DeliveredAt time.Time `json:"delivered_at,omitzero"`
	GivenUpAt   time.Time `json:"given_up_at,omitzero"`
}

// EventState is where an event is.
type EventState string

// An event is pending until the endpoint has taken it, or the schedule of
// tries is used up. A replay makes it pending again.
const (
	EventPending      EventState = "pending"
	EventWasDelivered EventState = "delivered"
	EventWasGivenUp   EventState = "failed"
)

// State is where it is.
func (e Event) State() EventState {
	switch {
	case !e.DeliveredAt.IsZero():
		return EventWasDelivered
	case !e.GivenUpAt.IsZero():
		return EventWasGivenUp
	}
	return EventPending
}

func (e Event) key() string { return e.Endpoint + "/" + e.ID }

// card is the event as it is kept: waiting, or in the log for a time.
func (e Event) card() (Card, error) {
	value, err := json.Marshal(e)
	c := Card{Kind: kindEvent, Workspace: e.Workspace, Key: e.key(), Value: value}
	switch e.State() {
	case EventWasDelivered:
		c.Kind, c.Due = kindEventLog, e.DeliveredAt.Add(keepDelivered).Truncate(time.Microsecond)
	case EventWasGivenUp:
		c.Kind, c.Due = kindEventLog, e.GivenUpAt.Add(keepGivenUp).Truncate(time.Microsecond)
	}
	return c, err
}

// What was delivered is there to be looked at and replayed for a week; what
// was not, for a month.
const (
	keepDelivered = 7 * 24 * time.Hour
	keepGivenUp   = 30 * 24 * time.Hour
)

func eventOfCard(c Card) (e Event, err error) {
	err = json.Unmarshal(c.Value, &e)
	e.Workspace = c.Workspace
	e.Endpoint, _, _ = strings.Cut(c.Key, "/")
	return e, err
}

func putEvent(ctx context.Context, tx Tx, e Event) error {
	c, err := e.card()
	if err != nil {
		return err
	}
	return tx.PutCard(ctx, c)
}

// bell is what a bell's value says: the last event that rang it.
type bell struct {
	Event string `json:"event"`
}

// ring lets an endpoint be looked at from a time on. It reads nothing.
func ring(ctx context.Context, tx Tx, workspace, endpoint, event string, due time.Time) error {
	value, err := json.Marshal(bell{event})
	if err != nil {
		return err
	}
	return tx.PutCard(ctx, Card{Kind: kindBell, Workspace: workspace, Key: endpoint, Due: due.Truncate(time.Microsecond), Value: value})
}

// news is something that happened, before anybody is told.
type news struct {
	what EventType
	at   time.Time
	// after is no earlier than what came before in the same story: clocks of
	// nodes differ, and the order of one message's events must not.
	after time.Time
	// data is what the event says in our form; family its whole body under a
	// name of the family's, nil where it has none. Neither writes anything.
	data   func() any
	family func(name EventType) (any, error)
}

// envelope is the body of an event in our form.
type envelope struct {
	Type      EventType `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Workspace string    `json:"workspace_id"`
	Data      any       `json:"data"`
}

// emit writes what happened for every endpoint that wants to hear of it, in
// the transaction in which it happens. It moves nothing where nobody listens.
func emit(ctx context.Context, tx Tx, w Workspace, n news) error {
	for _, s := range w.Subscriptions {
		for _, name := range s.names(n.what) {
			body, err := n.body(s.Form, name, w.ID)
			if err != nil {
				return err
			}
			e := Event{ID: eventID(tx, later(n.at, n.after)), Workspace: w.ID, Endpoint: s.Endpoint, Type: name, At: n.at.UTC(), Body: body}
			if err := putEvent(ctx, tx, e); err != nil {
				return err
			}
			if err := ring(ctx, tx, w.ID, s.Endpoint, e.ID, n.at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n news) body(form EventForm, name EventType, workspace string) (string, error) {
	if form != FormTimelines {
		return write(envelope{Type: name, Timestamp: n.at.UTC(), Workspace: workspace, Data: n.data()})
	}
	whole, err := n.family(name)
	if err != nil {
		return "", err
	}
	return write(whole)
}

// write is JSON as people read it: < stays <.
func write(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// eventID makes the id of an event of a time. Those of one process increase.
func eventID(tx Tx, at time.Time) string {
	if t, ok := tx.(*tally); ok {
		return formatEventID(t.ids.New(at))
	}
	return formatEventID(new(IDs).New(at))
}

func formatEventID(messageID string) string {
	return "evt_" + strings.ToLower(messageID[len(idPrefix):])
}

// emitChange tells what became of a message, where that is anybody's business.
func emitChange(ctx context.Context, tx Tx, m *Message) error {
	if _, ok := eventOf[m.Status]; !ok || m.Status == Queued {
		return nil
	}
	w, err := tx.Workspace(ctx, m.Workspace)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return emitMessage(ctx, tx, w, m)
}

// emitMessage tells that a message's status began. Its line is the last one of
// the history.
func emitMessage(ctx context.Context, tx Tx, w Workspace, m *Message) error {
	n := news{what: eventOf[m.Status]}
	if !w.hears(n.what) {
		return nil
	}
	before, applied := m.History[:len(m.History)-1], 0
	for _, c := range before {
		if c.Applied {
			n.after, applied = later(n.after, c.At), applied+1
		}
	}
	// a millisecond for each that came before: some of them may have been put
	// behind others in the same way
	n.at, n.after = m.History[len(before)].At, n.after.Add(time.Duration(applied)*time.Millisecond)
	n.data = func() any { return MessageBodyOf(*m) }
	n.family = func(name EventType) (any, error) { return familyMessage(ctx, tx, name, *m) }
	return emit(ctx, tx, w, n)
}

// emitReceived tells what somebody wrote. Notices that the provider made by
// itself are nobody's words.
func emitReceived(ctx context.Context, tx Tx, w Workspace, m InboundMessage, now time.Time) error {
	if m.Kind == KindSystem || !w.hears(EventReceived) {
		return nil
	}
	m.Text, m.Files = clip(m.Text, maxEventText), slices.Clone(m.Files)
	for i := range m.Files {
		f := &m.Files[i]
		f.Name, f.Type, f.Caption = clip(f.Name, maxEventName), clip(f.Type, maxEventName), clip(f.Caption, maxEventCaption)
	}
	return emit(ctx, tx, w, news{what: EventReceived, at: now,
		data:   func() any { return InboundBodyOf(m) },
		family: func(name EventType) (any, error) { return familyInbound(ctx, tx, name, m) },
	})
}

// How many characters of what was received are told: as many as fit onto a
// card, whatever they are. WhatsApp's own limits are not above.
const (
	maxEventText    = 65_536
	maxEventCaption = 1024
	maxEventName    = 256
)

// emitChannel tells what became of a channel.
func emitChannel(ctx context.Context, tx Tx, w Workspace, what EventType, c Channel) error {
	return emit(ctx, tx, w, news{what: what, at: time.Now(),
		data:   func() any { return ChannelBodyOf(c) },
		family: func(name EventType) (any, error) { return familyChannel(name, c), nil },
	})
}

// emitTemplate tells of a template that was added, changed or taken away.
func emitTemplate(ctx context.Context, tx Tx, w Workspace, t Template) error {
	return emit(ctx, tx, w, news{what: EventTemplate, at: time.Now(), data: func() any { return TemplateBodyOf(t) }})
}

// emitRotated tells that the webhook has a new URL.
func emitRotated(ctx context.Context, tx Tx, w Workspace) error {
	until := timeOrNull(w.Webhook.PreviousUntil)
	return emit(ctx, tx, w, news{what: EventRotated, at: time.Now(), data: func() any { return RotatedBody{until} }})
}
