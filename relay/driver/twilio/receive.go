package twilio

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"relevo/relay"
)

// statuses are what Twilio's words for an outbound message say of it. That
// Twilio has taken it is what we call sent.
// https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
var statuses = map[string]relay.Status{
	"accepted": relay.Sent, "scheduled": relay.Sent, "queued": relay.Sent, "sending": relay.Sent, "sent": relay.Sent,
	"delivered": relay.Delivered, "read": relay.Read,
	"failed": relay.Failed, "undelivered": relay.Failed, "canceled": relay.Failed,
}

// noReply answers an inbound message: nothing to say.
// https://www.twilio.com/docs/messaging/twiml
const noReply = "<Response></Response>"

// Receive reads one callback: a status, an inbound message, an event of Event
// Streams about a template, or an error of the debugger.
// https://www.twilio.com/docs/messaging/guides/webhook-request
func (d *Driver) Receive(ch relay.Channel, c relay.Callback) (relay.Received, error) {
	s, err := settingsOf(ch)
	if err != nil {
		return relay.Received{}, err
	}
	address, err := url.Parse(c.URL)
	if err != nil {
		return relay.Received{}, fmt.Errorf("the callback's address cannot be read")
	}
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return relay.Received{}, relay.ErrForged
	}
	form, ok := verified(s, c, query)
	if !ok {
		return relay.Received{}, relay.ErrForged
	}
	if query.Has(bodyHash) {
		return events(s, c)
	}
	if form.Get("AccountSid") != s.AccountSID {
		return relay.Received{}, relay.ErrForged
	}
	switch status := strings.ToLower(form.Get("MessageStatus")); {
	case form.Has("Payload") && form.Has("Level"):
		return debugged(form), nil
	case !messageSID.MatchString(form.Get("MessageSid")):
		return relay.Received{}, nil
	case status != "" && status != "received" && status != "receiving":
		return reported(s, ch, c, form, query)
	default:
		return received(s, ch, c, form)
	}
}

// bodyHash is the parameter that binds a body that is no form.
const bodyHash = "bodySHA256"

// verified is the callback's parameters where its signature is right.
func verified(s Settings, c relay.Callback, query url.Values) (url.Values, bool) {
	tokens := []string{s.AuthToken, s.SecondaryAuthToken}
	signature := c.Header.Get("X-Twilio-Signature")
	switch {
	case query.Has(bodyHash):
		return nil, signed(tokens, c.URL, nil, signature) && hashed(c.Body, query.Get(bodyHash))
	case c.Method == http.MethodGet:
		return query, len(c.Body) == 0 && signed(tokens, c.URL, nil, signature)
	}
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		return nil, false
	}
	return form, signed(tokens, c.URL, form, signature)
}

// sender reports whether a number is the channel's sender. Where its settings
// name only a messaging service that has to match, or the number the channel's
// own.
func sender(s Settings, ch relay.Channel, number, service string) bool {
	own := s.From
	if own == "" {
		own = ch.Phone
	}
	if own != "" && number == "whatsapp:"+own {
		return true
	}
	return s.MessagingServiceSID != "" && service == s.MessagingServiceSID && strings.HasPrefix(number, "whatsapp:")
}

// ourID is the form of a message's id.
var ourID = regexp.MustCompile(`^wa_backend:3EB0[0-9A-F]{18}$`)

// reported reads a status callback. It has no time of its own.
// https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
func reported(s Settings, ch relay.Channel, c relay.Callback, form, query url.Values) (got relay.Received, err error) {
	if !sender(s, ch, form.Get("From"), form.Get("MessagingServiceSid")) {
		return got, relay.ErrForged
	}
	status, ok := statuses[strings.ToLower(form.Get("MessageStatus"))]
	if !ok {
		return got, nil
	}
	r := relay.Report{ProviderID: form.Get("MessageSid"), Status: status, At: c.At}
	if id := query.Get("id"); ourID.MatchString(id) {
		r.MessageID = id
	}
	if status == relay.Failed {
		code := codeIn(form)
		m := meaningOf(code)
		r.Failure = m.failure(code)
		if form.Get("MessageStatus") == "canceled" && code == 0 {
			r.Failure = &relay.Failure{Code: relay.CodeCanceled, Message: "The message was canceled at Twilio."}
		}
		if m.holds {
			got.Fault = m.reason
		}
	}
	got.Reports = []relay.Report{r}
	return got, nil
}
