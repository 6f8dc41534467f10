package vonagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Status is a status callback about a message. code is the error's, empty for
// none.
// https://developer.vonage.com/en/api/messages#message-status
func (f *Fake) Status(m Message, status, code string, at time.Time) []byte {
	o := f.options()
	b := map[string]any{
		"message_uuid": m.UUID, "to": m.To, "from": o.Number, "channel": "whatsapp",
		"timestamp": at.UTC().Format(time.RFC3339), "status": status,
	}
	if m.Ref != "" {
		b["client_ref"] = m.Ref
	}
	if code != "" {
		b["error"] = map[string]string{"type": "https://developer.vonage.com/api-errors/messages#" + code, "title": code, "detail": "See the list of errors.", "instance": "bf0ca0bf927b3b52e3cb03217e1a1ddf"}
	}
	if status == "delivered" {
		b["usage"] = map[string]string{"currency": "EUR", "price": "0"}
		b["whatsapp"] = map[string]any{"waba_id": o.WABAID, "pricing": map[string]string{"type": "regular", "pricing_model": "PMP", "category": "service"}}
	}
	return encode(b)
}

// Inbound is a callback about a message that somebody wrote: kind is its
// message_type, and fields are its own, such as text, and whatever else is to
// differ from the usual frame.
// https://developer.vonage.com/en/api/messages#inbound-message
func (f *Fake) Inbound(from, kind string, fields map[string]any, at time.Time) []byte {
	o := f.options()
	b := map[string]any{
		"channel": "whatsapp", "message_uuid": newUUID(), "to": o.Number, "from": from, "timestamp": at.UTC().Format(time.RFC3339),
		"profile": map[string]string{"name": "Jane Smith"}, "context_status": "none", "message_type": kind,
		"whatsapp": map[string]any{"waba_id": o.WABAID, "sender": map[string]string{"user_id": "GB.13491208655302741918", "wa_id": from}},
	}
	maps.Copy(b, fields)
	return encode(b)
}

// Notice is a notification about a template: event is Meta's word, such as
// APPROVED. Its tail is Meta's; Vonage documents the frame alone.
// https://developer.vonage.com/en/channel-manager/guides/whatsapp/notification-webhooks
func (f *Fake) Notice(id, name, language, event, reason string, at time.Time) []byte {
	o := f.options()
	return encode(map[string]any{
		"notification_id": newUUID(), "timestamp": at.UTC().Format(time.RFC3339), "channel": "whatsapp",
		"whatsapp": map[string]any{
			"waba_info":         map[string]string{"waba_id": o.WABAID, "api_key": o.APIKey},
			"notification_type": "message_template_status_update",
			"event":             event, "message_template_id": json.Number(id), "message_template_name": name,
			"message_template_language": language, "reason": reason,
		},
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("vonagetest: write a callback: " + err.Error())
	}
	return b
}

// Sign is the Authorization of a callback with this body.
// https://developer.vonage.com/en/getting-started/concepts/webhooks
func (f *Fake) Sign(body []byte, at time.Time) string {
	o := f.options()
	sum := sha256.Sum256(body)
	return f.SignClaims(map[string]any{"iat": at.Unix(), "jti": newUUID(), "iss": "Vonage",
		"payload_hash": hex.EncodeToString(sum[:]), "api_key": o.APIKey, "application_id": o.ApplicationID})
}

// SignClaims is an Authorization with claims of the caller's own.
func (f *Fake) SignClaims(claims map[string]any) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte(f.options().SignatureSecret))
	if err != nil {
		panic("vonagetest: sign: " + err.Error())
	}
	return "Bearer " + token
}

// Deliver calls an address with each body in turn, signed now. Give them late,
// twice, or in another order as you like. It ends at the first that is not
// taken with a 2xx.
func (f *Fake) Deliver(ctx context.Context, url string, bodies ...[]byte) error {
	for _, b := range bodies {
		status, err := f.deliver(ctx, url, b, time.Now())
		if err == nil && status/100 != 2 {
			err = fmt.Errorf("the callback was answered with status %d", status)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeliverLate is Deliver with a signature that is some time old, as a callback
// that is repeated may have.
func (f *Fake) DeliverLate(ctx context.Context, url string, age time.Duration, body []byte) (status int, err error) {
	return f.deliver(ctx, url, body, time.Now().Add(-age))
}

// DeliverBatch calls an address once, with all bodies as one list.
func (f *Fake) DeliverBatch(ctx context.Context, url string, bodies ...[]byte) error {
	return f.Deliver(ctx, url, Batch(bodies...))
}

// Batch is one body of several.
func Batch(bodies ...[]byte) []byte {
	return append(append([]byte("["), bytes.Join(bodies, []byte(","))...), ']')
}

func (f *Fake) deliver(ctx context.Context, url string, body []byte, signed time.Time) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", f.Sign(body, signed))
	res, err := f.options().Client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// reportLater makes the callbacks that every taken message gets by itself.
func (f *Fake) reportLater(m Message) {
	o := f.options()
	url := m.Webhook
	if url == "" {
		url = o.StatusURL
	}
	statuses, code := o.Reports, ""
	if m.Fault != "" {
		statuses, code = []string{"rejected"}, m.Fault
	}
	if url == "" || len(o.Reports) == 0 {
		return
	}
	f.reporting.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, st := range statuses {
			if err := f.Deliver(ctx, url, f.Status(m, st, code, time.Now())); err != nil {
				return // the rest would be out of order; Vonage's retries are not pretended
			}
		}
	})
}
