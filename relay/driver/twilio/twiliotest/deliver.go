package twiliotest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Callback is a request that Twilio makes.
type Callback struct {
	// URL as configured, without its fragment.
	URL    string
	Header http.Header
	Body   string
}

// Sign is the signature of a form, or of nothing but the address.
func (f *Fake) Sign(address string, form url.Values) string {
	address, _, _ = strings.Cut(address, "#")
	var names []string
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	text := address
	for _, name := range names {
		text += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(f.o.AuthToken))
	io.WriteString(mac, text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Form makes a signed callback with a form.
func (f *Fake) Form(address string, form url.Values) Callback {
	bare, _, _ := strings.Cut(address, "#")
	return Callback{bare, http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"},
		"X-Twilio-Signature": {f.Sign(address, form)}}, form.Encode()}
}

// JSON makes a signed callback with a JSON body, such as a batch of events.
func (f *Fake) JSON(address, body string) Callback {
	bare, _, _ := strings.Cut(address, "#")
	sum := sha256.Sum256([]byte(body))
	mark := "?"
	if strings.Contains(bare, "?") {
		mark = "&"
	}
	bare += mark + "bodySHA256=" + hex.EncodeToString(sum[:])
	return Callback{bare, http.Header{"Content-Type": {"application/json"}, "X-Twilio-Signature": {f.Sign(bare, nil)}}, body}
}

// Status makes the callback for a status of a message, to the address that the
// message named. It does not change the message.
func (f *Fake) Status(m Message, status string, code int) Callback {
	form := url.Values{"MessageSid": {m.SID}, "SmsSid": {m.SID}, "MessageStatus": {status}, "SmsStatus": {status},
		"AccountSid": {f.o.AccountSID}, "From": {or(m.From, "whatsapp:"+f.o.From)}, "To": {m.To}, "ApiVersion": {"2010-04-01"},
		"ChannelPrefix": {"whatsapp"}, "ChannelInstallSid": {"XE" + strings.Repeat("0", 32)}, "ChannelToAddress": {m.To}}
	if m.Service != "" {
		form.Set("MessagingServiceSid", m.Service)
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
		form.Set("ChannelStatusMessage", "Scripted")
	}
	switch status {
	case "delivered", "read", "undelivered":
		form.Set("EventType", strings.ToUpper(status))
	}
	return f.Form(m.Callback, form)
}

// Inbound makes the callback for a text from a person; more adds to its
// parameters, replaces some, and takes away those without a value.
func (f *Fake) Inbound(address, from, text string, more url.Values) Callback {
	f.mu.Lock()
	id := f.sid("SM")
	f.mu.Unlock()
	form := url.Values{"SmsMessageSid": {id}, "SmsSid": {id}, "MessageSid": {id}, "NumMedia": {"0"}, "ProfileName": {"Ana"},
		"MessageType": {"text"}, "WaId": {strings.TrimPrefix(from, "+")}, "SmsStatus": {"received"}, "Body": {text},
		"To": {"whatsapp:" + f.o.From}, "From": {"whatsapp:" + from}, "NumSegments": {"1"}, "ReferralNumMedia": {"0"},
		"AccountSid": {f.o.AccountSID}, "ApiVersion": {"2010-04-01"}}
	for name, v := range more {
		if form[name] = v; len(v) == 0 {
			delete(form, name)
		}
	}
	return f.Form(address, form)
}

// Deliver sends callbacks in the order given, each once: a callback may be
// given twice, or later ones first. It returns the answers' statuses; an error
// ends it.
func (f *Fake) Deliver(ctx context.Context, callbacks ...Callback) (statuses []int, err error) {
	for _, c := range callbacks {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, strings.NewReader(c.Body))
		if err != nil {
			return statuses, err
		}
		req.Header = c.Header.Clone()
		res, err := f.o.HTTP.Do(req)
		if err != nil {
			return statuses, err
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		statuses = append(statuses, res.StatusCode)
	}
	return statuses, nil
}

// errUnknown means that the account has no such message.
var errUnknown = errors.New("no such message")

// DeliverStatus changes a message and reports each status to the address that
// it named. A message that its call already doomed fails instead.
func (f *Fake) DeliverStatus(ctx context.Context, sid string, reported ...string) ([]int, error) {
	for _, m := range f.Messages() {
		if m.SID != sid {
			continue
		}
		var all []Callback
		if m.Code != 0 {
			reported = []string{"failed"}
		}
		for _, status := range reported {
			f.Change(sid, status, m.Code)
			all = append(all, f.Status(m, status, m.Code))
		}
		return f.Deliver(ctx, all...)
	}
	return nil, errUnknown
}

// DeliverInbound sends a text from a person to an address.
func (f *Fake) DeliverInbound(ctx context.Context, address, from, text string) ([]int, error) {
	return f.Deliver(ctx, f.Inbound(address, from, text, nil))
}
