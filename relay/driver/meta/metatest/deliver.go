package metatest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Change is one change of a callback: a field and its value.
type Change struct {
	Field string
	Value map[string]any
}

// Person is who writes. A person without a Number is known by the user ID
// alone, as people with a username are.
type Person struct {
	// Number is digits without +; UserID is like BR.134912.
	Number, UserID, Name, Username string
}

// Sign is the value of X-Hub-Signature-256 for a body.
func (f *Fake) Sign(body []byte) string {
	h := hmac.New(sha256.New, []byte(f.o.AppSecret))
	h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// Body is one callback with changes of the fake's account, a batch where there
// are several.
func (f *Fake) Body(changes ...Change) []byte {
	list := []any{}
	for _, c := range changes {
		list = append(list, map[string]any{"field": c.Field, "value": c.Value})
	}
	b, err := json.Marshal(map[string]any{"object": "whatsapp_business_account",
		"entry": []any{map[string]any{"id": f.o.WABAID, "time": time.Now().Unix(), "changes": list}}})
	if err != nil {
		panic("metatest: " + err.Error())
	}
	return b
}

// Inbound is a message that somebody writes now. content is the part named by
// kind, such as {"body": "hi"} for text; other keys of the message may be given
// in more. It opens the person's window.
func (f *Fake) Inbound(p Person, kind string, content any, more map[string]any) Change {
	f.mu.Lock()
	f.serial++
	id := fmt.Sprintf("wamid.HBgLIN%08d", f.serial)
	f.wrote[p.Number] = time.Now()
	if p.Number == "" {
		f.wrote[p.UserID] = time.Now()
	}
	f.mu.Unlock()
	m := map[string]any{"id": id, "timestamp": strconv.FormatInt(time.Now().Unix(), 10), "type": kind}
	contact := map[string]any{"profile": without(map[string]any{"name": p.Name, "username": p.Username})}
	if content != nil {
		m[kind] = content
	}
	if p.Number != "" {
		m["from"], contact["wa_id"] = p.Number, p.Number
	}
	if p.UserID != "" {
		m["from_user_id"], contact["user_id"] = p.UserID, p.UserID
	}
	maps.Copy(m, more)
	v := f.value("messages", m)
	if kind != "system" {
		v["contacts"] = []any{contact}
	}
	return Change{"messages", v}
}

// InboundFile is a message with a file, which the fake keeps.
func (f *Fake) InboundFile(p Person, kind string, file File, caption string) Change {
	id := f.Keep(file)
	return f.Inbound(p, kind, without(map[string]any{"id": id, "mime_type": file.Type, "filename": file.Name, "caption": caption, "sha256": "c2hh"}), nil)
}

// Status is what became of a message that the fake took. codes are those of a
// failure.
func (f *Fake) Status(c Call, status string, codes ...int) Change {
	s := map[string]any{"id": c.ID, "status": status, "timestamp": strconv.FormatInt(time.Now().Unix(), 10), "recipient_id": plainNumber(c.To)}
	if c.Reference != "" {
		s["biz_opaque_callback_data"] = c.Reference
	}
	errs := []any{}
	for _, code := range codes {
		errs = append(errs, map[string]any{"code": code, "title": "An error", "message": "An error", "error_data": map[string]string{"details": "of the fake's"},
			"href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"})
	}
	if len(errs) > 0 {
		s["errors"] = errs
	}
	return Change{"messages", f.value("statuses", s)}
}

func (f *Fake) value(list string, item any) map[string]any {
	return map[string]any{"messaging_product": "whatsapp", list: []any{item},
		"metadata": map[string]string{"display_phone_number": plainNumber(f.o.Phone), "phone_number_id": f.o.PhoneNumberID}}
}

// AccountError is an error of the whole number, without a message.
func (f *Fake) AccountError(code int) Change {
	return Change{"messages", f.value("errors", map[string]any{"code": code, "title": "An error", "message": "An error"})}
}

// TemplateStatus is a push about a template; the fake keeps the new status. As
// Meta does, it writes the id as a number and the language with a hyphen.
func (f *Fake) TemplateStatus(name, language, event, reason string) Change {
	v := map[string]any{"event": event, "message_template_name": name, "message_template_language": language, "reason": reason}
	if reason == "" {
		v["reason"] = nil
	}
	if t := f.templateNamed(name, language); t != nil {
		f.mu.Lock()
		t["status"] = event
		v["message_template_id"] = json.RawMessage(fmt.Sprint(t["id"]))
		v["message_template_category"] = t["category"]
		f.mu.Unlock()
	}
	if len(language) > 2 {
		v["message_template_language"] = language[:2] + "-" + language[3:]
	}
	return Change{"message_template_status_update", v}
}

// Deliver posts changes to an address in one signed call, and returns the
// status that came back. Call it twice for a repetition.
func (f *Fake) Deliver(ctx context.Context, to string, changes ...Change) (int, error) {
	return f.DeliverBody(ctx, to, f.Body(changes...))
}

// DeliverBody posts a body as it is, signed.
func (f *Fake) DeliverBody(ctx context.Context, to string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", f.Sign(body))
	req.Header.Set("User-Agent", "facebookexternalua")
	res, err := f.o.HTTP.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, err
}

// DeliverOutcome tells what became of a message in the usual order: sent,
// delivered, read.
func (f *Fake) DeliverOutcome(ctx context.Context, to string, c Call) error {
	for _, status := range []string{"sent", "delivered", "read"} {
		if code, err := f.Deliver(ctx, to, f.Status(c, status)); err != nil || code != http.StatusOK {
			return fmt.Errorf("deliver %s: status %d: %w", status, code, err)
		}
	}
	return nil
}

// Verify saves an address as the app's callback, as the App Dashboard does: it
// asks for the challenge first.
func (f *Fake) Verify(ctx context.Context, to, verifyToken string) error {
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	u.RawQuery = url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {"1158201444"}, "hub.verify_token": {verifyToken}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	res, err := f.o.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || string(got) != "1158201444" {
		return fmt.Errorf("the callback URL could not be validated: status %d", res.StatusCode)
	}
	f.Change(func(a *Account) { a.AppCallback, a.VerifyToken = to, verifyToken })
	return nil
}
