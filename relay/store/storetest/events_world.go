package storetest

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// receiver is where events are posted to. It does as it is told and remembers
// every try.
type receiver struct {
	mu    sync.Mutex
	tries []posted
	does  func(relay.Posting) relay.Posted // nil: it takes everything
	takes time.Duration
	now   map[string]int // posts under way, by address
	most  int            // at once, of one address
}

// posted is one try.
type posted struct {
	relay.Posting
	At time.Time
	OK bool
}

// Type is the event's, in either form.
func (p posted) Type() string {
	var b struct {
		Type  string `json:"type"`
		Event string `json:"event_type"`
	}
	_ = json.Unmarshal([]byte(p.Body), &b)
	return b.Type + b.Event
}

// CheckURL takes what begins with https.
func (*receiver) CheckURL(_ context.Context, raw string) (string, error) {
	if !strings.HasPrefix(raw, "https://") {
		return "", relay.RefuseField(relay.CodeInvalidField, "url", "Not https.", "")
	}
	return raw, nil
}

// Post answers as told, after the time that it is told to take.
func (r *receiver) Post(_ context.Context, p relay.Posting) relay.Posted {
	at := time.Now()
	r.mu.Lock()
	if r.now == nil {
		r.now = map[string]int{}
	}
	r.now[p.URL]++
	r.most = max(r.most, r.now[p.URL])
	does, takes := r.does, r.takes
	r.mu.Unlock()
	time.Sleep(takes)
	got := relay.Posted{Status: 204}
	if does != nil {
		got = does(p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now[p.URL]--
	r.tries = append(r.tries, posted{p, at, got.Problem == ""})
	return got
}

func (r *receiver) tell(does func(relay.Posting) relay.Posted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.does = does
}

// answers makes every try end with a status.
func (r *receiver) answers(status int) {
	r.tell(func(relay.Posting) relay.Posted { return answer(status) })
}

func answer(status int) relay.Posted {
	p := relay.Posted{Status: status, Answer: "ok"}
	if status/100 != 2 {
		p.Problem, p.Answer = "The receiver is broken.", "oops"
	}
	return p
}

// made are the tries at an address; at all with an empty one.
func (r *receiver) made(url string) (some []posted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.tries {
		if url == "" || p.URL == url {
			some = append(some, p)
		}
	}
	return some
}

// took are the types of what an address has taken, in order.
func (r *receiver) took(url string) (types []string) {
	for _, p := range r.made(url) {
		if p.OK {
			types = append(types, p.Type())
		}
	}
	return types
}

const listening = "https://a.example/events"

// endpoint makes one; no types are all.
func (w *world) endpoint(url string, types ...relay.EventType) relay.Endpoint {
	w.t.Helper()
	e, _, err := w.relay.CreateEndpoint(w.t.Context(), w.ws.ID, relay.NewEndpoint{URL: url, Types: types})
	if err != nil {
		w.t.Fatalf("endpoint: %v", err)
	}
	return e
}

func (w *world) endpointNow(id string) relay.Endpoint {
	w.t.Helper()
	e, err := w.relay.Endpoint(w.t.Context(), w.ws.ID, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// events are those of an endpoint in a state, oldest first.
func (w *world) events(endpoint string, state relay.EventState) (list []relay.Event) {
	w.t.Helper()
	f := relay.EventFilter{Workspace: w.ws.ID, Endpoint: endpoint, State: state}
	for p := (relay.Page{Limit: 7}); ; {
		some, next, err := w.relay.EndpointEvents(w.t.Context(), f, p)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range some {
			list = append([]relay.Event{e}, list...)
		}
		if p.Cursor = next; next == "" {
			return list
		}
	}
}

// pending are the types of the events that wait for an endpoint, oldest first.
func (w *world) pending(endpoint string) (types []string) {
	w.t.Helper()
	for _, e := range w.events(endpoint, relay.EventPending) {
		types = append(types, string(e.Type))
	}
	return types
}

// tells makes a message's whole story happen: four events.
func (w *world) tells() (id string) {
	w.t.Helper()
	id = w.accept(text("+1", "hello"))
	w.dispatch(3 * time.Second)
	w.report(id, relay.Delivered)
	w.report(id, relay.Read)
	return id
}

var wholeStory = []string{"message.accepted", "message.sent", "message.delivered", "message.read"}

// couriers starts delivering; stop ends it and waits.
func (w *world) couriers() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var g sync.WaitGroup
	r := w.relay
	g.Go(func() { _ = r.DeliverEvents(ctx) })
	return func() { cancel(); g.Wait() }
}

// delivering delivers for a time.
func (w *world) delivering(d time.Duration) {
	stop := w.couriers()
	time.Sleep(d)
	stop()
}

// cards counts all that is kept of a kind.
func (w *world) cards(kind string) int {
	w.t.Helper()
	list, err := everything(func(p relay.Page) ([]relay.Card, string, error) {
		return w.store.Cards(w.t.Context(), relay.CardFilter{Kind: kind, Workspace: w.ws.ID}, p)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list)
}

func (w *world) account() quota.Account {
	w.t.Helper()
	a, err := w.relay.Account(w.t.Context(), w.ws.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}
