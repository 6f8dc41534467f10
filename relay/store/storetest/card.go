package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

func cards() []ruleCase {
	return append(cardLists(), []ruleCase{
		{"ATransactionSeesTheCardsThatItPutAndDeleted", ownCards},
		{"ACardsValueIsKeptByteByByte", cardValues},
		{"ACardIsTheCallersToChange", clonedCards},
		{"CardsHaveKeysOfAllKindsOfText", cardKeys},
		{"WhatIsNoCardIsRefusedItsFunctionAlone", refusedCards},
		{"ARolledBackTransactionLeavesTheCardsAsTheyWere", cardsRolledBack},
		{"ACounterThatFiftyRaiseAtOnceEndsAtFifty", countedCard},
		{"OfManyWhoFindNoCardAtOnceOnePutsItFirst", firstCard},
		{"BlindPutsAndHeldCardsGetOutOfEachOthersWay", crossingCards},
		{"ABlindPutOfWhatAnotherPutBeforeItWins", blindCards},
	}...)
}

const cardKind = "note"

// card is one that is told by its key.
func card(workspace, key string, due time.Time) relay.Card {
	return relay.Card{Kind: cardKind, Workspace: workspace, Key: key, Due: due, Value: json.RawMessage(`{"key":` + quoted(key) + `}`)}
}

func quoted(s string) string { b, _ := json.Marshal(s); return string(b) }

func (b *bench) putCards(list ...relay.Card) {
	b.t.Helper()
	b.update(func(t *report, tx relay.Tx) error {
		for _, r := range list {
			if err := tx.PutCard(t.Context(), r); err != nil {
				return err
			}
		}
		return nil
	})
}

// hasCards checks what is found of the keys of want, by key.
func (b *bench) hasCards(want ...relay.Card) {
	b.t.Helper()
	b.view(func(t *report, tx relay.Tx) error {
		for _, r := range want {
			row(t, "card "+r.Key, r)(tx.Card(t.Context(), r.Kind, r.Workspace, r.Key))
		}
		return nil
	})
}

// noCard checks that a card is not found.
func noCard(t *report, tx relay.Tx, kind, workspace, key string) {
	t.Helper()
	if r, err := tx.Card(t.Context(), kind, workspace, key); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("card %.40q of kind %q: %+v (%v), want ErrNotFound", key, kind, r, err)
	}
}

func ownCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	one, two := card(ws, "one", at), card(ws, "two", time.Time{})
	changed := card(ws, "one", time.Time{})
	changed.Value = json.RawMessage(`7`)
	b.update(func(t *report, tx relay.Tx) error {
		noCard(t, tx, cardKind, ws, "one")
		err := errors.Join(tx.PutCard(ctx, one), tx.PutCard(ctx, two))
		row(t, "card just put", one)(tx.Card(ctx, cardKind, ws, "one"))
		err = errors.Join(err, tx.PutCard(ctx, changed), tx.DeleteCard(ctx, cardKind, ws, "two"), tx.DeleteCard(ctx, cardKind, ws, "none"))
		row(t, "card put twice", changed)(tx.Card(ctx, cardKind, ws, "one"))
		noCard(t, tx, cardKind, ws, "two")
		noCard(t, tx, "other", ws, "one")
		noCard(t, tx, cardKind, "", "one")
		noCard(t, tx, cardKind, relay.NewID("ws_"), "one")
		return err
	})
	b.reopen()
	b.update(func(t *report, tx relay.Tx) error { // away and back
		row(t, "card", changed)(tx.Card(ctx, cardKind, ws, "one"))
		noCard(t, tx, cardKind, ws, "two")
		err := tx.DeleteCard(ctx, cardKind, ws, "one")
		noCard(t, tx, cardKind, ws, "one")
		return errors.Join(err, tx.PutCard(ctx, one))
	})
	b.hasCards(one)
	b.update(func(t *report, tx relay.Tx) error { return tx.DeleteCard(ctx, cardKind, ws, "one") }) // not read before
	b.view(func(t *report, tx relay.Tx) error {
		noCard(t, tx, cardKind, ws, "one")
		if tx.PutCard(ctx, one) == nil || tx.DeleteCard(ctx, cardKind, ws, "one") == nil {
			t.Errorf("a write in a View was taken")
		}
		return nil
	})
	b.verify()
}

func cardValues(_ *testing.T, b *bench) {
	ws := relay.NewID("ws_")
	for n, value := range []string{
		`null`, `""`, `0`, ` { "b" : 1,` + "\n\t" + `"a":[ ] } `, `{"a":1,"a":2}`, `1e400`, `0.10`, `12345678901234567890.5`,
		`"nul \u0000, half \ud83d, whole \ud83d\ude00, 😀, é, é, <&>\/"`, `{"":{"\u0000":null}}`, `"` + strings.Repeat("x", 1<<20-2) + `"`,
		strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
	} {
		r := card(ws, fmt.Sprintf("%02d", n), at)
		r.Value = json.RawMessage(value)
		b.putCards(r)
		b.reopen()
		b.hasCards(r)
	}
	b.verify()
}

func clonedCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	want := card(ws, "k", at)
	b.update(func(t *report, tx relay.Tx) error {
		mine := card(ws, "k", at.Add(999*time.Nanosecond)) // whole microseconds are kept
		err := tx.PutCard(ctx, mine)
		mine.Value[2] = 'X'
		for range 2 {
			r, err := tx.Card(ctx, cardKind, ws, "k")
			row(t, "card", want)(r, err)
			r.Value[2] = 'X'
		}
		return err
	})
	b.update(func(t *report, tx relay.Tx) error {
		for range 2 {
			r, err := tx.Card(ctx, cardKind, ws, "k")
			if row(t, "card read again", want)(r, err); err == nil {
				r.Value[2] = 'X'
			}
		}
		return nil
	})
}

// oddKeys are keys in the order of their bytes.
var oddKeys = []string{
	"\x01", " ", "%", "'; --", "A", "Z", "_", "a", "a b", "a\"b\\c", "a/b", "a:b", "a_b", "ab", strings.Repeat("x", 300),
	"é", "日本語", "\uE000", "\uFFFD", "\uFFFF", "😀", "\U0010FFFF", "\U0010FFFF\U0010FFFF", strings.Repeat("\U0010FFFF", 75),
}

func cardKeys(t *testing.T, b *bench) {
	ws := relay.NewID("ws_")
	var want []relay.Card
	for _, key := range oddKeys {
		want = append(want, card(ws, key, time.Time{}))
		b.putCards(want[len(want)-1], card("", key, at))
	}
	b.hasCards(want...)
	list, next, err := b.store.Cards(t.Context(), relay.CardFilter{Kind: cardKind, Workspace: ws}, relay.Page{Limit: 100})
	row(t, "cards", want)(list, err)
	equal(t, "cursor of the last page", next, "")
	list, _, err = b.store.Cards(t.Context(), relay.CardFilter{Kind: cardKind, Workspace: ws, Prefix: "\U0010FFFF"}, relay.Page{Limit: 100})
	row(t, "cards of the last prefix", want[len(want)-3:])(list, err)
	b.verify()
}

// badCards are cards that no store takes. Their errors tell no secret.
func badCards(ws string) []relay.Card {
	with := func(change func(*relay.Card)) relay.Card {
		r := card(ws, "secret", at)
		change(&r)
		return r
	}
	return []relay.Card{
		with(func(r *relay.Card) { r.Kind = "" }), with(func(r *relay.Card) { r.Kind = strings.Repeat("k", 33) }),
		with(func(r *relay.Card) { r.Kind = "Note" }), with(func(r *relay.Card) { r.Kind = "a-b" }), with(func(r *relay.Card) { r.Kind = "a\x00" }),
		with(func(r *relay.Card) { r.Kind = "ä" }), with(func(r *relay.Card) { r.Workspace = "a\x00b" }), with(func(r *relay.Card) { r.Workspace = "\xff" }),
		with(func(r *relay.Card) { r.Key = "" }), with(func(r *relay.Card) { r.Key = "secret" + strings.Repeat("x", 295) }),
		with(func(r *relay.Card) { r.Key = "secret\x00" }), with(func(r *relay.Card) { r.Key = "secret\xff" }), with(func(r *relay.Card) { r.Key = "secret\xed\xa0\x80" }),
		with(func(r *relay.Card) { r.Value = nil }), with(func(r *relay.Card) { r.Value = json.RawMessage(`{"secret"`) }),
		with(func(r *relay.Card) { r.Value = json.RawMessage("\"secret\x00\"") }), with(func(r *relay.Card) { r.Value = json.RawMessage("\"secret\xff\"") }),
		with(func(r *relay.Card) { r.Value = json.RawMessage(`1 2`) }), with(func(r *relay.Card) { r.Value = json.RawMessage(strings.Repeat("[", 20_000)) }),
		with(func(r *relay.Card) { r.Value = json.RawMessage(`"` + strings.Repeat("x", 1<<20-1) + `"`) }),
		with(func(r *relay.Card) { r.Due = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) }), with(func(r *relay.Card) { r.Due = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) }),
	}
}

func refusedCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	bad := badCards(ws)
	var all sync.WaitGroup
	start := make(chan struct{})
	for n, r := range bad {
		all.Go(func() {
			<-start
			err := b.store.Update(ctx, func(tx relay.Tx) error {
				if r.Key != "secret" || r.Kind != cardKind || r.Workspace != ws {
					if _, err := tx.Card(ctx, r.Kind, r.Workspace, r.Key); !errors.Is(err, relay.ErrNotFound) {
						return fmt.Errorf("found: %w", err)
					}
				}
				return tx.PutCard(ctx, r)
			})
			if err == nil || strings.Contains(err.Error(), "secret") || errors.Is(err, relay.ErrUnavailable) {
				t.Errorf("card %d: %v, want an error that says what is wrong and no more", n, err)
			}
		})
		all.Go(func() { // its neighbour in the group
			<-start
			err := b.store.Update(ctx, func(tx relay.Tx) error { return tx.PutCard(ctx, card(ws, fmt.Sprint(n), at)) })
			if err != nil {
				t.Errorf("a good card beside card %d: %v", n, err)
			}
		})
	}
	close(start)
	all.Wait()
	list, _, err := b.store.Cards(ctx, relay.CardFilter{Kind: cardKind, Workspace: ws}, relay.Page{Limit: 100})
	if err != nil || len(list) != len(bad) {
		t.Errorf("%d cards (%v), want the %d good ones", len(list), err, len(bad))
	}
	for _, f := range []relay.CardFilter{{}, {Kind: "\x00", Workspace: "\xff"}, {Kind: cardKind, Workspace: ws, Prefix: "1\x00"}, {Kind: cardKind, Workspace: ws, Prefix: "1\xff"}} {
		for _, newest := range []bool{false, true} {
			f.Newest = newest
			list, next, err := b.store.Cards(ctx, f, relay.Page{Limit: 10})
			if err != nil || len(list) > 0 || next != "" {
				t.Errorf("cards of %+v: %d (%v)", f, len(list), err)
			}
		}
	}
	b.update(func(t *report, tx relay.Tx) error {
		return tx.DeleteCard(ctx, cardKind, ws, strings.Repeat("x\x00", 400))
	})
	b.verify()
}

func cardsRolledBack(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	old, gone := card(ws, "old", at), card(ws, "gone", at.Add(time.Second))
	b.putCards(old, gone)
	err := b.store.Update(ctx, func(tx relay.Tx) error {
		return errors.Join(tx.PutCard(ctx, card(ws, "new", at)), tx.PutCard(ctx, card(ws, "old", at.Add(time.Hour))), tx.DeleteCard(ctx, cardKind, ws, "gone"), errMine)
	})
	if !errors.Is(err, errMine) {
		t.Fatalf("got %v, want the function's own error", err)
	}
	list, _, err := b.store.Cards(ctx, relay.CardFilter{Kind: cardKind, Workspace: ws}, relay.Page{Limit: 10})
	row(t, "cards", []relay.Card{gone, old})(list, err)
	due, next, err := b.store.CardsDue(ctx, cardKind, at.Add(2*time.Hour), 10)
	row(t, "cards that are due", []relay.Card{old, gone})(due, err)
	equal(t, "the next one's time", next, time.Time{})
	b.verify()
}

// raise adds one to a counter, which is made by the first.
func raise(ctx context.Context, tx relay.Tx, workspace, key string) error {
	r, err := tx.Card(ctx, "counter", workspace, key)
	n := 0
	switch {
	case errors.Is(err, relay.ErrNotFound):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(r.Value, &n); err != nil {
			return err
		}
	}
	return tx.PutCard(ctx, relay.Card{Kind: "counter", Workspace: workspace, Key: key, Value: json.RawMessage(fmt.Sprint(n + 1))})
}

// atOnce lets n callers begin together.
func (b *bench) atOnce(n int, fn func(n int, tx relay.Tx) error) {
	b.t.Helper()
	var all sync.WaitGroup
	start := make(chan struct{})
	for n := range n {
		all.Go(func() {
			<-start
			if err := b.store.Update(b.t.Context(), func(tx relay.Tx) error { return fn(n, tx) }); err != nil {
				b.t.Errorf("caller %d: %v", n, err)
			}
		})
	}
	close(start)
	all.Wait()
}

func (b *bench) counted(workspace, key string, want int) {
	b.t.Helper()
	b.hasCards(relay.Card{Kind: "counter", Workspace: workspace, Key: key, Value: json.RawMessage(fmt.Sprint(want))})
}

func countedCard(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	b.atOnce(50, func(_ int, tx relay.Tx) error { return raise(ctx, tx, ws, "c") })
	b.counted(ws, "c", 50)
	b.atOnce(50, func(_ int, tx relay.Tx) error { return raise(ctx, tx, "", "c") })
	b.counted("", "c", 50)
	b.counted(ws, "c", 50)
}

func firstCard(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	var mu sync.Mutex
	var won []string
	b.atOnce(30, func(n int, tx relay.Tx) error {
		mu.Lock()
		won = slices.DeleteFunc(won, func(s string) bool { return s == fmt.Sprint(n) })
		mu.Unlock()
		_, err := tx.Card(ctx, cardKind, ws, "k")
		if !errors.Is(err, relay.ErrNotFound) {
			return err
		}
		mu.Lock()
		won = append(won, fmt.Sprint(n))
		mu.Unlock()
		r := card(ws, "k", time.Time{})
		r.Value = json.RawMessage(fmt.Sprint(n))
		return tx.PutCard(ctx, r)
	})
	if len(won) != 1 {
		t.Fatalf("%d callers found nothing in the run that counts, want 1", len(won))
	}
	b.hasCards(relay.Card{Kind: cardKind, Workspace: ws, Key: "k", Value: json.RawMessage(won[0])})
}

// crossingCards lets callers hold what others put without a look, and change a
// lane and an account beside them.
func crossingCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	lane := ws + "/" + sampleChannelID
	b.atOnce(60, func(n int, tx relay.Tx) error {
		hold, put := fmt.Sprint(n%3), fmt.Sprint((n+1)%3)
		if err := tx.PutCard(ctx, card(ws, put, at.Add(time.Duration(n)*time.Second))); err != nil { // before all else
			return err
		}
		l, err := tx.Lane(ctx, lane)
		if err != nil && !errors.Is(err, queue.ErrNoLane) {
			return err
		}
		l.ID, l.Workspace, l.Group = lane, ws, sampleChannelID
		l.LastSeq++
		a, err := tx.Account(ctx, ws)
		if err != nil {
			return err
		}
		a.Granted++
		a.Available++
		return errors.Join(tx.PutLane(ctx, l), tx.PutAccount(ctx, a), raise(ctx, tx, ws, hold))
	})
	for _, key := range []string{"0", "1", "2"} {
		b.counted(ws, key, 20)
	}
	b.view(func(t *report, tx relay.Tx) error {
		a, err := tx.Account(ctx, ws)
		equal(t, "granted", a.Granted, 60)
		l, err2 := tx.Lane(ctx, lane)
		equal(t, "raised", l.LastSeq, 60)
		return errors.Join(err, err2)
	})
}

func blindCards(t *testing.T, b *bench) {
	ws, ctx := relay.NewID("ws_"), t.Context()
	b.putCards(card(ws, "k", at))
	b.atOnce(20, func(n int, tx relay.Tx) error {
		r := card(ws, "k", at.Add(time.Duration(n)*time.Minute))
		if n%4 == 3 {
			return tx.DeleteCard(ctx, r.Kind, r.Workspace, r.Key)
		}
		return tx.PutCard(ctx, r)
	})
	last := card(ws, "k", at.Add(-time.Minute))
	b.putCards(last)
	b.hasCards(last)
	due, next, err := b.store.CardsDue(ctx, cardKind, at.Add(24*time.Hour), 10)
	row(t, "due, once", []relay.Card{last})(due, err)
	equal(t, "the next one's time", next, time.Time{})
	b.verify()
}
