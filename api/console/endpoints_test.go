package console_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"relevo/api/console/account"
	"relevo/relay"
	"relevo/relay/outbound"
)

// receiver is an owner's system that takes events, or does not.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	bodies []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body) // what is cut short shows in the test
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(b))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.bodies, "\n")
}

// posts lets the house send events, to this machine too.
func (h *house) posts() {
	h.t.Helper()
	h.relay.Poster = outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = h.relay.DeliverEvents(ctx) })
	h.t.Cleanup(func() { stop(); running.Wait() })
}

func TestAnOwnerIsToldOfWhatHappens(t *testing.T) {
	h, r := newHouse(t), newReceiver(t)
	h.posts()
	b := h.operator()
	b.get(h.path("endpoints")).is(200).has("No outbound webhook yet")
	b.get(h.path("endpoints", "new")).is(200).has("Standard Webhooks", "TimelinesAI family", "message.delivered", "message:sent:new")

	form := url.Values{"url": {"http://10.0.0.1/x"}, "form": {"standard"}, "types": {"message.accepted"}}
	b.post(h.path("endpoints"), form).is(422).has("Use https://.")
	form = url.Values{"url": {r.URL}, "form": {"standard"}, "types": {"message:sent:new"}}
	b.post(h.path("endpoints"), form).is(422).has("Choose at least one event.")
	form = url.Values{"url": {r.URL}, "form": {"standard"}, "types": {"message.accepted", "quota.low"}, "description": {`<script>alert(1)</script>`}}
	made := b.post(h.path("endpoints"), form).is(200).has("It is told of these events from now on.", "whsec_", "<script>alert(1)</script>").hasNot("<script>alert")
	id := made.all("form", "method", "post")
	var here string
	for _, f := range id {
		if to := attr(f, "action"); strings.HasSuffix(to, "/test") {
			here = strings.TrimSuffix(to, "/test")
		}
	}
	b.get(here).is(200).hasNot("whsec_")
	b.post(here+"/test", url.Values{"type": {"quota.low"}}).is(200).has("It was taken: status 204")
	h.accept("+14155550100", "Hello")
	eventually(t, "the event arrives", func() bool { return strings.Contains(r.got(), "message.accepted") })
	eventually(t, "the log says so", func() bool { return strings.Contains(b.get(here+"?state=delivered").text(), "message.accepted") })

	secret := b.post(here+"/secret", url.Values{}).is(200).has("whsec_").text()
	rotated := b.post(here+"/rotate", url.Values{"grace": {"24"}}).is(200).has("There is a new signing secret.").text()
	cut := func(s string) string { return s[strings.Index(s, "whsec_"):][:50] }
	if cut(secret) == cut(rotated) {
		t.Error("the secret is the same")
	}
	b.post(here+"/rotate", url.Values{"grace": {"25"}}).is(400)
	b.post(here, url.Values{"url": {r.URL + "/b"}, "types": {"message.accepted", "webhook.rotated"}}).is(200).has("Saved.", r.URL+"/b", "webhook.rotated")

	viewer := h.somebody(account.Viewer)
	viewer.language = "es"
	viewer.get(here).is(200).has("Registro", "Entregado").hasNot("/secret", "/delete", "/test")
	for _, to := range []string{"/secret", "/rotate", "/delete", "/switch", "/test", "/replay", ""} {
		viewer.post(here+to, url.Values{"url": {r.URL}, "types": {"message.read"}}).is(403)
	}
	b.post(here+"/switch", url.Values{"enabled": {"false"}}).is(200).has("It is off.", "Switch on")
	b.post(here+"/delete", url.Values{}).is(200).has("It is deleted.", "No outbound webhook yet")
	b.get(here).is(404)
}

func TestWhatWasNotTakenIsSentAgainByHand(t *testing.T) {
	h, r := newHouse(t), newReceiver(t)
	h.posts()
	b := h.operator()
	r.status = http.StatusGone
	b.post(h.path("endpoints"), url.Values{"url": {r.URL}, "form": {"standard"}, "types": {"message.accepted"}}).is(200)
	list := b.get(h.path("endpoints")).all("a", "class", "row-link")
	here := attr(list[0], "href")
	h.accept("+14155550100", "Hello")
	eventually(t, "410 switches it off", func() bool { return strings.Contains(b.get(here).text(), "Switch on") })
	b.get(here).has("Nothing is sent to it any more")
	b.post(here+"/replay", url.Values{"all": {"failed"}}).is(409)
	b.post(here+"/replay", url.Values{}).is(200).has("Choose events first.")

	r.mu.Lock()
	r.status, r.bodies = http.StatusOK, nil
	r.mu.Unlock()
	b.post(here+"/switch", url.Values{"enabled": {"true"}}).is(200).has("It is on.")
	eventually(t, "what waited arrives", func() bool { return strings.Contains(r.got(), "message.accepted") })
	var ticks []string
	eventually(t, "it is in the log", func() bool {
		ticks = nil
		for _, n := range b.get(here+"?state=delivered").all("input", "name", "events") {
			ticks = append(ticks, attr(n, "value"))
		}
		return len(ticks) == 1
	})
	b.post(here+"/replay", url.Values{"events": ticks}).is(200).has("1 event is sent again.")
	eventually(t, "it arrives once more", func() bool { return strings.Count(r.got(), "message.accepted") == 2 })
}

func TestAReplayOfNothingIsNotInTheAuditLog(t *testing.T) {
	h := newHouse(t)
	h.posts()
	b := h.operator()
	e, _, err := h.relay.CreateEndpoint(t.Context(), h.ws.ID, relay.NewEndpoint{URL: "https://receiver.invalid/"})
	if err != nil {
		t.Fatal(err)
	}
	b.post(h.path("endpoints", e.ID, "replay"), url.Values{}).is(200)
	notes, _, err := h.relay.Notes(t.Context(), h.ws.ID, nil, relay.Page{Limit: 10})
	if err != nil || len(notes) != 0 {
		t.Errorf("%+v %v", notes, err)
	}
}
