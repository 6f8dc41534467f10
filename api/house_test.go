package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/relay"
	"relevo/relay/driver/sandbox"
	"relevo/relay/store/boltstore"
)

const operatorKey = "rlvo_test"

// postman is a driver that hands nothing over: no dispatcher runs here.
type postman struct{}

func (postman) Send(context.Context, relay.Outgoing) (string, error) { return "p1", nil }

func (postman) Captions(relay.FileKind) bool { return true }

func (postman) MaxFileBytes(relay.FileKind) int64 { return 0 }

func (postman) MaxTextRunes() int { return 4096 }

func (postman) MaxCaptionRunes() int { return 1024 }

// taker is a poster whose receivers take everything.
type taker struct{}

func (taker) CheckURL(_ context.Context, raw string) (string, error) { return raw, nil }

func (taker) Post(context.Context, relay.Posting) relay.Posted {
	return relay.Posted{Status: 200, Answer: "ok", Took: time.Millisecond}
}

// house is a server over a real store, with one workspace.
type house struct {
	t       *testing.T
	relay   *relay.Relay
	handler http.Handler
	log     *logged
	ws      string
	token   string
	channel string
}

// logged keeps the log for a look at what must not be in it.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// build makes a house whose workspace has the units and one channel; edit may
// change the configuration.
func build(t *testing.T, units int64, edit ...func(*Config)) *house {
	t.Helper()
	dir := t.TempDir()
	store, err := boltstore.Open(boltstore.Options{Path: filepath.Join(dir, "relevo.db"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return buildOver(t, store, dir, units, edit...)
}

// buildOver is build over a store that is there.
func buildOver(t *testing.T, store relay.Store, dir string, units int64, edit ...func(*Config)) *house {
	t.Helper()
	secrets, err := relay.NewSecrets(bytes.Repeat([]byte("s"), 32))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, log: &logged{}}
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.relay, err = relay.New(store, map[string]relay.Driver{"sandbox": postman{}}, secrets, nil, relay.DefaultSettings(), "", log)
	if err != nil {
		t.Fatal(err)
	}
	h.relay.Poster = taker{}
	cfg := Config{
		Relay: h.relay, OperatorKey: operatorKey, PublicURL: "https://relay.example/", TempDir: dir, Log: log,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Sent: func(_ context.Context, _, channel string, limit int) (any, error) {
			line := sandbox.Line{MessageID: "wa_backend:3EB0000000000000000000", Recipient: "+14151231234", Try: 1, Kind: "text", Text: fmt.Sprint(channel, " ", limit), Outcome: "sent"}
			return []sandbox.Line{line}, nil
		},
	}
	for _, e := range edit {
		e(&cfg)
	}
	h.handler = watched(t, New(cfg))
	h.ws, h.token = h.workspace("Test")
	c, err := h.relay.CreateChannel(t.Context(), h.ws, relay.NewChannel{Kind: "sandbox", Name: "Sales", Phone: "+15105566777"})
	if err != nil {
		t.Fatal(err)
	}
	h.channel = c.ID
	if units > 0 {
		if _, err := h.relay.Grant(t.Context(), h.ws, "start", units); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) workspace(name string) (id, token string) {
	h.t.Helper()
	w, err := h.relay.CreateWorkspace(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	token, err = h.relay.Token(w)
	if err != nil {
		h.t.Fatal(err)
	}
	return w.ID, token
}

// call makes a request; headers are name and value in turn.
func (h *house) call(method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	req := httptest.NewRequestWithContext(h.t.Context(), method, target, body)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, req)
	return rec
}

func (h *house) post(body string, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.call(http.MethodPost, "/hook/"+h.token, strings.NewReader(body), headers...)
}

// api calls the management API as the operator; path comes after /api/v1, and
// begins with / or is within the workspace.
func (h *house) api(method, path, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.apiAs(operatorKey, method, path, body)
}

func (h *house) apiAs(key, method, path, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = strings.TrimSuffix("/workspaces/"+h.ws+"/"+path, "/")
	}
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	return h.call(method, apiBase+path, b, "Authorization", "Bearer "+key)
}

// object reads an answer that must have the status.
func (h *house) object(rec *httptest.ResponseRecorder, status int) map[string]any {
	h.t.Helper()
	if rec.Code != status {
		h.t.Fatalf("got %d %s, want %d", rec.Code, rec.Body, status)
	}
	var o map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &o); err != nil {
		h.t.Fatalf("%v: %s", err, rec.Body)
	}
	return o
}

// refused checks status and code of a refusal of the API or the hook.
func (h *house) refused(rec *httptest.ResponseRecorder, status int, code relay.Code) map[string]any {
	h.t.Helper()
	o := h.object(rec, status)
	got, ok := o["code"]
	if !ok {
		got = o["error_code"]
	}
	if got != string(code) {
		h.t.Errorf("got code %v, want %s: %s", got, code, rec.Body)
	}
	if _, ok := o["errors"].([]any); !ok {
		h.t.Errorf("errors is no list: %s", rec.Body)
	}
	if o["request_id"] != rec.Header().Get("X-Request-Id") || o["request_id"] == "" {
		h.t.Errorf("request_id %v, header %q", o["request_id"], rec.Header().Get("X-Request-Id"))
	}
	return o
}

// attempts are the workspace's, newest first.
func (h *house) attempts() []attemptView {
	h.t.Helper()
	rec := h.api(http.MethodGet, "attempts", "")
	var l list[attemptView]
	if err := json.Unmarshal(rec.Body.Bytes(), &l); rec.Code != http.StatusOK || err != nil {
		h.t.Fatal(rec.Code, err, rec.Body)
	}
	return l.Data
}

func (h *house) disable() {
	h.t.Helper()
	h.object(h.api(http.MethodPatch, "webhook", `{"enabled":false}`), http.StatusOK)
}

const hello = `{"action":"send","phone":"+14151231234","text":"hello"}`
