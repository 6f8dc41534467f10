package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// prepared is what an error of a call means that sends no message.
func prepared(err error) error {
	if err == nil {
		return nil
	}
	return wire.Prepared(err)
}

// Resolve looks for a message in the account's list, which does not show our
// id: a text is known by sender, recipient, words and time. It is known only
// where exactly one message in the list is like that; a message without words,
// a template, and one that is not there are not known. What a status callback
// tells, which carries our id, is better evidence and comes sooner.
// https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
func (d *Driver) Resolve(ctx context.Context, out relay.Outgoing) (r relay.Report, known bool, err error) {
	s, err := settingsOf(out.Channel)
	if err != nil {
		return r, false, err
	}
	since, ok := acceptedAt(out.MessageID)
	to, reachable := address(out.Recipient)
	if !ok || !reachable || out.Template != nil || strings.TrimSpace(out.Text) == "" {
		return r, false, nil
	}
	res, err := d.get(ctx, s, d.account(s)+"/Messages.json?"+since.query(s, to).Encode())
	if err == nil && res.Status != 200 {
		err = errorOf(res)
	}
	if err != nil {
		return r, false, prepared(err)
	}
	var list struct {
		Messages *[]message `json:"messages"`
		Next     string     `json:"next_page_uri"`
	}
	if json.Unmarshal(res.Body, &list) != nil || list.Messages == nil {
		return r, false, errors.New("twilio: the list of messages cannot be read")
	}
	if list.Next != "" {
		return r, false, nil // more than can be told apart
	}
	return one(*list.Messages, like{s, to, out.Text, out.File != nil, since})
}

// accepted is when the relay took a message.
type accepted struct{ time.Time }

// listed is how many messages of one person are looked at.
const listed = 1000

// query asks from midnight on. The time is written whole: Twilio's description
// has a date-time here (twilio_api_v2010.json, ListMessage), its pages take a
// date too.
func (a accepted) query(s Settings, to string) url.Values {
	day := a.UTC().Truncate(24 * time.Hour)
	q := url.Values{"To": {to}, "DateSent>": {day.Format(time.RFC3339)}, "PageSize": {strconv.Itoa(listed)}}
	if s.From != "" {
		q.Set("From", "whatsapp:"+s.From)
	}
	return q
}

// acceptedAt reads the clock in a message's id: milliseconds in 12 hexadecimal
// digits.
func acceptedAt(id string) (accepted, bool) {
	if !ourID.MatchString(id) {
		return accepted{}, false
	}
	ms, err := strconv.ParseInt(id[len("wa_backend:3EB0"):][:12], 16, 64)
	return accepted{time.UnixMilli(ms)}, err == nil
}

// like is what the message looked for looks like.
type like struct {
	s       Settings
	to      string
	text    string
	file    bool
	created accepted
}

// clocks is how far Twilio's clock may be behind ours.
const clocks = time.Minute

func (l like) matches(m message) bool {
	made, err := time.Parse(time.RFC1123Z, m.DateCreated)
	if err != nil || made.Before(l.created.Add(-clocks)) {
		return false
	}
	from := l.s.From != "" && m.From == "whatsapp:"+l.s.From || l.s.From == "" && m.MessagingServiceSID == l.s.MessagingServiceSID
	media := m.NumMedia != "" && m.NumMedia != "0"
	return from && m.To == l.to && m.Direction == "outbound-api" && media == l.file &&
		strings.TrimSpace(m.Body) == strings.TrimSpace(l.text) && messageSID.MatchString(m.SID)
}

// one is the report of the only message that matches.
func one(all []message, l like) (r relay.Report, known bool, err error) {
	var found []message
	for _, m := range all {
		if l.matches(m) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return r, false, nil
	}
	m := found[0]
	status, ok := statuses[m.Status]
	if !ok {
		return r, false, nil
	}
	r = relay.Report{ProviderID: m.SID, Status: status}
	if at, err := time.Parse(time.RFC1123Z, m.DateUpdated); err == nil {
		r.At = at.UTC()
	}
	if status == relay.Failed {
		r.Failure = meaningOf(m.fault()).failure(m.fault())
	}
	return r, true, nil
}
