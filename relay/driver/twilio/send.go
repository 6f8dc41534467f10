package twilio

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Send hands one message to Twilio with one call of the Messages resource.
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
func (d *Driver) Send(ctx context.Context, out relay.Outgoing) (string, error) {
	s, err := settingsOf(out.Channel)
	if err != nil {
		return "", err
	}
	form, err := addressed(s, out)
	if err != nil {
		return "", err
	}
	if err := d.fill(ctx, form, s, out); err != nil {
		return "", err
	}
	res, err := d.post(ctx, s, d.account(s)+"/Messages.json", form)
	if err != nil {
		return "", err
	}
	return sent(res)
}

// addressed is a form that says from whom, to whom, and where to report.
func addressed(s Settings, out relay.Outgoing) (url.Values, error) {
	to, ok := address(out.Recipient)
	if out.Group || !ok {
		return nil, refused(relay.CodeRefused, "Twilio sends to single people only: a group, or an id that is no phone number, cannot be reached through it.")
	}
	form := url.Values{"To": {to}}
	if s.From != "" {
		form.Set("From", "whatsapp:"+s.From)
	}
	if s.MessagingServiceSID != "" {
		form.Set("MessagingServiceSid", s.MessagingServiceSID)
	}
	if out.Callbacks.Status != "" {
		form.Set("StatusCallback", callbackFor(out.Callbacks.Status, out.MessageID))
	}
	return form, nil
}

// retries asks Twilio to repeat a callback five times when we cannot be reached
// or answer with 5xx; by default it repeats only a failed connection, once. The
// fragment is not sent and not signed.
// https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
const retries = "#rc=5&rp=5xx,ct,rt"

// callbackFor is the address for reports of one message.
func callbackFor(status, messageID string) string {
	mark := "?"
	if strings.Contains(status, "?") {
		mark = "&"
	}
	return status + mark + "id=" + url.QueryEscape(messageID) + retries
}

// userForm is a business-scoped user id: the country, a point, and letters and
// digits. https://www.twilio.com/docs/whatsapp/key-concepts
var (
	userForm  = regexp.MustCompile(`^[A-Z]{2}\.[0-9A-Za-z]{1,128}$`)
	phoneForm = regexp.MustCompile(`^\+?[1-9][0-9]{4,14}$`)
)

// address is a recipient as Twilio writes it: a number with +, or a user id
// without.
func address(recipient string) (string, bool) {
	r := strings.TrimSuffix(strings.TrimPrefix(recipient, "whatsapp:"), "@s.whatsapp.net")
	switch {
	case userForm.MatchString(r):
		return "whatsapp:" + r, true
	case phoneForm.MatchString(r):
		return "whatsapp:+" + strings.TrimPrefix(r, "+"), true
	}
	return "", false
}

// fill adds what is to be sent.
func (d *Driver) fill(ctx context.Context, form url.Values, s Settings, out relay.Outgoing) error {
	if out.Template != nil {
		return d.fillTemplate(ctx, form, s, out)
	}
	if out.Text != "" {
		form.Set("Body", out.Text)
	}
	if out.File == nil {
		return nil
	}
	if out.Text != "" && !d.Captions(out.File.Kind) {
		return refused(relay.CodeRefused, "Twilio carries no text under a file of this kind. Send text and file as two messages.")
	}
	if err := takes(out.File); err != nil {
		return err
	}
	form.Set("MediaUrl", out.File.Link)
	return nil
}

// sent reads the answer of the Messages resource.
func sent(res wire.Result) (string, error) {
	if res.Status/100 != 2 {
		return "", errorOf(res)
	}
	var m message
	if err := json.Unmarshal(res.Body, &m); err != nil || !messageSID.MatchString(m.SID) {
		return "", &relay.SendError{Verdict: relay.Unsure, Reason: "Twilio's answer cannot be read."}
	}
	if m.over() {
		return "", stillborn(m)
	}
	return m.SID, nil
}

// messageSID is the form of a message's id.
// https://www.twilio.com/docs/messaging/api/message-resource
var messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// message is what this driver reads of a Message resource.
type message struct {
	SID                 string `json:"sid"`
	Status              string `json:"status"`
	Direction           string `json:"direction"`
	From                string `json:"from"`
	To                  string `json:"to"`
	MessagingServiceSID string `json:"messaging_service_sid"`
	Body                string `json:"body"`
	NumMedia            string `json:"num_media"`
	ErrorCode           *int   `json:"error_code"`
	DateCreated         string `json:"date_created"`
	DateUpdated         string `json:"date_updated"`
}

func (m message) over() bool { return statuses[m.Status] == relay.Failed }

func (m message) fault() int {
	if m.ErrorCode == nil {
		return 0
	}
	return *m.ErrorCode
}

// stillborn is the error of a message that Twilio made and gave up at once: it
// did not go out, so that nothing of it is unsure.
func stillborn(m message) error {
	e := meaningOf(m.fault()).sendError(m.fault(), wire.Result{Status: 201})
	if e.Verdict == relay.Unsure {
		e.Verdict = relay.Refused
	}
	if e.Code == "" {
		e.Code = relay.CodeProviderFailed
	}
	return e
}

func refused(code relay.Code, reason string) error {
	return &relay.SendError{Verdict: relay.Refused, Code: code, Reason: reason}
}
