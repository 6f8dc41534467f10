package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

func recovering() []storyCase {
	return []storyCase{
		{"ACrashWhileSendingLeavesTheOutcomeUnknownAndNeverSendsTwice", crashWhileSending},
		{"ALeaseThatEndedBecomesUnknownAndTheLaneGoesOn", lostLease},
		{"AHolderWhoseLeaseEndedStillRecordsWhatItSaw", staleHolder},
		{"ARestartKeepsTheQueueInOrder", restartInOrder},
		{"ACrashDuringAFetchFetchesAgain", crashWhileFetching},
		{"BrokenBooksStopTheirOwnWorkspaceAlone", brokenBooks},
		{"ALaneIsSetAsideForAFaultOfItsOwnAlone", setAside},
		{"BrokenBooksDoNotKeepTheProcessFromStopping", brokenBooksWhileSending},
		{"AFullDiskLosesNothingSendsNothingTwiceAndDoesNotSpin", fullDisk},
		{"StoppingLetsTheCallInFlightSettle", stopping},
		{"AFetchThatIsBrokenOffByAStopBeginsAgainAtOnce", stoppingAFetch},
	}
}

func crashWhileSending(t *testing.T, w *world) {
	id, next := w.accept(text("+1", "a")), w.accept(text("+2", "b"))
	leases, err := w.relay.Claim(t.Context(), 10)
	if err != nil || len(leases) != 1 || leases[0].Item != id {
		t.Fatalf("leases %v (%v)", leases, err)
	}
	w.is(relay.Sending, id)
	w.verify()
	crashed := time.Now()
	for range 2 { // also a crash right after the crash
		w.crash()
		w.is(relay.Unknown, id)
		w.balance(98, 2, 0)
	}
	w.dispatch(time.Hour)
	if n := w.driver.tries(id); n != 0 {
		t.Errorf("a message of unknown outcome was sent %d times", n)
	}
	w.is(relay.Sent, next)
	if calls := w.driver.made(); calls[0].Start.Sub(crashed) < w.ch.SpacingMax {
		t.Errorf("the next message left %v after the restart, want one full spacing", calls[0].Start.Sub(crashed))
	}
	w.report(id, relay.Delivered)
	w.balance(98, 0, 2)
}

func lostLease(t *testing.T, w *world) {
	id, next := w.accept(text("+1", "a")), w.accept(text("+2", "b"))
	if _, err := w.relay.Claim(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.dispatch(10 * time.Minute) // its holder never comes back
	w.is(relay.Unknown, id)
	w.is(relay.Sent, next)
	w.balance(98, 1, 1)
}

func staleHolder(t *testing.T, w *world) {
	// The driver ignores its deadline and answers after the lease has ended,
	// when the lane has long gone on.
	id, next := w.accept(text("+1", "a")), w.accept(text("+2", "b"))
	late := make(chan struct{})
	w.driver.does(func(out relay.Outgoing) (string, error) {
		if out.MessageID == id {
			<-late
		}
		return "p-" + out.MessageID, nil
	})
	stop := w.work()
	time.Sleep(10 * time.Minute)
	w.is(relay.Unknown, id)
	w.is(relay.Sent, next)
	close(late)
	time.Sleep(time.Second)
	stop()
	w.is(relay.Sent, id)
	w.balance(98, 0, 2)
	if n := w.driver.tries(id); n != 1 {
		t.Errorf("%d tries, want 1", n)
	}
}

func restartInOrder(t *testing.T, w *world) {
	var want []string
	for range 12 {
		want = append(want, w.accept(text("+1", "x")))
	}
	for range 4 {
		w.dispatch(5 * time.Second)
		w.crash()
	}
	w.dispatch(time.Minute)
	var got []string
	for _, c := range w.driver.made() {
		got = append(got, c.Message)
	}
	equal(t, "calls", got, want)
	w.is(relay.Sent, want...)
}

func crashWhileFetching(t *testing.T, w *world) {
	id := w.accept(pair("+1"))
	w.update(func(t *report, tx relay.Tx) error { // leased, then nothing more was heard
		f, err := tx.Fetch(t.Context(), w.ws.ID, id)
		if err != nil {
			return err
		}
		f.Tries, f.Since, f.Next = 1, time.Now(), time.Now().Add(20*time.Second)
		return tx.PutFetch(t.Context(), f)
	})
	w.crash()
	w.dispatch(10 * time.Second)
	w.is(relay.Queued, id)
	w.dispatch(time.Minute)
	w.is(relay.Sent, id, w.second(id))
}

func stopping(t *testing.T, w *world) {
	id := w.accept(text("+1", "a"))
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	stop := w.work()
	time.Sleep(time.Second)
	began := time.Now()
	stop()
	if took := time.Since(began); took != 9*time.Second {
		t.Errorf("stopping took %v, want the rest of the call", took)
	}
	w.is(relay.Sent, id)
}

// breaks adds units out of nowhere to the account; negative ones mend it.
func (w *world) breaks(units int64) {
	w.t.Helper()
	w.update(func(t *report, tx relay.Tx) error {
		a, err := tx.Account(w.t.Context(), w.ws.ID)
		if err != nil {
			return err
		}
		a.Available += units
		return tx.PutAccount(w.t.Context(), a)
	})
}

func brokenBooks(t *testing.T, w *world) {
	stuck := w.accept(brief("+1", "x", time.Second)) // its refund will find the fault
	w.breaks(5)
	broken := w.ws
	var err error
	if w.ws, err = w.relay.CreateWorkspace(t.Context(), "Other"); err != nil {
		t.Fatal(err)
	}
	w.grant("first", 10)
	w.channel("+15550009999", 0, 0)
	time.Sleep(time.Minute)
	id := w.accept(text("+1", "x"))
	w.dispatch(10 * time.Second)
	w.is(relay.Sent, id)
	w.ws = broken
	w.is(relay.Queued, stuck)
	w.breaks(-5)
	w.dispatch(2 * time.Minute)
	w.is(relay.Expired, stuck)
}

func brokenBooksWhileSending(_ *testing.T, w *world) {
	id, next := w.accept(text("+1", "x")), w.accept(text("+2", "y"))
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	stop := w.work()
	time.Sleep(5 * time.Second)
	w.breaks(5)
	time.Sleep(10 * time.Second)
	stop()
	w.breaks(-5)
	w.dispatch(5 * time.Minute)
	w.is(relay.Unknown, id)
	w.is(relay.Sent, next)
	w.report(id, relay.Sent)
	w.balance(98, 0, 2)
}

func stoppingAFetch(t *testing.T, w *world) {
	id := w.accept(pair("+1"))
	w.files.takes = 10 * time.Second
	for range 5 { // more often than a fetch may fail
		w.dispatch(time.Second)
		w.is(relay.Queued, id)
	}
	w.files.takes = 0
	began := time.Now()
	w.dispatch(10 * time.Second)
	w.is(relay.Sent, id, w.second(id))
	if waited := w.driver.made()[0].Start.Sub(began); waited > time.Second {
		t.Errorf("the file came %v after the start", waited)
	}
}

// failing is a store whose claims fail: by a fault of what is claimed, or, after
// a run that is thrown away, by one of the store.
type failing struct {
	relay.Store
	own, store bool
}

var errDamaged = errors.New("damaged")

// damagedTx is a transaction that can read no message.
type damagedTx struct{ relay.Tx }

func (damagedTx) Message(context.Context, string, string) (relay.Message, error) {
	return relay.Message{}, errDamaged
}

// Claim fails as told.
func (s *failing) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	if !s.own && !s.store {
		return s.Store.Claim(ctx, node, n, now, take, reset)
	}
	err := s.Store.Claim(ctx, node, n, now, func(tx relay.Tx, i queue.Item) error { return take(damagedTx{tx}, i) }, reset)
	if err != nil && s.store {
		return relay.ErrUnavailable
	}
	return err
}

// LatestMessage is the inner store's, where it has one.
func (s *failing) LatestMessage() (string, error) { return latestOf(s.Store) }

func setAside(t *testing.T, w *world) {
	s := &failing{Store: w.store, store: true}
	w.store = s
	w.start()
	id := w.accept(text("+1", "a"))
	if leases, err := w.relay.Claim(t.Context(), 1); !errors.Is(err, relay.ErrUnavailable) {
		t.Fatalf("leases %v (%v), want the store's error", leases, err)
	}
	s.store = false
	w.dispatch(time.Second)
	w.is(relay.Sent, id)

	id = w.accept(text("+1", "b"))
	time.Sleep(w.ch.SpacingMax)
	s.own = true
	if leases, err := w.relay.Claim(t.Context(), 1); !errors.Is(err, errDamaged) {
		t.Fatalf("leases %v (%v), want the fault of the message", leases, err)
	}
	s.own = false
	w.dispatch(30 * time.Second)
	w.is(relay.Queued, id)
	w.dispatch(time.Minute)
	w.is(relay.Sent, id)
}
