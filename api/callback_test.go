package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"relevo/relay"
)

// acme is a provider with all that a provider can have.
type acme struct {
	postman
	sent []relay.Outgoing
}

func (a *acme) Send(_ context.Context, out relay.Outgoing) (string, error) {
	a.sent = append(a.sent, out)
	return "acme-" + out.MessageID, nil
}

func (*acme) Connect(given, kept json.RawMessage) (json.RawMessage, error) {
	var s struct{ Token, Account string }
	if kept != nil {
		if err := json.Unmarshal(kept, &s); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(given, &s); err != nil || s.Token == "" {
		return nil, relay.RefuseField(relay.CodeMissingField, "settings.token", "The token is missing.", "Copy it from Acme's console.")
	}
	return json.Marshal(s)
}

func (*acme) Show(settings json.RawMessage) map[string]string {
	var s struct{ Token, Account string }
	_ = json.Unmarshal(settings, &s)
	return map[string]string{"token": "…" + s.Token[len(s.Token)-2:], "account": s.Account}
}

func (*acme) Account(settings json.RawMessage) string {
	var s struct{ Account string }
	_ = json.Unmarshal(settings, &s)
	return s.Account
}

func (*acme) Check(_ context.Context, ch relay.Channel, at relay.Addresses) []relay.Finding {
	var s struct{ Token string }
	_ = json.Unmarshal(ch.Settings, &s)
	return []relay.Finding{{Subject: "token", State: relay.Well, Message: fmt.Sprint("token of ", len(s.Token), " characters, ", at.Callback != "", ", ", len(at.Shared))}}
}

func (*acme) Window() time.Duration { return 24 * time.Hour }

func (*acme) Receive(ch relay.Channel, c relay.Callback) (relay.Received, error) {
	var s struct{ Token string }
	if err := json.Unmarshal(ch.Settings, &s); err != nil {
		return relay.Received{}, err
	}
	if c.Method == http.MethodGet {
		return relay.Received{Type: "text/plain", Reply: []byte(c.VerifyToken + " " + c.URL)}, nil
	}
	if c.Header.Get("Acme-Signature") != s.Token {
		return relay.Received{}, relay.ErrForged
	}
	var got relay.Received
	switch kind, rest, _ := strings.Cut(string(c.Body), " "); kind {
	case "in":
		id, from, _ := strings.Cut(rest, " ")
		got.Inbound = []relay.Inbound{{ID: id, From: from, Name: "Ann", Text: "hi", At: c.At}}
	case "delivered":
		got.Reports = []relay.Report{{MessageID: rest, Status: relay.Delivered, At: c.At}}
	case "fault":
		got.Fault = rest
	default:
		return got, errors.New("no such event")
	}
	return got, nil
}

func acmeHouse(t *testing.T) (*house, *acme, map[string]any) {
	t.Helper()
	h := build(t, 50)
	a := &acme{}
	h.relay.Drivers["acme"] = a
	h.relay.Set.PublicURL = "https://relay.example"
	h.refused(h.api("POST", "channels", `{"kind":"acme","phone":"+15105566778"}`), 400, relay.CodeMissingField)
	ch := h.object(h.api("POST", "channels", `{"kind":"acme","name":"Acme","phone":"+15105566778","settings":{"token":"secret-token-99","account":"a1"}}`), 201)
	return h, a, ch
}

// event is one callback of the provider.
func (h *house) event(ch map[string]any, signature, body string) int {
	h.t.Helper()
	url := strings.TrimPrefix(ch["callbacks"].(map[string]any)["url"].(string), "https://relay.example")
	return h.call(http.MethodPost, url, strings.NewReader(body), "Acme-Signature", signature).Code
}

func TestACredentialIsKeptSealedAndNeverShownWhole(t *testing.T) {
	h, _, ch := acmeHouse(t)
	id := ch["id"].(string)
	shown := h.api("GET", "channels/"+id, "").Body.String() + h.api("GET", "channels", "").Body.String()
	if strings.Contains(shown, "secret-token") || !strings.Contains(shown, "…99") {
		t.Errorf("shown as %s", shown)
	}
	kept, err := h.relay.Channel(t.Context(), h.ws, id)
	if err != nil || bytes.Contains(kept.Settings, []byte("secret-token")) || !bytes.Contains(kept.Settings, []byte("sealed")) {
		t.Errorf("kept as %s (%v)", kept.Settings, err)
	}
	// what is not given stays
	changed := h.object(h.api("PATCH", "channels/"+id, `{"settings":{"account":"a2"}}`), 200)
	if s := changed["settings"].(map[string]any); s["token"] != "…99" || s["account"] != "a2" {
		t.Errorf("after a change of the account: %v", s)
	}
	list := h.object(h.api("POST", "channels/"+id+"/check", ""), 200)["data"].([]any)
	if f := list[0].(map[string]any); f["message"] != "token of 15 characters, true, 0" || f["state"] != "ok" {
		t.Errorf("the check says %v", f)
	}
	h.object(h.api("POST", "channels", `{"kind":"acme","name":"Two","phone":"+15105566779","settings":{"token":"secret-token-99"}}`), 201)
	list = h.object(h.api("POST", "channels/"+id+"/check", ""), 200)["data"].([]any)
	if f := list[0].(map[string]any); f["message"] != "token of 15 characters, true, 3" {
		t.Errorf("with another channel of its kind the check says %v", f)
	}
	h.refused(h.api("POST", "channels/"+h.channel+"/check", ""), 400, relay.CodeInvalidField)
	if strings.Contains(h.log.String(), "secret-token") {
		t.Error("the credential is in the log")
	}
}

func TestACallbackCountsOnceAndOnlyWithItsSignature(t *testing.T) {
	h, _, ch := acmeHouse(t)
	const key = "secret-token-99"
	url := ch["callbacks"].(map[string]any)["url"].(string)
	rec := h.call(http.MethodGet, strings.TrimPrefix(url, "https://relay.example")+"?hub.mode=subscribe", nil)
	if rec.Code != 200 || rec.Body.String() != ch["callbacks"].(map[string]any)["verify_token"].(string)+" "+url+"?hub.mode=subscribe" {
		t.Errorf("the handshake: %d %s", rec.Code, rec.Body)
	}
	for _, c := range []struct {
		signature, body string
		want            int
	}{
		{"wrong", "in m1 +14155550100", 403}, {"", "in m1 +14155550100", 403}, {key, "gibberish", 400},
		{key, "in m1 +14155550100", 200}, {key, "in m1 +14155550100", 200}, {key, "in m2 +14155550100", 200},
		{key, "delivered wa_backend:3EB0000000000000000000", 200},
	} {
		if got := h.event(ch, c.signature, c.body); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.signature, c.body, got, c.want)
		}
	}
	status := strings.TrimPrefix(ch["callbacks"].(map[string]any)["status_url"].(string), "https://relay.example")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if rec := h.call(method, status, strings.NewReader("delivered wa_backend:3EB0000000000000000000"), "Acme-Signature", key); rec.Code != 200 {
			t.Errorf("%s %s: %d", method, status, rec.Code)
		}
	}
	for _, other := range []string{url + "x", url[:len(url)-26], strings.Replace(url, "/ch_", "/ch_x", 1)} {
		if rec := h.call(http.MethodPost, strings.TrimPrefix(other, "https://relay.example"), strings.NewReader("x"), "Acme-Signature", key); rec.Code != 404 {
			t.Errorf("%s: %d", other, rec.Code)
		}
	}
	for _, c := range h.object(h.api("GET", "counters", ""), 200)["data"].([]any) {
		if o := c.(map[string]any); o["channel_id"] == ch["id"] && o["received"] != 2.0 {
			t.Errorf("counted %v", o)
		}
	}
	chat := h.object(h.api("GET", "chats", ""), 200)["data"].([]any)[0].(map[string]any)
	if chat["recipient"] != "+14155550100" || chat["name"] != "Ann" || chat["window_seconds"].(float64) < 86_000 {
		t.Errorf("the chat is %v", chat)
	}
	id := h.accepted(h.post(hello))
	_ = id
	if got := h.event(ch, key, "fault Meta has restricted this account"); got != 200 {
		t.Errorf("fault: %d", got)
	}
	if now := h.object(h.api("GET", "channels/"+ch["id"].(string), ""), 200); now["state"] != "held" || now["reason"] != "Meta has restricted this account" || now["callbacks_since"] == nil {
		t.Errorf("after the fault: %v", now)
	}
}

func TestAFileOpensUnderItsLinkAndNoOther(t *testing.T) {
	for name, want := range map[string]string{
		"a.pdf": `attachment; filename="a.pdf"`, "Ürün \"1\".pdf": `attachment; filename="_r_n _1_.pdf"; filename*=UTF-8''%C3%9Cr%C3%BCn%20%221%22.pdf`,
	} {
		if got := disposition(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	h := build(t, 5)
	for _, path := range []string{"/files/ws_x/wa_backend:3EB0000000000000000000/zzzzzz/x/a.pdf", "/files/a/b/c/d/e", "/files/" + h.ws + "/x/1/y/z"} {
		if rec := h.call(http.MethodGet, path, nil); rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestACallbackThatFailsHereIsAskedForAgain(t *testing.T) {
	h, _, ch := acmeHouse(t)
	spoil := func(tx relay.Tx) error {
		c, err := tx.Channel(t.Context(), h.ws, ch["id"].(string))
		c.Settings = json.RawMessage(`{"sealed":"AAAA"}`) // of another key
		return errors.Join(err, tx.PutChannel(t.Context(), c))
	}
	if err := h.relay.Store.Update(t.Context(), spoil); err != nil {
		t.Fatal(err)
	}
	if got := h.event(ch, "secret-token-99", "in m1 +14155550100"); got < 500 {
		t.Errorf("answered %d, want 5xx: some providers repeat nothing else", got)
	}
}

func TestANameThatSomebodyGaveAFileStaysAName(t *testing.T) {
	e := echo.New()
	rec := httptest.NewRecorder()
	c := e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), rec)
	name := "a\"; filename=\"b.html"
	if err := writeDownload(c, &download{mediaType: "text/html", name: name, size: 1, body: io.NopCloser(strings.NewReader("x"))}); err != nil {
		t.Fatal(err)
	}
	if got := rec.Header().Get("Content-Disposition"); got != disposition(name) || strings.Count(got, `"`) != 2 {
		t.Errorf("got %s", got)
	}
}

// Consoles and people put a slash at the end of an address.
func TestACallbackMayHaveASlashAtItsEnd(t *testing.T) {
	h, _, ch := acmeHouse(t)
	path := strings.TrimPrefix(ch["callbacks"].(map[string]any)["url"].(string), "https://relay.example")
	for url, want := range map[string]int{path + "/": 200, path + "/status/": 200, path + "x/": 404} {
		if rec := h.call(http.MethodPost, url, strings.NewReader("in m1 +14155550100"), "Acme-Signature", "secret-token-99"); rec.Code != want {
			t.Errorf("%s: %d, want %d", strings.TrimPrefix(url, path), rec.Code, want)
		}
	}
}

// endlessBody counts what is read of a body.
type endlessBody struct{ n int }

func (c *endlessBody) Read(b []byte) (int, error) {
	c.n += len(b)
	return len(b), nil
}

func TestTheBodyOfAStrangersCallbackIsNotRead(t *testing.T) {
	h, _, ch := acmeHouse(t)
	for _, url := range []string{"/callback/" + ch["id"].(string) + "/x", "/callback/ch_x/" + strings.Repeat("x", 26) + "/status"} {
		body := &endlessBody{}
		if rec := h.call(http.MethodPost, url, io.LimitReader(body, 1<<30)); rec.Code != 404 || body.n > 1<<20 {
			t.Errorf("%s: %d after %d bytes", url, rec.Code, body.n)
		}
	}
}
