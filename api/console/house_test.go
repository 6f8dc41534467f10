package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"relevo/api"
	"relevo/api/console/account"
	"relevo/relay"
	"relevo/relay/driver/sandbox"
	"relevo/relay/store/boltstore"
)

// house is a server over a real store, with one workspace and a channel of the
// pretend WhatsApp. Nothing is sent until run.
type house struct {
	t        *testing.T
	relay    *relay.Relay
	accounts *account.Accounts
	sandbox  *sandbox.Driver
	handler  http.Handler
	server   *httptest.Server
	log      *logged
	ws       relay.Workspace
	token    string
	channel  relay.Channel
}

// logged keeps the log, for a look at what must not be in it.
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

const setUpToken = "set-up-token-of-tests"

// newHouse builds a house whose workspace has 100 units; edit may change the
// configuration and add drivers.
func newHouse(t *testing.T, edit ...func(*api.Config, map[string]relay.Driver)) *house {
	t.Helper()
	dir := t.TempDir()
	store, err := boltstore.Open(boltstore.Options{Path: filepath.Join(dir, "relevo.db"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secrets, err := relay.NewSecrets(bytes.Repeat([]byte("s"), 32))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, log: &logged{}}
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.sandbox = sandbox.New(filepath.Join(dir, "sandbox"), func(ctx context.Context, channel string, reports []relay.Report) error {
		return h.relay.Report(ctx, channel, reports)
	}, log)
	h.accounts = account.New(store, setUpToken, account.Cost{Memory: 64, Passes: 1, Threads: 1}) // cheap: the race detector makes the real one take seconds
	drivers := map[string]relay.Driver{"sandbox": h.sandbox}
	cfg := api.Config{Accounts: h.accounts, OperatorKey: "rlvo_test", TempDir: dir, Log: log, Version: "relevo test", StoreName: "bbolt", Node: "one",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for _, e := range edit {
		e(&cfg, drivers)
	}
	set := relay.DefaultSettings()
	set.SpacingMin, set.SpacingMax = time.Millisecond, 2*time.Millisecond
	h.relay, err = relay.New(store, drivers, secrets, nil, set, "", log)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Relay = h.relay
	h.handler = api.New(cfg)
	h.server = httptest.NewServer(h.handler)
	t.Cleanup(h.server.Close)
	h.furnish()
	return h
}

func (h *house) furnish() {
	h.t.Helper()
	var err error
	if h.ws, err = h.relay.CreateWorkspace(h.t.Context(), "Acme"); err != nil {
		h.t.Fatal(err)
	}
	if h.token, err = h.relay.Token(h.ws); err != nil {
		h.t.Fatal(err)
	}
	if h.channel, err = h.relay.CreateChannel(h.t.Context(), h.ws.ID, relay.NewChannel{Kind: "sandbox", Name: "Sales", Phone: "+15105566777"}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.relay.Grant(h.t.Context(), h.ws.ID, "start", 100); err != nil {
		h.t.Fatal(err)
	}
}

// run sends what is queued until the test ends.
func (h *house) run() {
	h.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = h.relay.Dispatch(ctx) })
	running.Go(func() { _ = h.sandbox.Run(ctx) })
	h.t.Cleanup(func() { stop(); running.Wait() })
}

// hook calls the workspace's webhook, and returns the answer.
func (h *house) hook(body string) (status int, answer string) {
	h.t.Helper()
	resp, err := http.Post(h.server.URL+"/hook/"+h.token, "application/json", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// path is one within the workspace.
func (h *house) path(parts ...string) string {
	p := "/w/" + h.ws.ID
	for _, s := range parts {
		p += "/" + url.PathEscape(s)
	}
	return p
}

// browser is somebody's: it keeps cookies and speaks a language.
type browser struct {
	t        *testing.T
	h        *house
	client   *http.Client
	language string
	headers  map[string]string
}

// visitor is somebody who is not signed in.
func (h *house) visitor() *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{t: h.t, h: h, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}, language: "en"}
}

const password = "correct horse battery"

// operator signs up by the set-up link.
func (h *house) operator() *browser {
	h.t.Helper()
	b := h.visitor()
	p := b.post("/setup/"+setUpToken, url.Values{"email": {"op@example.com"}, "name": {"Op"}, "password": {password}})
	if p.status != http.StatusOK {
		h.t.Fatalf("set up: %d %s", p.status, p.text())
	}
	return b
}

// somebody signs in with a role in the workspace; there has to be an operator.
func (h *house) somebody(role account.Role) *browser {
	h.t.Helper()
	b := h.visitor()
	p := b.post("/join/"+h.invite(role.String()), url.Values{"email": {role.String() + "@example.com"}, "name": {role.String()}, "password": {password}})
	if p.status != http.StatusOK {
		h.t.Fatalf("join: %d %s", p.status, p.text())
	}
	return b
}

// shown is a page as a browser got it.
type shown struct {
	t      *testing.T
	status int
	path   string
	header http.Header
	body   string
	doc    *html.Node
}

func (b *browser) get(path string) shown {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form as a browser does, and follows where it leads.
func (b *browser) post(path string, form url.Values) shown {
	b.t.Helper()
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) shown {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.h.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	req.Header.Set("Accept-Language", b.language)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.h.server.URL)
	}
	for name, value := range b.headers {
		req.Header.Set(name, value)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	s := shown{t: b.t, status: resp.StatusCode, path: resp.Request.URL.RequestURI(), header: resp.Header, body: string(body)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		if s.doc, err = html.Parse(bytes.NewReader(body)); err != nil {
			b.t.Fatal(err)
		}
		s.sound()
	}
	return s
}

// text is what one reads on the page.
func (s shown) text() string {
	var b strings.Builder
	s.walk(func(n *html.Node) {
		if n.Type == html.TextNode && n.Parent != nil && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// has fails the test where a text is not on the page.
func (s shown) has(texts ...string) shown {
	s.t.Helper()
	all := s.text()
	for _, want := range texts {
		if !strings.Contains(all, want) {
			s.t.Errorf("%s (%d) does not say %q; it says:\n%s", s.path, s.status, want, all)
		}
	}
	return s
}

// hasNot fails the test where a text is on the page, or in what makes it.
func (s shown) hasNot(texts ...string) shown {
	s.t.Helper()
	for _, not := range texts {
		if strings.Contains(s.body, not) {
			s.t.Errorf("%s (%d) says %q", s.path, s.status, not)
		}
	}
	return s
}

// is fails the test where the status is another.
func (s shown) is(status int) shown {
	s.t.Helper()
	if s.status != status {
		s.t.Errorf("%s: got %d, want %d: %s", s.path, s.status, status, s.text())
	}
	return s
}

func (s shown) walk(fn func(*html.Node)) {
	if s.doc == nil {
		return
	}
	for n := range s.doc.Descendants() {
		fn(n)
	}
}

// attr is an attribute of an element.
func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// all are the elements of a name that have an attribute with that value; an
// empty attribute: all of the name.
func (s shown) all(element, name, value string) (found []*html.Node) {
	s.walk(func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == element && (name == "" || attr(n, name) == value) {
			found = append(found, n)
		}
	})
	return found
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !so() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// accept calls the webhook and returns the id of the message.
func (h *house) accept(phone, text string) string {
	h.t.Helper()
	status, answer := h.hook(fmt.Sprintf(`{"action":"send","phone":%q,"text":%q}`, phone, text))
	if status != http.StatusOK {
		h.t.Fatalf("webhook: %d %s", status, answer)
	}
	_, id, _ := strings.Cut(answer, `"message_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

// invite makes a link into the workspace's team.
func (h *house) invite(role string) string {
	h.t.Helper()
	token, err := h.accounts.Invite(h.t.Context(), account.Invite{Workspace: h.ws.ID, Role: role, By: "Op"})
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// over is another server of the house, reached under a public address.
func (h *house) over(public string) http.Handler {
	return api.New(api.Config{Relay: h.relay, Accounts: h.accounts, PublicURL: public, Log: h.relay.Log})
}

// forgetLanguage takes back what somebody chose.
func (h *house) forgetLanguage(email string) error {
	all, err := h.accounts.Users(h.t.Context())
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.Email == email {
			_, err = h.accounts.Change(h.t.Context(), u.ID, func(u *account.User) error { u.Language = ""; return nil })
		}
	}
	return err
}

// zipped is how many bytes an address takes to load.
func (h *house) zipped(path string, b *browser) int {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.server.URL+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip") // set by hand, the client leaves it zipped
	req.Header.Set("Accept", "text/html")
	resp, err := b.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %d %v", path, resp.StatusCode, err)
	}
	return int(n)
}
