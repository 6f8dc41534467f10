package vonage

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// Receive verifies one callback and says what it tells: of a message's status,
// of a message that somebody wrote, or of a template. What it is, its content
// says; Part is not needed. A callback without any signature is a *relay.Error
// with code unavailable, so that Vonage calls again: in rare faults of its own
// it forgets to sign.
// https://developer.vonage.com/en/api/messages#webhooks
func (d *Driver) Receive(ch relay.Channel, c relay.Callback) (relay.Received, error) {
	var got relay.Received
	s, err := settingsOf(ch)
	if err != nil {
		return got, err
	}
	if err := verify(s, c); err != nil {
		return got, err
	}
	events, err := eventsOf(c.Body)
	if err != nil {
		return got, err
	}
	for _, e := range events {
		if err := d.take(&got, s, e, c.At); err != nil {
			return relay.Received{}, err
		}
	}
	return got, nil
}

var errUnreadable = errors.New("vonage: the callback is no JSON object")

// eventsOf reads one object, or a list of some.
func eventsOf(body []byte) ([]event, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' {
		var list []event
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, errUnreadable
		}
		return list, nil
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e == nil {
		return nil, errUnreadable
	}
	return []event{e}, nil
}

// take adds what one event tells. Events of other channels of the application,
// such as SMS, tell nothing; those of another WhatsApp number are not ours.
func (d *Driver) take(got *relay.Received, s Settings, e event, at time.Time) error {
	if _, ok := e["notification_id"]; ok {
		return takeNotice(got, s, e)
	}
	to, from := field[party](e, "to"), field[party](e, "from")
	if e.channel() != "whatsapp" || e.word("message_uuid") == "" {
		return nil
	}
	if old := e["to"]; len(old) > 0 && old[0] == '{' {
		d.log.Warn("vonage: the application sends callbacks of version v0.1; switch it to v1 in the Vonage dashboard", "application", s.ApplicationID)
	}
	content, isMessage := e.content()
	switch {
	case !isMessage && e.word("status") != "":
		if !equal(from.digits(), s.From) {
			return forged("it is about another number")
		}
		if r, ok := e.report(at); ok {
			got.Reports = append(got.Reports, r)
		}
		if r, ok := told[e.code()]; ok && r.verdict == relay.ChannelFault && e.status() == relay.Failed {
			got.Fault = r.reason
		}
	case isMessage:
		if !equal(to.digits(), s.From) {
			return forged("it is about another number")
		}
		got.Inbound = append(got.Inbound, d.inbound(e, content, from, at))
	}
	return nil
}

// channel is the word for the channel; version 0.1 has it inside of from.
func (e event) channel() string {
	if c := e.word("channel"); c != "" {
		return c
	}
	return string(field[struct {
		Type word `json:"type"`
	}](e, "from").Type)
}

// content is where a message's own fields are: beside the others or, in
// version 0.1, inside of message.content. False where it is no message.
func (e event) content() (event, bool) {
	if e.word("message_type") != "" {
		return e, true
	}
	old := field[struct {
		Content event `json:"content"`
	}](e, "message").Content
	if kind, ok := old["type"]; ok {
		old["message_type"] = kind
		return old, true
	}
	return nil, false
}

// statuses are Vonage's words:
// https://developer.vonage.com/en/messages/concepts/messages-status-callbacks
var statuses = map[string]relay.Status{
	"submitted": relay.Sent, "delivered": relay.Delivered, "read": relay.Read, "seen": relay.Read,
	"rejected": relay.Failed, "undeliverable": relay.Failed,
}

// status is what the event says became of the message; empty where that is
// nothing.
func (e event) status() relay.Status {
	st := statuses[strings.ToLower(e.word("status"))]
	if st != relay.Failed {
		return st
	}
	switch e.code() {
	case codeAlready:
		return relay.Sent
	case codeTimedOut:
		return ""
	}
	return st
}

// code is the number of the event's error; empty without one.
func (e event) code() string {
	err := field[event](e, "error")
	for _, name := range []string{"title", "code"} { // code is version 0.1's
		if w := err.word(name); numeric(w) {
			return w
		}
	}
	return problem{Type: err.word("type")}.slug()
}

func numeric(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// ourRef is the form of our message ids; a reference of another form is of
// somebody else who uses the application.
var ourRef = regexp.MustCompile(`^wa_backend:3EB0[0-9A-F]{18}$`)

// report is what a status event says; false where it says nothing.
func (e event) report(at time.Time) (relay.Report, bool) {
	st := e.status()
	if st == "" {
		return relay.Report{}, false
	}
	r := relay.Report{ProviderID: e.word("message_uuid"), Status: st, At: e.time(at)}
	if ref := e.word("client_ref"); ourRef.MatchString(ref) {
		r.MessageID = ref
	}
	if st == relay.Failed {
		r.Failure = failure(e.code())
	}
	return r, true
}

// Times before the first WhatsApp message of any business, or after the
// callback came, are nonsense.
var firstTime = time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)

// time is when it happened by Vonage's clock, at where that makes no sense.
func (e event) time(at time.Time) time.Time {
	w := e.word("timestamp")
	t, err := time.Parse(time.RFC3339, w)
	if err != nil {
		t, err = time.Parse("2006-01-02 15:04:05 -0700", w)
	}
	if n, notNumber := strconv.ParseInt(w, 10, 64); err != nil && notNumber == nil {
		t, err = time.Unix(n, 0), nil
		if n > 1e11 { // seconds would be the year 5138
			t = time.UnixMilli(n)
		}
	}
	if err != nil || t.Before(firstTime) || t.Sub(at) > maxTokenSkew {
		return at.UTC()
	}
	return t.UTC()
}
