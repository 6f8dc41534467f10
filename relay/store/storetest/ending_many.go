package storetest

import (
	"fmt"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func canceledMany(t *testing.T, w *world) {
	var ids []string
	for n := range 40 {
		ids = append(ids, w.accept(text(fmt.Sprintf("+%d", n), "hello")))
	}
	sent := w.accept(text("+1", "stays"))
	first := w.accept(pair("+99"))
	second := w.second(first)
	w.balance(57, 43, 0)
	ids = append(ids, second, first, messageID(9)) // both parts, and one that is not there
	sum, err := w.relay.CancelMany(t.Context(), w.ws.ID, ids)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "what it came to", sum, relay.Cancellation{Messages: 42, Units: 42, Late: 1})
	w.is(relay.Canceled, append(ids[:40:40], first, second)...)
	w.is(relay.Queued, sent)
	w.balance(99, 1, 0)
	sum, err = w.relay.CancelMany(t.Context(), w.ws.ID, ids)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "a second time", sum, relay.Cancellation{Late: 43})
	w.balance(99, 1, 0)
}

func canceledChannel(t *testing.T, w *world) {
	w.widen(3)
	ids := w.toMany(10)
	time.Sleep(time.Second)
	w.channel("+2", 0, 0) // which takes what comes from now on
	stays := w.accept(text("+1", "stays"))
	sum, more, err := w.relay.CancelChannel(t.Context(), w.ws.ID, w.ch.ID, 7)
	if err != nil || !more {
		t.Fatalf("more %v (%v), want some left", more, err)
	}
	equal(t, "the first part", sum, relay.Cancellation{Messages: 7, Units: 7})
	sum, more, err = w.relay.CancelChannel(t.Context(), w.ws.ID, w.ch.ID, 7)
	if err != nil || more {
		t.Fatalf("more %v (%v), want none left", more, err)
	}
	equal(t, "the rest", sum, relay.Cancellation{Messages: 3, Units: 3})
	w.is(relay.Canceled, ids...)
	w.is(relay.Queued, stays)
	w.balance(99, 1, 0)
	_, _, err = w.relay.CancelChannel(t.Context(), w.ws.ID, relay.NewID("ch_"), 7)
	w.code(err, relay.CodeNotFound)
}

func confirmed(t *testing.T, w *world) {
	for _, c := range []struct {
		from    relay.Status
		entries []quota.Kind
	}{
		{relay.Unknown, []quota.Kind{quota.KindDebit, quota.KindSpend}},
		{relay.Unconfirmed, []quota.Kind{quota.KindDebit, quota.KindRefund, quota.KindRedebit}},
	} {
		id := w.reach(c.from)
		before := w.account()
		m, err := w.relay.Confirm(t.Context(), w.ws.ID, id)
		if err != nil || m.Status != relay.Delivered {
			t.Fatalf("confirmed while %s: %+v (%v)", c.from, m, err)
		}
		if line := m.History[len(m.History)-1]; !line.Applied || line.Note == "" || line.Status != relay.Delivered {
			t.Errorf("history ends with %+v", line)
		}
		equal(t, "entries of one that was "+string(c.from), w.entries(id), c.entries)
		if a := w.account(); a.Spent != before.Spent+1 {
			t.Errorf("spent %d, want one more than %d", a.Spent, before.Spent)
		}
		_, err = w.relay.Confirm(t.Context(), w.ws.ID, id)
		w.code(err, relay.CodeConflict)
		w.report(id, relay.Delivered) // the provider says so too, later
		w.report(id, relay.Read)
		w.is(relay.Read, id)
		equal(t, "entries after the reports", w.entries(id), c.entries)
		w.dispatch(10 * time.Second)
	}
}

func notConfirmable(t *testing.T, w *world) {
	for _, s := range []relay.Status{relay.Queued, relay.Sent, relay.Delivered, relay.Failed, relay.Canceled, relay.Expired} {
		id := w.reach(s)
		before := w.account()
		_, err := w.relay.Confirm(t.Context(), w.ws.ID, id)
		w.code(err, relay.CodeConflict)
		w.is(s, id)
		equal(t, "balance", w.account(), before)
		w.dispatch(10 * time.Second)
	}
	_, err := w.relay.Confirm(t.Context(), w.ws.ID, messageID(9))
	w.code(err, relay.CodeNotFound)
}
