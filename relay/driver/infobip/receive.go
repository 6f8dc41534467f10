package infobip

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"relevo/relay"
)

// callback is a batch of results, or one push about a template.
type callback struct {
	Results []json.RawMessage `json:"results"`
	templatePush
}

// result is any element of a batch; what it holds says what it is.
type result struct {
	MessageID    text `json:"messageId"`
	CallbackData text `json:"callbackData"`
	// From and To of what a person writes are theirs and ours; of a seen
	// report too; a delivery report has To alone, the person's. Sender is the
	// person of a Viber message, and our sender in a Viber report.
	From   text `json:"from"`
	To     text `json:"to"`
	Sender text `json:"sender"`

	SentAt     text `json:"sentAt"`
	DoneAt     text `json:"doneAt"`
	SeenAt     text `json:"seenAt"`
	ReceivedAt text `json:"receivedAt"`

	Status *state   `json:"status"`
	Error  *problem `json:"error"`

	IntegrationType text     `json:"integrationType"`
	Message         *written `json:"message"`
	Contact         contact  `json:"contact"`
	templatePush
}

// text is a JSON text or number; everything else is empty.
type text string

// UnmarshalJSON never fails, so that one odd field loses no batch.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	} else if n := strings.TrimSpace(string(b)); n != "" && strings.ContainsAny(n[:1], "-0123456789") {
		*t = text(n)
	}
	return nil
}

// Receive reads one call of Infobip: delivery reports, seen reports, messages
// of people and template updates, in batches and mixed. Results of another
// sender of the same account are left out; a call that holds nothing else is
// forged.
func (d *shared) Receive(ch relay.Channel, c relay.Callback) (got relay.Received, err error) {
	s, err := open(ch)
	if err != nil {
		return got, err
	}
	if err := s.verify(c); err != nil {
		return got, err
	}
	var in callback
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return got, fmt.Errorf("decode callback: %w", err)
	}
	if change, ok := in.change(); ok {
		got.Templates = append(got.Templates, change)
	}
	var foreign, unread int
	for _, raw := range in.Results {
		var r result
		if err := json.Unmarshal(raw, &r); err != nil {
			unread++
			continue
		}
		if !d.read(&got, s, r, c.At) {
			foreign++
		}
	}
	if unread > 0 {
		d.log.Warn("infobip: results of a callback cannot be read", "channel", ch.ID, "results", unread)
		if unread == len(in.Results) {
			return relay.Received{}, fmt.Errorf("decode callback: none of %d results can be read", unread)
		}
	}
	if foreign > 0 {
		d.log.Info("infobip: results of another sender", "channel", ch.ID, "results", foreign)
		if foreign+unread == len(in.Results) && len(got.Templates) == 0 {
			return relay.Received{}, relay.ErrForged
		}
	}
	return got, nil
}

// read adds what a result tells. False says that it is about another sender.
func (d *shared) read(got *relay.Received, s settings, r result, now time.Time) bool {
	switch {
	case r.Message != nil:
		if !d.ours(s, r.To) || r.IntegrationType != "" && !strings.EqualFold(string(r.IntegrationType), d.integration) {
			return false
		}
		got.Inbound = append(got.Inbound, d.inbound(s, r, now))
	case r.SeenAt != "":
		if !d.ours(s, r.To) && !d.ours(s, r.From) && !d.ours(s, r.Sender) {
			return false
		}
		rep := r.report(relay.Read)
		rep.At = timeOf(now, r.SeenAt)
		got.Reports = append(got.Reports, rep)
	case r.Status != nil:
		if r.Sender != "" && !d.ours(s, r.Sender) {
			return false
		}
		r.delivery(got, now)
	default: // clicks, consent and whatever comes to be
		if change, ok := r.change(); ok {
			got.Templates = append(got.Templates, change)
		}
	}
	return true
}

// ours reports whether a name in a result is the channel's sender.
func (d *shared) ours(s settings, name text) bool {
	n := strings.TrimSpace(string(name))
	if d.flavor == onWhatsApp {
		return strings.TrimPrefix(n, "+") == s.Sender
	}
	return strings.EqualFold(n, s.Sender)
}

// recent bounds how late a report may still hold the channel: the owner may
// have acted since.
const recent = 10 * time.Minute

// delivery adds what a delivery report says.
func (r result) delivery(got *relay.Received, now time.Time) {
	o := r.Status.outcome()
	if o == "" || r.MessageID == "" && r.CallbackData == "" {
		return
	}
	rep := r.report(o)
	rep.At = timeOf(now, r.DoneAt, r.SentAt)
	if o == relay.Failed {
		row := rowOf(*r.Status, r.Error)
		rep.Failure = &relay.Failure{Code: row.codeOf(), Message: row.said()}
		if row.stops && now.Sub(rep.At) < recent {
			got.Fault = row.reason
		}
	}
	got.Reports = append(got.Reports, rep)
}

// said is the reason for a message that has failed: nothing tries it again.
func (r row) said() string {
	before, _, _ := strings.Cut(r.reason, "; it will be tried again")
	if before != r.reason {
		return before + ". Send it again later."
	}
	return r.reason
}

// report names the message: by our id, where one came back, and by
// Infobip's.
func (r result) report(st relay.Status) relay.Report {
	rep := relay.Report{Status: st, ProviderID: string(r.MessageID)}
	for _, id := range []text{r.MessageID, r.CallbackData} {
		if rep.MessageID == "" && isOurs(string(id)) {
			rep.MessageID = string(id)
		}
	}
	return rep
}

// isOurs reports whether an id has the form of a relay's message.
func isOurs(id string) bool {
	rest, ok := strings.CutPrefix(id, "wa_backend:3EB0")
	return ok && len(rest) == 18 && strings.Trim(rest, "0123456789ABCDEF") == ""
}

// timeForms are how Infobip writes times.
var timeForms = []string{"2006-01-02T15:04:05.000-0700", "2006-01-02T15:04:05-0700", time.RFC3339Nano}

// timeOf is the first of some times that can be one, else now. Numbers are
// seconds or milliseconds.
func timeOf(now time.Time, given ...text) time.Time {
	for _, g := range given {
		v := string(g)
		var at time.Time
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			if n > 100_000_000_000 {
				at = time.UnixMilli(n)
			} else {
				at = time.Unix(n, 0)
			}
		}
		for _, form := range timeForms {
			if t, err := time.Parse(form, v); err == nil {
				at = t
				break
			}
		}
		if at.Year() >= 2015 && at.Before(now.Add(24*time.Hour)) {
			return at.UTC()
		}
	}
	return now.UTC()
}
