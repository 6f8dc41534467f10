package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"relevo/relay"
)

func cardLists() []ruleCase {
	return []ruleCase{
		{"CardsAreListedBothWaysByPrefixInPages", cardPages},
		{"CardsOfOneKindAndWorkspaceAreListedAlone", cardsApart},
		{"ACursorOfOtherCardsIsRefused", foreignCardCursor},
		{"CardsAreDueInTheOrderOfTheirTimesOverAllWorkspaces", cardsDue},
		{"ACardWhoseTimeChangesMoves", movedCards},
		{"CardsThatWereDueLongAgoAreForgotten", prunedCards},
		{"CardsGoWithTheirWorkspace", cardsOfDeleted},
		{"VerifyCountsCards", verifiedCards},
	}
}

func keysOf(list []relay.Card) (out []string) {
	for _, r := range list {
		out = append(out, r.Key)
	}
	return out
}

// pages reads a list in pages of a size.
func (b *bench) pages(f relay.CardFilter, size int) (keys []string) {
	b.t.Helper()
	for p := (relay.Page{Limit: size}); ; {
		list, next, err := b.store.Cards(b.t.Context(), f, p)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(list) > size || len(list) < size && next != "" || len(list) == 0 && len(keys) > 0 {
			b.t.Errorf("%d cards on a page of %d (next %q)", len(list), size, next)
		}
		keys = append(keys, keysOf(list)...)
		if p.Cursor = next; next == "" {
			return keys
		}
	}
}

func cardPages(t *testing.T, b *bench) {
	ws := relay.NewID("ws_")
	var all, some []string
	for n := range 12 {
		for _, prefix := range []string{"a:", "b:", "b;"} {
			key := fmt.Sprintf("%s%02d", prefix, n)
			b.putCards(card(ws, key, at))
			all = append(all, key)
			if prefix == "b:" {
				some = append(some, key)
			}
		}
	}
	slices.Sort(all)
	for _, c := range []struct {
		prefix string
		want   []string
	}{{"", all}, {"b:", some}, {"b:1", some[10:]}, {"b:03", some[3:4]}, {"c", nil}, {"b:033", nil}} {
		for _, size := range []int{1, 2, 6, 12, 13, 36, 100} {
			f := relay.CardFilter{Kind: cardKind, Workspace: ws, Prefix: c.prefix}
			equal(t, fmt.Sprintf("keys of %q in pages of %d", c.prefix, size), b.pages(f, size), c.want)
			f.Newest = true
			back := slices.Clone(c.want)
			slices.Reverse(back)
			equal(t, fmt.Sprintf("keys of %q backwards in pages of %d", c.prefix, size), b.pages(f, size), back)
		}
	}
}

func cardsApart(t *testing.T, b *bench) {
	ws, other := relay.NewID("ws_"), relay.NewID("ws_")
	for n, w := range []string{ws, other, ""} {
		for _, kind := range []string{"note", "not", "note_", "notes"} {
			r := card(w, fmt.Sprint(kind, n), time.Time{})
			r.Kind = kind
			b.putCards(r)
		}
	}
	for n, w := range []string{ws, other, ""} {
		for _, newest := range []bool{false, true} {
			got := b.pages(relay.CardFilter{Kind: cardKind, Workspace: w, Newest: newest}, 10)
			equal(t, fmt.Sprintf("keys of workspace %q", w), got, []string{fmt.Sprint("note", n)})
		}
	}
	equal(t, "keys of no kind", b.pages(relay.CardFilter{Kind: "no", Workspace: ws}, 10), nil)
}

func foreignCardCursor(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	for n := range 3 {
		b.putCards(card(ws, fmt.Sprint("a", n), at), card("", fmt.Sprint("a", n), at))
	}
	f := relay.CardFilter{Kind: cardKind, Workspace: ws, Prefix: "a"}
	_, cursor, err := b.store.Cards(ctx, f, relay.Page{Limit: 1})
	if err != nil || cursor == "" {
		t.Fatalf("cursor %q (%v)", cursor, err)
	}
	for _, c := range []struct {
		what, cursor string
		f            relay.CardFilter
	}{
		{"another workspace", cursor, relay.CardFilter{Kind: cardKind, Prefix: "a"}},
		{"another kind", cursor, relay.CardFilter{Kind: "other", Workspace: ws, Prefix: "a"}},
		{"another prefix", cursor, relay.CardFilter{Kind: cardKind, Workspace: ws, Prefix: "a1"}},
		{"nothing", "nonsense", f},
	} {
		var refused *relay.Error
		if _, _, err := b.store.Cards(ctx, c.f, relay.Page{Limit: 1, Cursor: c.cursor}); !errors.As(err, &refused) {
			t.Errorf("a cursor of %s: %v, want a refusal", c.what, err)
		}
	}
}

// dueNow checks what is due, and what comes next.
func (b *bench) dueNow(now time.Time, n int, next time.Time, want ...string) {
	b.t.Helper()
	list, at, err := b.store.CardsDue(b.t.Context(), cardKind, now, n)
	row(b.t, fmt.Sprintf("up to %d due at %s", n, now.Format(time.TimeOnly)), want)(keysOf(list), err)
	if !at.Equal(next) {
		b.t.Errorf("the next one of %d at %s comes at %s, want %s", n, now, at, next)
	}
}

func cardsDue(_ *testing.T, b *bench) {
	b.dueNow(at, 10, time.Time{})
	first, second := "ws_0000000000000000000A", "ws_0000000000000000000B"
	old := time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC)
	other := card(first, "other", at.Add(-time.Hour))
	other.Kind = "notes"
	b.putCards(other, card(second, "c", at), card(first, "d", at), card(first, "c", at), card("", "e", at), card(first, "b", at.Add(-time.Microsecond)),
		card("", "a", old), card(second, "f", at.Add(time.Microsecond)), card(first, "g", at.Add(time.Hour)), card(first, "never", time.Time{}))
	later := at.Add(time.Microsecond)
	b.dueNow(old.Add(-time.Second), 10, old)
	b.dueNow(old, 10, at.Add(-time.Microsecond), "a")
	b.dueNow(at, 10, later, "a", "b", "e", "c", "d", "c")
	b.dueNow(at.Add(999*time.Nanosecond), 10, later, "a", "b", "e", "c", "d", "c")
	b.dueNow(at, 6, later, "a", "b", "e", "c", "d", "c")
	b.dueNow(at, 5, at, "a", "b", "e", "c", "d") // the next one is due as well
	b.dueNow(later, 10, at.Add(time.Hour), "a", "b", "e", "c", "d", "c", "f")
	b.dueNow(at.Add(time.Hour), 10, time.Time{}, "a", "b", "e", "c", "d", "c", "f", "g")
	b.reopen()
	b.dueNow(at, 10, later, "a", "b", "e", "c", "d", "c")
	b.verify()
}

func movedCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	b.putCards(card(ws, "k", at))
	b.dueNow(at, 10, time.Time{}, "k")
	b.putCards(card(ws, "k", at.Add(time.Hour)))
	b.dueNow(at, 10, at.Add(time.Hour))
	b.putCards(card(ws, "k", time.Time{}))
	b.dueNow(at.Add(2*time.Hour), 10, time.Time{})
	b.update(func(t *report, tx relay.Tx) error { // several times within one
		return errors.Join(tx.PutCard(ctx, card(ws, "k", at)), tx.PutCard(ctx, card(ws, "k", at.Add(time.Second))),
			tx.DeleteCard(ctx, cardKind, ws, "k"), tx.PutCard(ctx, card(ws, "k", at.Add(time.Minute))))
	})
	b.dueNow(at, 10, at.Add(time.Minute))
	b.update(func(t *report, tx relay.Tx) error { // read, and put back as it was
		r, err := tx.Card(ctx, cardKind, ws, "k")
		if err != nil {
			return err
		}
		return tx.PutCard(ctx, r)
	})
	b.dueNow(at.Add(time.Minute), 10, time.Time{}, "k")
	b.update(func(t *report, tx relay.Tx) error { return tx.DeleteCard(ctx, cardKind, ws, "k") })
	b.dueNow(at.Add(time.Hour), 10, time.Time{})
	b.verify()
}

func prunedCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	other := card(ws, "other", at)
	other.Kind = "other"
	b.putCards(other, card(ws, "never", time.Time{}))
	for n := range 5 {
		b.putCards(card(ws, fmt.Sprint(n), at.Add(time.Duration(n)*time.Second)))
	}
	prune := func(before time.Time, n, want int) {
		t.Helper()
		if got, err := b.store.PruneCards(ctx, cardKind, before, n); got != want || err != nil {
			t.Errorf("%d were forgotten (%v), want %d", got, err, want)
		}
	}
	prune(at, 10, 0) // not before it
	prune(at.Add(999*time.Nanosecond), 10, 0)
	prune(at.Add(3*time.Second), 2, 2)
	b.dueNow(at.Add(time.Hour), 10, time.Time{}, "2", "3", "4")
	prune(at.Add(3*time.Second), 2, 1)
	prune(at.Add(3*time.Second), 2, 0)
	b.verify()
	equal(t, "what is left", b.pages(relay.CardFilter{Kind: cardKind, Workspace: ws}, 10), []string{"3", "4", "never"})
	b.hasCards(other)
}

func cardsOfDeleted(t *testing.T, b *bench) {
	ctx, stays, gone := t.Context(), b.alone().ID, b.alone()
	gone.DeletedAt = at
	b.update(func(t *report, tx relay.Tx) error { return tx.PutWorkspace(ctx, gone) })
	for n := range 7 {
		b.putCards(card(gone.ID, fmt.Sprint("gone", n), at), card(stays, fmt.Sprint("stays", n), at), card("", fmt.Sprint("global", n), time.Time{}))
	}
	prune := func(before time.Time, want int) {
		t.Helper()
		for sum := 0; ; {
			n, err := b.store.PruneDeleted(ctx, before, 3)
			if err != nil || n > 3 {
				t.Fatalf("%d in a batch of 3 (%v)", n, err)
			}
			if sum += n; n == 0 {
				equal(t, "forgotten", sum, want)
				return
			}
		}
	}
	prune(at, 0)
	prune(at.Add(time.Second), 7)
	b.verify()
	for _, c := range []struct {
		ws   string
		want int
	}{{gone.ID, 0}, {stays, 7}, {"", 7}} {
		equal(t, fmt.Sprintf("cards left to %q", c.ws), len(b.pages(relay.CardFilter{Kind: cardKind, Workspace: c.ws}, 10)), c.want)
	}
	due, _, err := b.store.CardsDue(ctx, cardKind, at, 100)
	if err != nil || len(due) != 7 {
		t.Errorf("%d are due (%v), want 7", len(due), err)
	}
}

func verifiedCards(t *testing.T, b *bench) {
	b.putCards(card(b.alone().ID, "a", at), card("", "a", at), card("", "b", time.Time{}))
	stats, err := b.store.Verify(t.Context(), func(s string) { t.Errorf("verify: %s", s) })
	if err != nil || stats.Cards != 3 {
		t.Errorf("%d cards (%v), want 3", stats.Cards, err)
	}
}
