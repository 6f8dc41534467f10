package relay

import (
	"context"
	"slices"
	"strings"
	"time"
)

// SampleEvent is an event as it is sent, of made-up data. CodeInvalidField
// where the form has no such type.
func SampleEvent(workspace string, form EventForm, name EventType, now time.Time) (Event, error) {
	what, ok := ourType(form, name)
	if !ok {
		return Event{}, RefuseField(CodeInvalidField, "type", "There is no such type of event in this form.", "There are: "+listed(EventTypes(form))+".")
	}
	now = now.UTC().Truncate(time.Second)
	e := Event{ID: formatEventID(new(IDs).New(now)), Workspace: workspace, Type: name, At: now}
	n := news{what: what, at: now, data: func() any { return sampleData(what, now) }}
	n.family = func(name EventType) (any, error) { return sampleFamily(what, name, now), nil }
	var err error
	e.Body, err = n.body(form, name, workspace)
	return e, err
}

// ourType is what a name of a form stands for.
func ourType(form EventForm, name EventType) (EventType, bool) {
	for _, t := range eventTypes {
		if form == FormStandard && t == name || form == FormTimelines && slices.Contains(familyNames[t], name) {
			return t, true
		}
	}
	return "", false
}

// Samples are of people who do not exist: the numbers are reserved for stories
// (https://en.wikipedia.org/wiki/555_(telephone_number)).
const (
	sampleSender = "+12025550100"
	samplePerson = "+12025550143"
)

func sampleChannel(now time.Time) Channel {
	return Channel{ID: "ch_" + strings.Repeat("0", 20), Kind: "sandbox", Name: "Sample", Phone: sampleSender, State: Connected, ConnectedAt: now}
}

func sampleMessage(s Status, now time.Time) Message {
	m := Message{ID: idPrefix + strings.Repeat("0", 18), Status: s, Units: 1, Channel: sampleChannel(now).ID, ChatID: "10001", Recipient: samplePerson,
		Text: "Hello, this is a sample.", CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour), History: []Change{{At: now, Status: s, Applied: true}}}
	switch s {
	case Sent, Delivered, Read:
		m.Tries, m.ProviderID = 1, "sample"
	case Unconfirmed:
		m.Tries = 1
	case Failed:
		m.Tries = 1
		m.Failure = &Failure{Code: CodeNotOnWhatsApp, Message: "This number is not on WhatsApp."}
	case Expired:
		m.Failure = &Failure{Code: CodeExpired, Message: "It could not be sent before it expired; its units were given back."}
	case Canceled:
		m.Failure = canceledChange(now).Failure
	}
	return m
}

func sampleInbound(now time.Time) InboundMessage {
	return InboundMessage{ID: idPrefix + strings.Repeat("0", 18), Channel: sampleChannel(now).ID, ChatID: "10001", Recipient: samplePerson, Kind: "text", Text: "Hello, this is a sample.", At: now}
}

func sampleData(what EventType, now time.Time) any {
	ch := sampleChannel(now)
	switch what {
	case EventReceived:
		return InboundBodyOf(sampleInbound(now))
	case EventHeld:
		ch.State, ch.Reason = Held, "the provider refused this account"
		return ChannelBodyOf(ch)
	case EventConnected, EventResumed:
		return ChannelBodyOf(ch)
	case EventTemplate:
		return TemplateBodyOf(Template{Channel: ch.ID, Name: "sample", Language: "en", Category: Utility, Status: TemplateApproved, Body: "Hello {{1}}"})
	case EventLow:
		return QuotaBody{UsedPercent: markLow, Full: 1000, Granted: 1000, Available: 200, Reserved: 3, Spent: 797}
	case EventExhausted:
		return QuotaBody{UsedPercent: markEmpty, Full: 1000, Granted: 1000, Reserved: 3, Spent: 997}
	case EventRotated:
		until := now.Add(time.Hour)
		return RotatedBody{&until}
	}
	for s, t := range eventOf {
		if t == what {
			return MessageBodyOf(sampleMessage(s, now))
		}
	}
	return nil
}

func sampleFamily(what, name EventType, now time.Time) any {
	ch := sampleChannel(now)
	chat := Chat{Name: "Sample Person"}
	switch what {
	case EventSent:
		return familyMessageOf(name, sampleMessage(Sent, now), ch, chat)
	case EventReceived:
		return familyInboundOf(name, sampleInbound(now), ch, chat)
	}
	return familyChannel(name, ch)
}

// Tested is what came of sending a sample.
type Tested struct {
	Event Event
	Posted
}

// TestEndpoint sends a sample event to an endpoint now, also to a disabled one,
// and tells what came of it. It is not part of the log. name is empty for the
// first type that the endpoint wants to hear of.
func (r *Relay) TestEndpoint(ctx context.Context, workspace, id string, name EventType) (Tested, error) {
	e, err := r.Endpoint(ctx, workspace, id)
	if err != nil {
		return Tested{}, err
	}
	if r.Poster == nil {
		return Tested{}, Refusef(CodeUnavailable, "This server sends no events.")
	}
	if name == "" {
		name = e.Types[0]
	}
	now := time.Now()
	ev, err := SampleEvent(workspace, e.Form, name, now)
	if err != nil {
		return Tested{}, err
	}
	secrets, err := r.secretsOf(e, now)
	if err != nil {
		return Tested{}, err
	}
	return Tested{ev, r.Poster.Post(ctx, Posting{URL: e.URL, ID: ev.ID, Body: ev.Body, Secrets: secrets})}, nil
}
