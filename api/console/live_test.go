package console_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relevo/api"
	"relevo/api/console/account"
	"relevo/relay"
)

// raw makes one call and returns the answer as it is, without following it.
func (b *browser) raw(method, path string, form url.Values) shown {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.h.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
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
	var body strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&body); err != nil {
		b.t.Fatal(err)
	}
	return shown{t: b.t, status: resp.StatusCode, path: resp.Request.URL.RequestURI(), header: resp.Header, body: body.String()}
}

// hookAs calls the workspace's webhook as a tool does.
func (h *house) hookAs(agent, body string) int {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.server.URL+"/hook/"+h.token, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("User-Agent", agent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// event is one of a stream; a comment has a name of ":".
type event struct{ name, id, data string }

// live opens the stream of attempts; its events end with it.
func (b *browser) live(path string, headers ...string) (status int, events <-chan event, stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.h.server.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Jar: b.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	all := make(chan event, 100)
	go func() {
		defer close(all)
		defer resp.Body.Close()
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data += value + "\n"
			case "":
				if e.name != "" {
					all <- e
				}
				e = event{}
			}
		}
	}()
	b.t.Cleanup(cancel)
	return resp.StatusCode, all, cancel
}

func next(t *testing.T, events <-chan event) event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("no event came")
	}
	return event{}
}

func TestNewAttemptsAppearByThemselves(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	status, events, _ := owner.live(h.path("attempts", "live"))
	if status != http.StatusOK {
		t.Fatal(status)
	}
	h.accept("+14155550100", "one")
	first := next(t, events)
	if first.name != "all" || !strings.Contains(first.data, "14155550100") || first.id == "" {
		t.Fatalf("got %+v", first)
	}
	for range 5 {
		h.hookAs("Zapier", "{<script>")
	}
	var rows string
	for !strings.Contains(rows, "×") {
		e := next(t, events)
		if e.name != "rows" {
			t.Fatalf("got %+v", e)
		}
		rows = e.data
	}
	if !strings.Contains(rows, "<template>") || strings.Contains(rows, "<script>") {
		t.Errorf("got %s", rows)
	}
	h.hookAs("Zapier", "{<script>")
	changed := next(t, events)
	if id := h.newest().ID; !strings.Contains(changed.data, `<tr id="`+id+`" hx-swap-oob="true">`) {
		t.Errorf("a row that changed came as %s", changed.data)
	}

	// whoever comes back gets the list where something happened meanwhile
	_, again, _ := owner.live(h.path("attempts", "live")+"?after=0", "Last-Event-ID", first.id)
	if e := next(t, again); e.name != "all" || !strings.Contains(e.data, "×") {
		t.Errorf("got %+v", e)
	}
	_, quiet, _ := owner.live(h.path("attempts", "live")+"?outcome=accepted", "Last-Event-ID", changed.id)
	h.hookAs("Zapier", "{<script>")
	h.accept("+14155550101", "two")
	if e := next(t, quiet); e.name != "rows" || !strings.Contains(e.data, "14155550101") || strings.Contains(e.data, "Zapier") {
		t.Errorf("got %+v", e)
	}
}

func TestAStreamOutlivesTheLimitsOfOtherCalls(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	limited := httptest.NewUnstartedServer(h.handler)
	limited.Config.ReadTimeout, limited.Config.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
	limited.Start()
	t.Cleanup(limited.Close)
	h.server = limited
	_, events, _ := owner.live(h.path("attempts", "live"))
	for _, phone := range []string{"+14155550101", "+14155550102"} {
		begun := time.Now()
		eventually(t, "the limits have passed", func() bool { return time.Since(begun) > time.Second })
		h.accept(phone, "late")
		if e := next(t, events); !strings.Contains(e.data, phone[1:]) {
			t.Fatalf("got %+v", e)
		}
	}
}

func TestAUserHasSixStreamsAndStrangersNone(t *testing.T) {
	h := newHouse(t)
	owner := h.operator()
	var stops []func()
	for range 6 {
		status, _, stop := owner.live(h.path("attempts", "live"))
		if status != http.StatusOK {
			t.Fatal(status)
		}
		stops = append(stops, stop)
	}
	if status, _, _ := owner.live(h.path("attempts", "live")); status != http.StatusTooManyRequests {
		t.Errorf("the seventh: %d", status)
	}
	stops[0]()
	eventually(t, "one that ended makes room", func() bool {
		status, _, stop := owner.live(h.path("attempts", "live"))
		stop()
		return status == http.StatusOK
	})
	if status, _, _ := h.visitor().live(h.path("attempts", "live")); status != http.StatusSeeOther {
		t.Errorf("a stranger: %d", status)
	}
}

func TestAStreamEndsWhenTheServerDrains(t *testing.T) {
	var draining atomic.Bool
	h := newHouse(t, func(cfg *api.Config, _ map[string]relay.Driver) { cfg.Draining = draining.Load })
	owner := h.operator()
	_, events, _ := owner.live(h.path("attempts", "live"))
	draining.Store(true)
	select {
	case _, open := <-events:
		if open {
			t.Error("an event came")
		}
	case <-time.After(20 * time.Second):
		t.Error("the stream goes on")
	}
}

// kept is an answer that goes on being written.
type kept struct {
	header http.Header
	mu     sync.Mutex
	body   strings.Builder
}

func (k *kept) Header() http.Header { return k.header }
func (k *kept) WriteHeader(int)     {}
func (k *kept) Flush()              {}
func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.body.Write(b)
}

func (k *kept) count(s string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Count(k.body.String(), s)
}

func TestAStreamBeatsAndEndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.server.Close() // time stands still where somebody waits for the network
		form := url.Values{"email": {"op@example.com"}, "password": {password}}
		req := httptest.NewRequest(http.MethodPost, "/setup/"+setUpToken, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.RemoteAddr = "127.0.0.1:1"
		signedUp := httptest.NewRecorder()
		h.handler.ServeHTTP(signedUp, req)
		if signedUp.Code != http.StatusSeeOther {
			t.Fatal(signedUp.Code, signedUp.Body)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		live := httptest.NewRequestWithContext(ctx, http.MethodGet, h.path("attempts", "live"), nil)
		for _, k := range signedUp.Result().Cookies() {
			live.AddCookie(k)
		}
		w, over := &kept{header: http.Header{}}, make(chan struct{})
		go func() {
			defer close(over)
			h.handler.ServeHTTP(w, live)
		}()
		time.Sleep(121 * time.Second)
		if n := w.count(": here"); n != 8 {
			t.Errorf("%d heartbeats in two minutes", n)
		}
		if w.count("event:") != 0 {
			t.Error("nothing happened, and was told")
		}
		all, err := h.accounts.Users(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if _, err := h.accounts.Change(t.Context(), all[0].ID, func(u *account.User) error { u.Epoch++; return nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		select {
		case <-over:
		default:
			t.Error("somebody who is signed out still looks")
		}
	})
}
