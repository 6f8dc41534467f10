package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"relevo/relay/store/pgstore/pgtest"
)

// hearer is a receiver of events: it verifies each one, and remembers what it
// took.
type hearer struct {
	t   *testing.T
	url string
	// takes is how long it takes over each.
	takes time.Duration

	mu     sync.Mutex
	secret string
	down   bool
	tries  int
	now    int // posts under way
	most   int
	heard  []heard
	seen   map[string]string // id -> body
}

// heard is one event when it came first.
type heard struct{ ID, Type, Message, Status string }

func newHearer(t *testing.T) *hearer {
	h := &hearer{t: t, seen: map[string]string{}}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	h.url = s.URL + "/events"
	return h
}

// ServeHTTP takes an event, unless it is down.
func (h *hearer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was killed while it posted
	}
	h.mu.Lock()
	h.now++
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	if h.takes > 0 {
		pause(h.takes)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now--
	h.tries++
	if h.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	hook, err := standardwebhooks.NewWebhook(h.secret)
	if err != nil {
		h.t.Error(err)
		return
	}
	if err := hook.Verify(body, r.Header); err != nil {
		h.t.Errorf("verify: %v", err)
	}
	id := r.Header.Get("webhook-id")
	if old, again := h.seen[id]; again {
		if old != string(body) {
			h.t.Errorf("event %s came with two bodies", id)
		}
		return
	}
	h.seen[id] = string(body)
	var e struct {
		Type string
		Data struct{ ID, Status string }
	}
	if err := json.Unmarshal(body, &e); err != nil {
		h.t.Error(err)
	}
	h.heard = append(h.heard, heard{id, e.Type, e.Data.ID, e.Data.Status})
}

// sub subscribes it to a workspace, and returns the endpoint's id.
func (h *hearer) sub(p *process, ws string, types ...string) string {
	h.t.Helper()
	made := p.api(h.t, http.MethodPost, "/workspaces/"+ws+"/endpoints", map[string]any{"url": h.url, "types": types})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secret = made["secret"].(string)
	return made["id"].(string)
}

func (h *hearer) fail(down bool) (tries int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
	return h.tries
}

// of are the types that came of a message, in the order in which they came
// first.
func (h *hearer) of(message string) (types []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.heard {
		if e.Message == message {
			types = append(types, e.Type)
		}
	}
	return types
}

// storyOf is what must come of a message, by its history: each status that lasts.
func storyOf(m map[string]any) (types []string) {
	for i, line := range m["history"].([]any) {
		l := line.(map[string]any)
		status := l["status"].(string)
		switch {
		case l["applied"] != true, i > 0 && status == "queued", status == "sending", status == "unknown":
		case status == "queued":
			types = append(types, "message.accepted")
		default:
			types = append(types, "message."+status)
		}
	}
	return types
}

// hears waits until every message has come to its end, and the story of each
// one has come, in its order. A kill in the middle of a call leaves a message
// unconfirmed; what came of it is in its history.
func (h *hearer) hears(limit time.Duration, messages func() []map[string]any) {
	h.t.Helper()
	open := []string{"queued", "sending", "unknown", "sent", "delivered"}
	var all []map[string]any
	eventually(h.t, limit, "every message comes to its end", func() bool {
		all = messages()
		return !slices.ContainsFunc(all, func(m map[string]any) bool { return slices.Contains(open, m["status"].(string)) })
	})
	events := 0
	for _, m := range all {
		id, want := m["id"].(string), storyOf(m)
		events += len(want)
		eventually(h.t, limit, "the whole story of "+id, func() bool { return len(h.of(id)) >= len(want) })
		if got := h.of(id); !slices.Equal(got, want) {
			h.t.Errorf("of %s came %v, want %v", id, got, want)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.heard) != events {
		h.t.Errorf("%d events came of %d messages, want %d", len(h.heard), len(all), events)
	}
}

// ofMessages are the types that tell what becomes of a message.
var ofMessages = []string{"message.accepted", "message.sent", "message.delivered", "message.read", "message.failed", "message.unconfirmed"}

// eventEnv lets a server send events to this machine.
var eventEnv = []string{"RELEVO_MEDIA__ALLOW=127.0.0.0/8", "RELEVO_SPACING__MIN=4ms", "RELEVO_SPACING__MAX=12ms", "RELEVO_DELIVER__UNCONFIRMED_AFTER=12s", "RELEVO_LOG__LEVEL=warn"}

func TestEventsArriveSignedInOrderThroughFailuresAndKills(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHearer(t)
	p := start(t, dir, eventEnv...)
	token, ws := strings.TrimPrefix(p.hook, p.url), p.workspace(t)
	p.api(t, http.MethodPost, "/workspaces/"+ws+"/quota/grants", map[string]any{"units": 10_000, "reference": "events"})
	var ids []string
	all := func() []map[string]any { return p.messages(t, ws) }
	say := func(n int) {
		t.Helper()
		for range n {
			status, answer, err := post(p.url+token, fmt.Sprintf(`{"action":"send","phone":"+1415555%04d","text":"hi"}`, len(ids)))
			if err != nil || status != 200 {
				t.Fatalf("send: %d %v (%v)", status, answer, err)
			}
			ids = append(ids, messageID(answer))
		}
	}
	ep := h.sub(p, ws, ofMessages...)
	say(3)
	h.hears(20*time.Second, all)

	// the receiver is down, and the server is killed meanwhile
	tries := h.fail(true)
	say(2)
	eventually(t, 10*time.Second, "a try fails", func() bool { return h.fail(true) > tries })
	p.kill()
	p = start(t, dir, eventEnv...)
	say(1)
	h.fail(false)
	// it may have failed twice by now, and would rest for five minutes
	p.api(t, http.MethodPatch, "/workspaces/"+ws+"/endpoints/"+ep, map[string]any{"enabled": true})
	h.hears(45*time.Second, all)

	// killed again and again while events go out
	for range 4 {
		say(5)
		before := len(ids) - 5
		eventually(t, 20*time.Second, "something comes", func() bool { return len(h.of(ids[before])) > 0 })
		p.kill()
		p = start(t, dir, eventEnv...)
	}
	h.hears(45*time.Second, all)
	eventually(t, 10*time.Second, "nothing waits any more", func() bool {
		return len(p.api(t, http.MethodGet, "/workspaces/"+ws+"/endpoints/"+ep+"/events?status=pending", nil)["data"].([]any)) == 0
	})
	if n := len(all()); n != len(ids) {
		t.Errorf("%d messages, want %d", n, len(ids))
	}

	// by hand, as an owner does
	flags := []string{"--url", p.url, "--key", p.operator(t)}
	h.mu.Lock()
	first := h.heard[0].ID
	h.mu.Unlock()
	for want, args := range map[string][]string{
		"The receiver took": {"endpoint", "test", ep},
		"message.read":      {"endpoint", "events", ep, "--limit", "5"},
		"Sent again":        {"endpoint", "replay", ep, first},
		"whsec_":            {"endpoint", "show", ep, "--secret"},
		h.url:               {"endpoint", "list"},
	} {
		if out, err := relevo(t, append(args, flags...)...); err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if err := p.stop(t); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if strings.Contains(p.stderr.String(), h.url) {
		t.Error("the address is in the log")
	}
}

// TestThreeNodesDeliverEachEventByOneAtATime lets three nodes accept, send and
// deliver, ends one in the middle, and looks whether two of them ever posted to
// one endpoint at once.
func TestThreeNodesDeliverEachEventByOneAtATime(t *testing.T) {
	t.Parallel()
	k := newCrew(t, pgtest.New(t, pgtest.Options{}), 3, eventEnv[0])
	token, ws := k.token(), k.node(0).workspace(t)
	accounts := k.channels(ws, 3)
	hearers := []*hearer{newHearer(t), newHearer(t)}
	for _, h := range hearers {
		h.takes = 5 * time.Millisecond
		h.sub(k.any(), ws, ofMessages...)
	}
	var ids []string
	say := func(n int) {
		t.Helper()
		for range n {
			status, answer, err := post(k.any().url+token, fmt.Sprintf(`{"action":"send","phone":"+1415555%04d","whatsapp_account_phone":%q,"text":"hi"}`, len(ids), accounts[len(ids)%len(accounts)]))
			if err != nil || status != 200 {
				t.Fatalf("send: %d %v (%v)", status, answer, err)
			}
			ids = append(ids, messageID(answer))
		}
	}
	say(60)
	all := func() []map[string]any { return k.node(0).messages(t, ws) }
	for _, h := range hearers {
		h.hears(time.Minute, all)
	}
	say(30)
	k.node(2).kill() // what it held is another one's once its lease has ended
	k.restart(2)
	say(10)
	for _, h := range hearers {
		h.hears(90*time.Second, all)
		if h.most != 1 {
			t.Errorf("%d posts at once to one endpoint", h.most)
		}
	}
}
