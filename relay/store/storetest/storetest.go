// Package storetest is the one suite that defines a store: whatever passes it
// may be put under package relay.
//
// It knows what a store promises to the rules of quota, queue and relay, and
// tells those stories over it with a driver that remembers. It does not know
// how a store keeps anything. Every case runs in a bubble of testing/synctest,
// so hours of pacing pass in milliseconds, and ends with the books: Verify
// reports nothing, and what is opened again says what it said before.
package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// Open opens the store that lives in a folder, making it the first time. The
// suite closes what it opens, and opens a folder again to see what was kept.
// It may be called from inside a bubble of testing/synctest.
type Open func(t *testing.T, dir string) relay.Store

// Run runs every case over the stores that open makes.
func Run(t *testing.T, open Open) {
	for _, c := range slices.Concat(transactions(), rows(), lists(), shelves(), cards(), ledger(), lanes(), claims(), sharing()) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{t: t, open: open, dir: t.TempDir()}
				b.begin()
				c.run(t, b)
				b.reopensEqual()
				b.close()
			})
		})
	}
	for _, c := range slices.Concat(accepting(), door(), settling(), reporting(), ending(), twoParts(), recovering(), owning(), forgetting(), inbound(), people(), channels(), lookingUp(), pacing(), several(), toldBack(), breaking(), arriving(), emitting(), posting(), optingOut(), talking(), erasing()) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, open)
				c.run(t, w)
				w.verify()
				w.reopensEqual()
				w.verify()
				w.close()
			})
		})
	}
}

// ruleCase is a case over a bare store: its rows need not make sense together.
type ruleCase struct {
	name string
	run  func(t *testing.T, b *bench)
}

// storyCase is a case over a relay with a workspace and a channel.
type storyCase struct {
	name string
	run  func(t *testing.T, w *world)
}

// bench is a store under test, and how to open it again.
type bench struct {
	t     *testing.T
	open  Open
	dir   string
	store relay.Store
}

// begin opens the store. It is closed also where the case fails.
func (b *bench) begin() {
	b.t.Helper()
	b.store = watch(b.t, b.open(b.t, b.dir))
	b.t.Cleanup(func() { _ = b.store.Close() })
}

func (b *bench) close() {
	b.t.Helper()
	if err := b.store.Close(); err != nil {
		b.t.Fatalf("close: %v", err)
	}
}

// reopen closes the store and opens what it left.
func (b *bench) reopen() {
	b.t.Helper()
	b.close()
	b.store = watch(b.t, b.open(b.t, b.dir))
}

// update runs fn in a transaction that must succeed.
func (b *bench) update(fn func(*report, relay.Tx) error) {
	b.t.Helper()
	r := &report{T: b.t}
	err := b.store.Update(b.t.Context(), func(tx relay.Tx) error {
		r.failures = nil
		return fn(r, tx)
	})
	r.tell(b.t)
	if err != nil {
		b.t.Fatalf("update: %v", err)
	}
}

// view runs fn in a reading transaction that must succeed.
func (b *bench) view(fn func(*report, relay.Tx) error) {
	b.t.Helper()
	r := &report{T: b.t}
	err := b.store.View(b.t.Context(), func(tx relay.Tx) error {
		r.failures = nil
		return fn(r, tx)
	})
	r.tell(b.t)
	if err != nil {
		b.t.Fatalf("view: %v", err)
	}
}

// report is a test as a transaction sees it. A store may run a function more
// than once, also over rows that turn out to be others: what the last run
// finds wrong is wrong.
type report struct {
	*testing.T
	failures []string
}

// Errorf notes a failure of this run.
func (r *report) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *report) tell(t *testing.T) {
	t.Helper()
	for _, f := range r.failures {
		t.Error(f)
	}
}

// reporter is a test, or a transaction's view of one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// verify is the books: nothing may be wrong.
func (b *bench) verify() {
	b.t.Helper()
	_, err := b.store.Verify(b.t.Context(), func(s string) { b.t.Errorf("verify: %s", s) })
	if err != nil {
		b.t.Fatalf("verify: %v", err)
	}
}

// kept is everything that a store shows.
type kept struct {
	Workspaces []relay.Workspace
	Queue      []relay.LaneView
	Of         map[string]keptWorkspace
}

type keptWorkspace struct {
	Account  quota.Account
	Messages []relay.Message
	Entries  []relay.LedgerLine
	Attempts []relay.Attempt
	Chats    []relay.Chat
	Keys     []relay.APIKey
	Counts   []relay.Counts
	Inbounds []relay.InboundMessage
	Cards    []relay.Card // of one kind
	// Templates are those of the channels of the roster.
	Templates []relay.Template
}

// snapshot reads everything that the lists of a store show.
func (b *bench) snapshot() kept {
	b.t.Helper()
	k := kept{Of: map[string]keptWorkspace{}}
	must := func(err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatalf("snapshot: %v", err)
		}
	}
	ctx := b.t.Context()
	var err error
	k.Workspaces, err = everything(func(p relay.Page) ([]relay.Workspace, string, error) { return b.store.Workspaces(ctx, p) })
	must(err)
	k.Queue, err = b.store.Queue(ctx, "", time.Now())
	must(err)
	for _, w := range k.Workspaces {
		var of keptWorkspace
		b.view(func(t *report, tx relay.Tx) (err error) {
			of.Account, err = tx.Account(ctx, w.ID)
			return err
		})
		of.Messages, err = everything(func(p relay.Page) ([]relay.Message, string, error) {
			return b.store.Messages(ctx, relay.MessageFilter{Workspace: w.ID}, p)
		})
		must(err)
		of.Entries, err = everything(func(p relay.Page) ([]relay.LedgerLine, string, error) { return b.store.Entries(ctx, w.ID, p) })
		must(err)
		of.Chats, err = everything(func(p relay.Page) ([]relay.Chat, string, error) { return b.store.Chats(ctx, w.ID, "", p) })
		must(err)
		of.Attempts, err = b.store.Attempts(ctx, w.ID, 100)
		must(err)
		of.Keys, err = b.store.APIKeys(ctx, w.ID)
		must(err)
		of.Counts, err = b.store.Counts(ctx, w.ID, time.Time{}, time.Time{})
		must(err)
		of.Inbounds, of.Templates, err = b.shelf(w.ID)
		must(err)
		of.Cards, err = everything(func(p relay.Page) ([]relay.Card, string, error) {
			return b.store.Cards(ctx, relay.CardFilter{Kind: cardKind, Workspace: w.ID}, p)
		})
		must(err)
		k.Of[w.ID] = of
	}
	return k
}

// shelf is what a workspace's shelf holds.
func (b *bench) shelf(workspace string) (in []relay.InboundMessage, templates []relay.Template, err error) {
	ctx := b.t.Context()
	var refs []relay.ChannelRef
	b.view(func(t *report, tx relay.Tx) (err error) {
		refs, err = tx.Channels(ctx, workspace)
		return err
	})
	for _, ref := range refs {
		some, err := b.store.Templates(ctx, workspace, ref.ID)
		if err != nil {
			return nil, nil, err
		}
		templates = append(templates, some...)
	}
	in, err = everything(func(p relay.Page) ([]relay.InboundMessage, string, error) {
		return b.store.Inbounds(ctx, workspace, "", "", p)
	})
	return in, templates, err
}

// everything pages through a list.
func everything[T any](list func(relay.Page) ([]T, string, error)) (all []T, err error) {
	for p := (relay.Page{Limit: 200}); ; {
		some, next, err := list(p)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if p.Cursor = next; next == "" {
			return all, nil
		}
	}
}

// reopensEqual closes and opens the store, which must show what it showed.
func (b *bench) reopensEqual() {
	b.t.Helper()
	before := b.snapshot()
	b.reopen()
	if diff := differ(before, b.snapshot(), same()...); diff != "" {
		b.t.Errorf("opened again, the store shows something else (-before +after):\n%s", diff)
	}
}

// same compares rows. A nil slice may come back as an empty one. A lane that
// rests may be kept in memory alone: who opens a store lets all of them rest.
func same() []cmp.Option {
	return []cmp.Option{
		cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(queue.Lane{}, "NextFree"),
		cmpopts.IgnoreFields(relay.LaneView{}, "NextSend"),
	}
}

func equal[T any](t reporter, what string, got, want T) {
	t.Helper()
	if diff := differ(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// differ is cmp.Diff, which looks at each byte of a megabyte, for what is not
// the same to begin with.
func differ(x, y any, opts ...cmp.Option) string {
	if reflect.DeepEqual(x, y) {
		return ""
	}
	return cmp.Diff(x, y, opts...)
}

// idOf is the n-th id that is made at a time.
func idOf(t time.Time, n int) string {
	ms := uint64(t.UnixMilli())
	return relay.FormatMessageID([9]byte{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0, 0, byte(n)})
}

// messageID is the n-th of a row of ids.
func messageID(n int) string {
	return relay.FormatMessageID([9]byte{0, 0, 0, 0, 0, 1, byte(n >> 16), byte(n >> 8), byte(n)})
}
