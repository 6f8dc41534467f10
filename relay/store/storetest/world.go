package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

// world is a relay over a store, with one workspace, its webhook, one channel
// and 100 units.
type world struct {
	bench
	relay  *relay.Relay
	driver *driver
	// provider is a kind of its own; it shares its calls with driver.
	provider *provider
	files    *files
	receiver *receiver
	set      relay.Settings
	ws       relay.Workspace
	ch       relay.Channel
	calls    int
}

func newWorld(t *testing.T, open Open) *world {
	t.Helper()
	w := &world{
		bench:  bench{t: t, open: open, dir: t.TempDir()},
		driver: &driver{}, receiver: &receiver{}, files: &files{kept: map[string]time.Time{}}, set: relay.DefaultSettings(),
	}
	w.provider = &provider{driver: w.driver}
	w.set.Node = "node"
	w.begin()
	w.start()
	var err error
	if w.ws, err = w.relay.CreateWorkspace(t.Context(), "Acme"); err != nil {
		t.Fatal(err)
	}
	w.grant("first", 100)
	w.ch = w.channel("+15550001111", 2*time.Second, 2*time.Second)
	return w
}

// start makes a relay over what the store holds.
func (w *world) start() {
	w.t.Helper()
	secrets, err := relay.NewSecrets([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		w.t.Fatal(err)
	}
	latest, err := latestOf(w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	drivers := map[string]relay.Driver{"fake": w.driver, "provider": w.provider}
	if w.relay, err = relay.New(w.store, drivers, secrets, w.files, w.set, latest, slog.New(slog.DiscardHandler)); err != nil {
		w.t.Fatal(err)
	}
	w.relay.Poster = w.receiver
}

// crash closes the store under whoever works with it, opens it again and
// recovers, as a process does that starts after a crash.
func (w *world) crash() {
	w.t.Helper()
	w.reopen()
	w.start()
	if err := w.relay.Recover(w.t.Context()); err != nil {
		w.t.Fatalf("recover: %v", err)
	}
}

func (w *world) grant(ref string, units int64) {
	w.t.Helper()
	if _, err := w.relay.Grant(w.t.Context(), w.ws.ID, ref, units); err != nil {
		w.t.Fatalf("grant: %v", err)
	}
}

func (w *world) channel(phone string, least, most time.Duration) relay.Channel {
	w.t.Helper()
	ch, err := w.relay.CreateChannel(w.t.Context(), w.ws.ID, relay.NewChannel{Kind: "fake", Phone: phone, SpacingMin: &least, SpacingMax: &most})
	if err != nil {
		w.t.Fatalf("channel: %v", err)
	}
	return ch
}

// now is a call of the webhook at this moment.
func (w *world) now() relay.Call {
	w.calls++
	return relay.Call{
		Workspace: w.ws.ID, Hook: w.ws.Webhook.Token.Hash, At: time.Now(), RequestID: fmt.Sprintf("req-%d", w.calls),
		RemoteIP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test/1", Body: []byte(`{"text":"hello"}`),
	}
}

// text is an action: a text to a phone number.
func text(phone, s string) relay.Action {
	return relay.Action{To: relay.Address{Phone: phone}, Text: s, Fingerprint: sha256.Sum256([]byte(phone + "\x00" + s))}
}

// accept takes an action that must be accepted, and returns the message's id.
func (w *world) accept(a relay.Action) string {
	w.t.Helper()
	got, err := w.relay.Accept(w.t.Context(), w.now(), a)
	if err != nil {
		w.t.Fatalf("accept: %v", err)
	}
	return got.MessageID
}

// refused takes an action that must be refused with a code.
func (w *world) refused(a relay.Action, want relay.Code) {
	w.t.Helper()
	_, err := w.relay.Accept(w.t.Context(), w.now(), a)
	w.code(err, want)
}

func (w *world) code(err error, want relay.Code) {
	w.t.Helper()
	var e *relay.Error
	if !errors.As(err, &e) || e.Code != want {
		w.t.Errorf("got error %v, want code %s", err, want)
	}
}

// dispatch lets the relay work for a time, then stops it.
func (w *world) dispatch(d time.Duration) {
	w.t.Helper()
	stop := w.work()
	time.Sleep(d)
	stop()
}

// work starts dispatching and fetching; stop ends both and waits.
func (w *world) work() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var g sync.WaitGroup
	r := w.relay
	g.Go(func() { _ = r.Dispatch(ctx) })
	g.Go(func() { _ = r.FetchFiles(ctx) })
	return func() { cancel(); g.Wait() }
}

func (w *world) message(id string) (m relay.Message) {
	w.t.Helper()
	w.view(func(t *report, tx relay.Tx) (err error) {
		m, err = tx.Message(w.t.Context(), w.ws.ID, id)
		return err
	})
	return m
}

// is checks statuses of messages.
func (w *world) is(want relay.Status, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if got := w.message(id); got.Status != want {
			w.t.Errorf("message %s is %s, want %s (history %v)", id, got.Status, want, got.History)
		}
	}
}

// balance checks where the units are.
func (w *world) balance(available, reserved, spent int64) {
	w.t.Helper()
	a, err := w.relay.Account(w.t.Context(), w.ws.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	got, want := [3]int64{a.Available, a.Reserved, a.Spent}, [3]int64{available, reserved, spent}
	if got != want {
		w.t.Errorf("available, reserved, spent are %v, want %v", got, want)
	}
}

// report lets the provider say something of a message.
func (w *world) report(id string, s relay.Status) {
	w.t.Helper()
	rep := relay.Report{MessageID: id, Status: s, At: time.Now()}
	if s == relay.Failed {
		rep.Failure = &relay.Failure{Code: relay.CodeProviderFailed, Message: "The provider could not deliver it."}
	}
	if err := w.relay.Report(w.t.Context(), w.ch.ID, []relay.Report{rep}); err != nil {
		w.t.Fatalf("report: %v", err)
	}
}

// entries are the moves of a message, oldest first.
func (w *world) entries(id string) (kinds []quota.Kind) {
	w.t.Helper()
	lines, err := everything(func(p relay.Page) ([]relay.LedgerLine, string, error) {
		return w.store.Entries(w.t.Context(), w.ws.ID, p)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].MessageID == id {
			kinds = append(kinds, lines[i].Kind)
		}
	}
	return kinds
}

func (w *world) attempts() []relay.Attempt {
	w.t.Helper()
	list, err := w.store.Attempts(w.t.Context(), w.ws.ID, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}
