package metatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Call is one call of the endpoint "messages".
type Call struct {
	// Raw is the body as it came.
	Raw []byte
	// To is the recipient: a number as written, a group or a user ID.
	To, Type, Reference string
	// Text is the body, or the caption of the file.
	Text string
	// File is the attachment, fetched where the message had a link.
	File *File
	// ID is the wamid; empty where the message was not taken.
	ID string
	At time.Time
}

// Calls are all calls so far, in order.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Taken are the calls whose message was taken.
func (f *Fake) Taken() []Call {
	return slices.DeleteFunc(f.Calls(), func(c Call) bool { return c.ID == "" })
}

// message serves POST /{phone-number-id}/messages.
func (f *Fake) message(w http.ResponseWriter, r *http.Request) {
	raw, m, bad := readJSON(r)
	if bad != nil {
		fail(w, 400, *bad)
		return
	}
	c := Call{Raw: raw, At: time.Now()}
	c.To, _ = m["to"].(string)
	if c.To == "" {
		c.To, _ = m["recipient"].(string)
	}
	c.Type, _ = m["type"].(string)
	c.Reference, _ = m["biz_opaque_callback_data"].(string)
	if bad := checkMessage(m); bad != nil {
		f.remember(c)
		fail(w, 400, *bad)
		return
	}
	if bad := f.content(&c, m); bad != nil {
		f.remember(c)
		fail(w, 400, *bad)
		return
	}
	a, scripted := f.forMessage(c.To)
	if !scripted || a.Taken {
		c.ID = f.wamid()
	}
	f.remember(c)
	if scripted && f.say(w, r, a) {
		return
	}
	contact := map[string]any{"input": c.To, "wa_id": plainNumber(c.To)}
	if m["recipient"] != nil && m["to"] == nil {
		contact = map[string]any{"input": c.To, "user_id": c.To}
	}
	answer(w, 200, map[string]any{"messaging_product": "whatsapp", "contacts": []any{contact},
		"messages": []any{map[string]any{"id": c.ID, "message_status": "accepted"}}})
}

func (f *Fake) remember(c Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
}

func (f *Fake) wamid() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	return fmt.Sprintf("wamid.HBgLFAKE%08d", f.serial)
}

// readJSON reads a body that has to be one JSON object without a key twice.
func readJSON(r *http.Request) (raw []byte, m map[string]any, bad *fault) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return nil, nil, &fault{Code: 100, Message: "(#100) The parameter messaging_product is required."}
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, &fault{Code: 100, Message: "(#100) The body broke off"}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&m); err != nil || d.More() {
		return raw, nil, &fault{Code: 100, Message: "(#100) The body is not a JSON object"}
	}
	return raw, m, nil
}

// checkMessage holds the envelope to Meta's rules.
func checkMessage(m map[string]any) *fault {
	kind, _ := m["type"].(string)
	bad := keys("", m, "messaging_product,recipient_type,type,"+kind, "to,recipient,context,biz_opaque_callback_data")
	to, _ := m["to"].(string)
	user, _ := m["recipient"].(string)
	reference, hasReference := m["biz_opaque_callback_data"]
	switch {
	case bad != nil:
		return bad
	case m["messaging_product"] != "whatsapp":
		return invalid("messaging_product must be whatsapp")
	case to == "" && user == "":
		return missing("to")
	case m["recipient_type"] == "group":
		if !slices.Contains([]string{"text", "image", "video", "audio", "document", "template"}, kind) {
			return &fault{Code: 130501}
		}
	case m["recipient_type"] != "individual":
		return invalid("recipient_type")
	case to != "" && !digits(plainNumber(to)):
		return invalid("to")
	}
	if s, ok := reference.(string); hasReference && (!ok || len(s) > 512) {
		return invalid("biz_opaque_callback_data")
	}
	return nil
}

func digits(s string) bool {
	return len(s) >= 5 && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// keys checks that an object has every needed key, and none but those named.
func keys(where string, m map[string]any, needed, allowed string) *fault {
	must := strings.Split(needed, ",")
	for _, k := range must {
		if _, ok := m[k]; k != "" && !ok {
			return missing(where + k)
		}
	}
	for k := range m {
		if !slices.Contains(must, k) && !slices.Contains(strings.Split(allowed, ","), k) {
			return &fault{Code: 100, Message: "(#100) Unexpected key \"" + k + "\" on param \"" + where + "\"."}
		}
	}
	return nil
}

func missing(what string) *fault {
	return &fault{Code: 131008, Message: "(#131008) Required parameter is missing", Details: what}
}

func invalid(what string) *fault {
	return &fault{Code: 131009, Message: "(#131009) Parameter value is not valid", Details: what}
}
