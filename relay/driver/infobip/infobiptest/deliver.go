package infobiptest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// timeForm is how Infobip writes times.
const timeForm = "2006-01-02T15:04:05.000-0700"

// Security is what callbacks carry beside their address.
type Security struct {
	User, Password string
	// Secret signs the body with HMAC-SHA-256 into Header, or
	// X-Hub-Signature-256.
	Secret, Header string
}

// Deliver posts results to an address as one batch, and returns the status of
// the answer. To send late, twice or out of order, call it so.
func (f *Fake) Deliver(ctx context.Context, url string, s Security, results ...any) (int, error) {
	return f.DeliverBody(ctx, url, s, Batch(results...))
}

// DeliverBody posts any body.
func (f *Fake) DeliverBody(ctx context.Context, url string, s Security, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = s.Headers(body)
	res, err := f.o.HTTP.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// Headers are the headers of a callback with a body.
func (s Security) Headers(body []byte) http.Header {
	r := http.Request{Header: http.Header{"Content-Type": {"application/json"}}}
	if s.User != "" {
		r.SetBasicAuth(s.User, s.Password)
	}
	if s.Secret != "" {
		h := hmac.New(sha256.New, []byte(s.Secret))
		h.Write(body)
		name := s.Header
		if name == "" {
			name = "X-Hub-Signature-256"
		}
		r.Header.Set(name, "sha256="+hex.EncodeToString(h.Sum(nil)))
	}
	return r.Header
}

// Batch is a body with results.
func Batch(results ...any) []byte {
	b, err := json.Marshal(map[string]any{"results": results, "messageCount": len(results), "pendingMessageCount": 0})
	if err != nil {
		panic(err) // a test gave what is no JSON
	}
	return b
}

// Report is a delivery report of a message with the ids of a status and an
// error.
func Report(m Message, status, problem int, at time.Time) map[string]any {
	m.Status, m.Error, m.At = status, problem, at
	return m.report()
}

func (m *Message) report() map[string]any {
	r := map[string]any{
		"bulkId": "2034072219640523073", "messageId": m.ID, "to": m.To, "sentAt": m.At.Format(timeForm), "doneAt": m.At.Format(timeForm), "messageCount": 1,
		"price": map[string]any{"pricePerMessage": 0.21, "currency": "EUR"}, "status": statusOf(m.Status), "error": errorOf(m.Error),
	}
	if m.Channel == "VIBER" {
		r["sender"], r["callbackData"], r["mccMnc"] = m.From, m.CallbackData, "21901"
	}
	return r
}

// Seen is a report that a person has read a message.
func Seen(m Message, at time.Time) map[string]any {
	return map[string]any{"messageId": m.ID, "from": m.To, "to": m.From, "sentAt": m.At.Format(timeForm), "seenAt": at.Format(timeForm)}
}

// Inbound is what a person wrote: message is of any type. A Viber one has the
// person as sender.
func (f *Fake) Inbound(channel, from, id string, message map[string]any, at time.Time) map[string]any {
	r := map[string]any{
		"integrationType": channel, "receivedAt": at.Format(timeForm), "messageId": id, "message": message,
		"price": map[string]any{"pricePerMessage": 0, "currency": "EUR"},
	}
	if channel == "VIBER" {
		r["sender"], r["to"] = from, f.o.ViberSender
		return r
	}
	r["from"], r["to"] = from, f.o.Sender
	r["contact"] = map[string]any{"name": "Frank", "phoneNumber": from, "userId": "HR.123"}
	return r
}

// Reversed is results in the other order.
func Reversed(results ...any) []any {
	slices.Reverse(results)
	return results
}
