package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

func sharing() []ruleCase {
	return []ruleCase{
		{"AnItemIsFoundOnItsOwnLaneAlone", laneCase(foreignItem)},
		{"ACallbackLeadsToItsWorkspaceUntilItIsDeleted", callbacks},
		{"AJobIsTakenOnceForEachRun", takenJobs},
		{"LanesOnHoldAreFoundWhileTheyHaveWhatIsNotOut", laneCase(draining)},
		{"WhatComesBehindAWaitingItemOfItsRecipientMakesNothingDue", laneCase(behindWaiting)},
		{"TheBacklogSumsUpAllLanes", laneCase(backlog)},
		{"AnItemThatGetsReadyWhileItIsTakenAwayIsGone", laneCase(readyRacing)},
	}
}

func foreignItem(t *testing.T, l *line) {
	l.push(1, "+1", nil)
	other := laneID(1)
	l.lane(other, nil)
	ctx := t.Context()
	for _, move := range []func(relay.Tx) error{
		func(tx relay.Tx) error { return second(tx.Item(ctx, other, messageID(1))) },
		func(tx relay.Tx) error { return queue.Remove(ctx, tx, other, messageID(1)) },
		func(tx relay.Tx) error { return queue.Ready(ctx, tx, other, messageID(1)) },
		func(tx relay.Tx) error {
			i, err := tx.Item(ctx, l.id, messageID(1))
			if err != nil {
				return err
			}
			if err := tx.DeleteItem(ctx, i); err != nil {
				return err
			}
			return second(tx.Item(ctx, l.id, messageID(1))) // its own delete counts
		},
	} {
		err := l.store.Update(ctx, func(tx relay.Tx) error {
			if _, err := tx.Lane(ctx, l.id); err != nil {
				return err
			}
			return move(tx)
		})
		if !errors.Is(err, queue.ErrNoItem) {
			t.Errorf("got %v, want ErrNoItem", err)
		}
	}
	l.done(l.next(1))
}

func callbacks(t *testing.T, b *bench) {
	ctx, ws, other := t.Context(), relay.NewID("ws_"), relay.NewID("ws_")
	b.update(func(t *report, tx relay.Tx) error {
		err := errors.Join(tx.PutCallback(ctx, "ch_a", ws), tx.PutCallback(ctx, "ch_b", other))
		row(t, "callback just written", ws)(tx.WorkspaceByCallback(ctx, "ch_a"))
		return err
	})
	b.reopen()
	b.update(func(t *report, tx relay.Tx) error {
		row(t, "callback", ws)(tx.WorkspaceByCallback(ctx, "ch_a"))
		row(t, "other callback", other)(tx.WorkspaceByCallback(ctx, "ch_b"))
		return tx.DeleteCallback(ctx, "ch_a")
	})
	b.view(func(t *report, tx relay.Tx) error {
		if _, err := tx.WorkspaceByCallback(ctx, "ch_a"); !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("a deleted callback: %v, want ErrNotFound", err)
		}
		row(t, "other callback", other)(tx.WorkspaceByCallback(ctx, "ch_b"))
		return nil
	})
}

func takenJobs(t *testing.T, b *bench) {
	ctx, never := t.Context(), time.Time{}
	ask := func(node string, last time.Time) bool {
		t.Helper()
		mine, err := b.store.TakeJob(ctx, "j", node, last, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	take := func(node string, last time.Time, want bool) {
		t.Helper()
		if got := ask(node, last); got != want {
			t.Errorf("node %s takes the job after a run at %s: %v, want %v", node, last, got, want)
		}
	}
	ran := func(last time.Time) {
		t.Helper()
		if err := b.store.PutJob(ctx, "j", last); err != nil {
			t.Fatal(err)
		}
	}
	take("a", at, false)
	take("a", never, true)
	several := !ask("b", never) // who has the store alone is not asked for leases
	take("a", never, true)      // renewed
	ran(at)
	take("a", never, false)
	take("b", never, false)
	b.reopen()
	take("b", at.Add(time.Second), false)
	take("b", at, true)
	ran(at.Add(time.Minute))
	take("b", at, false)
	if other, err := b.store.Job(ctx, "other"); err != nil || !other.IsZero() {
		t.Errorf("another job ran at %s (%v)", other, err)
	}
	var won atomic.Int32
	var g sync.WaitGroup
	gun := make(chan struct{})
	for n := range 8 {
		g.Go(func() {
			<-gun
			mine, err := b.store.TakeJob(ctx, "j", fmt.Sprint("node-", n), at.Add(time.Minute), time.Hour)
			if err != nil {
				t.Error(err)
			}
			if mine {
				won.Add(1)
			}
		})
	}
	close(gun)
	g.Wait()
	if got := won.Load(); several && got != 1 || got == 0 {
		t.Errorf("%d of eight nodes took the job, want 1", got)
	}
}

func draining(t *testing.T, l *line) {
	check := func(hold string, n int, want ...string) {
		t.Helper()
		got, err := l.store.Draining(t.Context(), hold, n)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d lanes on hold with %q (%v), want %d", len(got), hold, err, len(want))
		}
		for i := range got {
			if len(want) == 1 && (got[i].ID != want[i] || got[i].Hold != hold || got[i].Workspace != relay.WorkspaceOfLane(want[i])) {
				t.Errorf("lane %+v, want %s", got[i], want[i])
			}
		}
	}
	l.push(11, "+1", nil)
	l.push(12, "+2", nil)
	check("gone", 5)
	check("", 5)
	held := l.next(11)
	l.lane(l.id, func(q *queue.Lane) { q.Hold = "gone" })
	check("gone", 5, l.id)
	check("gone", 0)
	check("other", 5)
	l.update(func(t *report, tx relay.Tx) error { return l.remove(tx, 12) })
	check("gone", 5) // what is left is out
	l.retry(held, time.Hour)
	check("gone", 5, l.id) // also what waits
	l.many(3)
	for n := range 3 {
		l.lane(laneID(n+1), func(q *queue.Lane) { q.Hold = "gone" })
	}
	l.reopen()
	check("gone", 2, laneID(0), laneID(1)) // two of the four
}

func behindWaiting(_ *testing.T, l *line) {
	later := func(after time.Duration) func(*queue.Item) {
		return func(i *queue.Item) { i.NotBefore = l.now.Add(after) }
	}
	l.push(1, "+1", later(time.Hour))
	hour := l.now.Add(time.Hour)
	l.next(-1)
	for n := 2; n < 5; n++ {
		l.push(n, "+1", nil)
		l.due(hour)
	}
	l.push(5, "+1", later(2*time.Hour))
	l.due(hour)
	l.push(6, "+2", nil)
	l.due(l.now)
	l.done(l.next(6))
	l.next(-1)
	l.push(7, "+2", later(time.Minute))
	l.next(-1)
	l.due(l.now.Add(time.Minute))
	l.push(8, "+1", nil)
	l.push(9, "+2", nil)
	l.next(-1)
	l.reopen()
	l.due(l.now.Add(time.Minute))
	l.update(func(t *report, tx relay.Tx) error { return l.remove(tx, 1) }) // the one that the others waited for
	l.due(l.now)
	l.done(l.next(2))
	l.lane(l.id, func(q *queue.Lane) { q.Paused = true })
	l.push(10, "+1", nil)
	l.due(time.Time{})
	l.lane(l.id, func(q *queue.Lane) { q.Paused = false })
	l.due(l.now)
	l.done(l.next(3))
}

func backlog(t *testing.T, l *line) {
	check := func(want relay.Backlog) {
		t.Helper()
		got, err := l.store.Backlog(t.Context(), l.now)
		row(t, "backlog", want)(got, err)
	}
	check(relay.Backlog{Open: 1})
	l.push(2, "+1", nil)
	l.push(1, "+2", nil)
	l.lane(laneID(1), func(q *queue.Lane) { q.Paused = true })
	l.lane(laneID(2), func(q *queue.Lane) { q.Paused, q.Hold = true, "balance" })
	want := relay.Backlog{Queued: 2, Oldest: messageID(1), Open: 1, Paused: 1, Held: 1}
	check(want)
	held := l.next(2)
	check(want) // what is out counts
	l.reopen()
	check(want)
	want.Queued = 1
	l.done(held)
	check(want)
	l.done(l.next(1))
	check(relay.Backlog{Open: 1, Paused: 1, Held: 1})
}

func readyRacing(t *testing.T, l *line) {
	for n := range 20 {
		l.push(n, "+1", func(i *queue.Item) { i.Unready = true })
		var ready, removed error
		var g sync.WaitGroup
		gun := make(chan struct{})
		g.Go(func() {
			<-gun
			ready = l.store.Update(t.Context(), func(tx relay.Tx) error { return queue.Ready(t.Context(), tx, l.id, messageID(n)) })
		})
		g.Go(func() {
			<-gun
			removed = l.store.Update(t.Context(), func(tx relay.Tx) error { return l.remove(tx, n) })
		})
		close(gun)
		g.Wait()
		if removed != nil || ready != nil && !errors.Is(ready, queue.ErrNoItem) {
			t.Errorf("taken away: %v, ready: %v; want nil, and nil or ErrNoItem", removed, ready)
		}
		l.view(func(t *report, tx relay.Tx) error {
			q, err := tx.Lane(t.Context(), l.id)
			if q.Depth != 0 {
				t.Errorf("depth %d after the only item was taken away", q.Depth)
			}
			return err
		})
	}
	l.next(-1)
}
