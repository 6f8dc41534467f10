package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
)

func ending() []storyCase {
	return []storyCase{
		{"ACanceledMessageComesBackAndIsNeverSent", canceled},
		{"OnlyAQueuedMessageCanBeCanceled", notCancelable},
		{"AMessageExpiresByTheJob", expiredByJob},
		{"AMessageExpiresWhenItsTurnComesTooLate", expiredAtClaim},
		{"AMessageOnAPausedLaneExpires", expiredOnPause},
		{"SeveralAreCanceledAndEachUnitIsToldOnce", canceledMany},
		{"AChannelsQueueIsCanceledABoundedPartAtATime", canceledChannel},
		{"AnOwnerSettlesWhatTheProviderNeverConfirmed", confirmed},
		{"OnlyAnUnknownOutcomeIsConfirmed", notConfirmable},
		{"OnlyWhatEndedWithoutBeingSentIsSentAgain", resent},
		{"WhatIsSentAgainTwiceIsSentOnce", resentOnce},
		{"PruningFoldsTheBooksAndTheyBalance", pruned},
		{"WhatIsNotSettledIsNotPruned", notPruned},
		{"PruningGoesOnPastWhatHasToStay", prunedPastOthers},
		{"APlanRefillsAndExpiresOverMonths", plans},
	}
}

func canceled(t *testing.T, w *world) {
	id, other := w.accept(text("+1", "hello")), w.accept(text("+1", "next"))
	m, err := w.relay.Cancel(t.Context(), w.ws.ID, id)
	if err != nil || m.Status != relay.Canceled || m.Failure == nil || m.Failure.Code != relay.CodeCanceled {
		t.Errorf("canceled %+v (%v)", m, err)
	}
	w.balance(99, 1, 0)
	w.dispatch(time.Minute)
	w.is(relay.Canceled, id)
	w.is(relay.Sent, other)
	if w.driver.tries(id) != 0 {
		t.Error("a canceled message was sent")
	}
}

func notCancelable(t *testing.T, w *world) {
	for _, s := range []relay.Status{relay.Sent, relay.Failed, relay.Unknown, relay.Canceled} {
		id := w.reach(s)
		_, err := w.relay.Cancel(t.Context(), w.ws.ID, id)
		w.code(err, relay.CodeNotCancelable)
		w.is(s, id)
	}
	_, err := w.relay.Cancel(t.Context(), w.ws.ID, messageID(9))
	w.code(err, relay.CodeNotFound)
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	id := w.accept(text("+1", "slow"))
	stop := w.work()
	defer stop()
	time.Sleep(5 * time.Second)
	_, err = w.relay.Cancel(t.Context(), w.ws.ID, id)
	w.code(err, relay.CodeNotCancelable)
	w.is(relay.Sending, id)
}

func (w *world) expireDue() {
	w.t.Helper()
	if err := w.relay.ExpireDue(w.t.Context()); err != nil {
		w.t.Fatalf("expire: %v", err)
	}
}

func brief(phone, s string, d time.Duration) relay.Action {
	a := text(phone, s)
	a.ExpiresIn = d
	return a
}

func expiredByJob(t *testing.T, w *world) {
	id, stays := w.accept(brief("+1", "a", time.Minute)), w.accept(brief("+1", "b", time.Hour))
	time.Sleep(time.Minute - 1)
	w.expireDue()
	w.is(relay.Queued, id, stays)
	time.Sleep(1 * time.Nanosecond)
	w.expireDue()
	w.is(relay.Expired, id)
	w.is(relay.Queued, stays)
	w.balance(99, 1, 0)
	equal(t, "entries", w.entries(id), []quota.Kind{quota.KindDebit, quota.KindRefund})
	if f := w.message(id).Failure; f == nil || f.Code != relay.CodeExpired {
		t.Errorf("failure %+v", f)
	}
}

func expiredAtClaim(t *testing.T, w *world) {
	id, next := w.accept(brief("+1", "a", time.Minute)), w.accept(brief("+1", "b", time.Hour))
	time.Sleep(2 * time.Minute)
	w.dispatch(time.Minute)
	w.is(relay.Expired, id)
	w.is(relay.Sent, next)
	w.balance(99, 0, 1)
	if w.driver.tries(id) != 0 {
		t.Error("an expired message was sent")
	}
}

func expiredOnPause(t *testing.T, w *world) {
	if _, err := w.relay.PauseChannel(t.Context(), w.ws.ID, w.ch.ID); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		w.accept(brief(fmt.Sprintf("+%d", n), "a", time.Minute))
	}
	w.balance(95, 5, 0)
	w.dispatch(30 * time.Second)
	time.Sleep(time.Minute)
	w.expireDue()
	w.balance(100, 0, 0)
	if n := len(w.driver.made()); n != 0 {
		t.Errorf("a paused lane sent %d messages", n)
	}
}

func resent(t *testing.T, w *world) {
	for _, s := range []relay.Status{relay.Queued, relay.Sent, relay.Delivered, relay.Read, relay.Unknown} {
		id := w.reach(s)
		_, err := w.relay.Resend(t.Context(), w.ws.ID, id)
		w.code(err, relay.CodeNotResendable)
		w.dispatch(10 * time.Second)
	}
	for _, s := range []relay.Status{relay.Failed, relay.Expired, relay.Canceled, relay.Unconfirmed} {
		id := w.reach(s)
		before, _ := w.relay.Account(t.Context(), w.ws.ID)
		m, err := w.relay.Resend(t.Context(), w.ws.ID, id)
		if err != nil || m.ResendOf != id || m.ID == id || m.Status != relay.Queued {
			t.Fatalf("resend of a message that is %s: %+v (%v)", s, m, err)
		}
		w.balance(before.Available-1, before.Reserved+1, before.Spent)
		w.dispatch(10 * time.Second)
		w.is(relay.Sent, m.ID)
		w.is(s, id)
	}
	last := w.reach(relay.Canceled)
	a, _ := w.relay.Account(t.Context(), w.ws.ID)
	for range a.Available {
		w.accept(text("+2", "x"))
	}
	_, err := w.relay.Resend(t.Context(), w.ws.ID, last)
	w.code(err, relay.CodeQuotaExhausted)
}

// A message is in the world once: who asks twice to send it again, by two clicks
// or a call whose answer was lost, does not send two more.
func resentOnce(t *testing.T, w *world) {
	again := func(id string) (relay.Message, error) { return w.relay.Resend(t.Context(), w.ws.ID, id) }
	id := w.reach(relay.Canceled)
	before, _ := w.relay.Account(t.Context(), w.ws.ID)
	made, all := make(chan string, 8), sync.WaitGroup{}
	for range cap(made) {
		all.Go(func() {
			if m, err := again(id); err == nil {
				made <- m.ID
			} else {
				w.code(err, relay.CodeNotResendable)
			}
		})
	}
	all.Wait()
	if len(made) != 1 {
		t.Fatalf("it was sent again %d times", len(made))
	}
	first := <-made
	w.balance(before.Available-1, before.Reserved+1, before.Spent)
	if got := w.message(id).ResentAs; got != first {
		t.Errorf("it was sent again as %q, want %s", got, first)
	}
	var refusal *relay.Error
	if _, err := again(id); !errors.As(err, &refusal) || !strings.Contains(refusal.Message, first) {
		t.Errorf("the refusal does not say as what it was sent again: %v", refusal)
	}

	// what did not leave either is sent again by its own id or the first one's
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, first); err != nil {
		t.Fatal(err)
	}
	second := w.resend(id).ID
	for _, old := range []string{id, first} {
		_, err := again(old)
		w.code(err, relay.CodeNotResendable)
	}
	if _, err := w.relay.Cancel(t.Context(), w.ws.ID, second); err != nil {
		t.Fatal(err)
	}
	third := w.resend(first).ID
	w.dispatch(10 * time.Second)
	w.is(relay.Sent, third)
	for _, old := range []string{id, first, second} {
		_, err := again(old)
		w.code(err, relay.CodeNotResendable)
	}
}

// prune forgets what is older than a time.
func (w *world) prune(before time.Time) (removed int) {
	w.t.Helper()
	for {
		n, err := w.store.PruneMessages(w.t.Context(), before, 3)
		if err != nil {
			w.t.Fatalf("prune: %v", err)
		}
		if removed += n; n == 0 {
			return removed
		}
	}
}

func pruned(t *testing.T, w *world) {
	var ids []string
	for _, s := range []relay.Status{relay.Sent, relay.Failed, relay.Canceled, relay.Unconfirmed, relay.Delivered, relay.Expired} {
		ids = append(ids, w.reach(s))
		time.Sleep(20 * time.Hour) // over several days
	}
	w.report(ids[3], relay.Delivered)
	w.report(ids[1], relay.Read)
	before, _ := w.relay.Account(t.Context(), w.ws.ID)
	late := w.reach(relay.Sent)
	if n := w.prune(w.message(late).CreatedAt); n != len(ids) {
		t.Errorf("%d messages were pruned, want %d", n, len(ids))
	}
	w.verify()
	w.balance(before.Available-1, 0, before.Spent+1)
	w.view(func(t *report, tx relay.Tx) error {
		for _, id := range ids {
			if _, err := tx.Message(t.Context(), w.ws.ID, id); !errors.Is(err, relay.ErrNotFound) {
				t.Errorf("pruned message %s: %v, want ErrNotFound", id, err)
			}
		}
		return nil
	})
	lines, err := everything(func(p relay.Page) ([]relay.LedgerLine, string, error) {
		return w.store.Entries(t.Context(), w.ws.ID, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	folded := int64(0)
	for _, l := range lines {
		folded += l.Folded
	}
	if want := int64(6 + 2 + 4 + 2); folded != want { // debits, spends, refunds, redebits
		t.Errorf("the folds stand for %d entries, want %d", folded, want)
	}
	// a late report of what is forgotten is harmless
	w.report(ids[0], relay.Failed)
	w.report(late, relay.Failed)
	w.verify()
	list, _, err := w.store.Messages(t.Context(), relay.MessageFilter{Workspace: w.ws.ID}, relay.Page{Limit: 50})
	if err != nil || len(list) != 1 || list[0].ID != late {
		t.Errorf("after pruning %d messages are listed (%v)", len(list), err)
	}
}

func notPruned(t *testing.T, w *world) {
	unknown := w.reach(relay.Unknown)
	queued := w.accept(text("+1", "later"))
	time.Sleep(time.Hour)
	if n := w.prune(time.Now()); n != 0 {
		t.Errorf("%d unsettled messages were pruned", n)
	}
	w.is(relay.Unknown, unknown)
	w.is(relay.Queued, queued)
}

func prunedPastOthers(t *testing.T, w *world) {
	// six pairs whose first part is of unknown outcome: their seconds stay too
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.File == nil {
			return "", &relay.SendError{Verdict: relay.Unsure}
		}
		return "p-" + out.MessageID, nil
	})
	for n := range 6 {
		w.accept(pair(fmt.Sprintf("+%d", n)))
	}
	w.dispatch(time.Minute)
	w.driver.does(nil)
	last := w.accept(text("+9", "old"))
	w.dispatch(10 * time.Second)
	w.is(relay.Sent, last)
	time.Sleep(time.Hour)
	if n := w.prune(time.Now()); n != 1 {
		t.Errorf("%d messages were pruned, want the one that may go", n)
	}
	_ = t
}

func plans(t *testing.T, w *world) {
	if _, err := w.relay.SetPlan(t.Context(), w.ws.ID, &quota.Plan{Units: 10, Schedule: "0 0 1 * *"}); err != nil {
		t.Fatal(err)
	}
	refill := func() {
		t.Helper()
		for range 2 {
			if err := w.relay.RefillAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	refill()
	w.balance(100, 0, 0)
	time.Sleep(31 * 24 * time.Hour)
	refill()
	w.balance(110, 0, 0)
	w.accept(text("+1", "x"))
	w.balance(109, 1, 0)
	time.Sleep(100 * 24 * time.Hour) // three periods missed
	w.crash()
	refill()
	w.balance(110, 1, 0)
	if _, err := w.relay.SetPlan(t.Context(), w.ws.ID, nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * 24 * time.Hour)
	refill()
	w.balance(110, 1, 0)
}
