package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

func lanes() []ruleCase {
	return []ruleCase{
		{"ALaneIsFirstInFirstOut", laneCase(fifo)},
		{"ItemsOfARecipientNeverOvertakeAlsoAfterOpeningAgain", laneCase(neverOvertake)},
		{"AWaitingItemHoldsBackItsRecipientAlone", laneCase(holdsBackItsOwn)},
		{"AnUnreadyItemHoldsBackItsRecipientAlone", laneCase(unready)},
		{"WhatWaitedReturnsToTheHeadByItsTime", laneCase(returnsToHead)},
		{"AnItemWhoseTimeHasComeStaysBehindAnEarlierOneOfItsRecipient", laneCase(dueBehindEarlier)},
		{"APausedHeldOrForeignLaneReleasesNothing", laneCase(standsStill)},
		{"AStaleHolderDecidesNothing", laneCase(fencing)},
		{"AnItemWhoseLeaseEndedIsOfferedAgainAsOut", laneCase(leaseEnds)},
		{"AnItemThatIsOutCannotBeTakenAway", laneCase(outStays)},
		{"TheLaneRestsFromTheEndOfTheItem", laneCase(restsFromTheEnd)},
		{"RestLanesLetsEveryIdleLaneWaitOneFullSpacing", laneCase(restLanes)},
		{"DepthCountsWhatIsOnTheLane", laneCase(depth)},
		{"ItemsWhoseTimePassedAreFoundUnlessTheyAreOut", laneCase(expiredItems)},
		{"TheFirstItemsOfALaneAreListedInTheirOrder", laneCase(firstItems)},
		{"APlaceKnowsHowManyAreBeforeIt", laneCase(aheadOf)},
	}
}

// laneID is the n-th of a workspace's lanes.
func laneID(n int) string { return fmt.Sprintf("ws_00000000000000000000/ch_%020d", n) }

func refs(workspace string, ids []string) (out []relay.MessageRef) {
	for _, id := range ids {
		out = append(out, relay.MessageRef{Workspace: workspace, ID: id})
	}
	return out
}

// line is one lane of rules, at a fixed time.
type line struct {
	*bench
	id  string
	now time.Time
}

const node = "node-1"

func laneCase(fn func(t *testing.T, l *line)) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		l := &line{bench: b, id: laneID(0), now: time.Now()}
		l.lane(l.id, nil)
		fn(t, l)
	}
}

// lane makes or edits a lane with a spacing of 10 s.
func (l *line) lane(id string, edit func(*queue.Lane)) {
	l.t.Helper()
	l.update(func(t *report, tx relay.Tx) error {
		q, err := tx.Lane(l.t.Context(), id)
		if errors.Is(err, queue.ErrNoLane) {
			q, err = queue.Lane{ID: id, Workspace: relay.WorkspaceOfLane(id), Spacing: queue.Spacing{Min: 10 * time.Second, Max: 10 * time.Second}}, nil
		}
		if err != nil {
			return err
		}
		if edit != nil {
			edit(&q)
		}
		return tx.PutLane(l.t.Context(), q)
	})
}

// push puts item n for a recipient at the end.
func (l *line) push(n int, to string, edit func(*queue.Item)) {
	l.t.Helper()
	l.update(func(t *report, tx relay.Tx) error {
		i := queue.Item{ID: messageID(n), Lane: l.id, Recipient: to, Expires: l.now.Add(time.Hour)}
		if edit != nil {
			edit(&i)
		}
		_, err := queue.Push(l.t.Context(), tx, i)
		return err
	})
}

// claim leases what up to n lanes offer.
func (l *line) claim(n int) (leases []queue.Lease) {
	l.t.Helper()
	err := l.store.Claim(l.t.Context(), node, n, l.now, func(tx relay.Tx, i queue.Item) error {
		if i.Out {
			return nil
		}
		lease, err := queue.Take(l.t.Context(), tx, i, node, l.now, time.Minute)
		if err == nil {
			leases = append(leases, lease)
		}
		return err
	}, func() { leases = leases[:0] })
	if err != nil {
		l.t.Fatalf("claim: %v", err)
	}
	return leases
}

// next leases the lane's next item, which must be item n; -1 for none.
func (l *line) next(n int) queue.Lease {
	l.t.Helper()
	leases := l.claim(5)
	switch {
	case n < 0 && len(leases) == 0:
		return queue.Lease{}
	case n < 0 || len(leases) != 1 || leases[0].Item != messageID(n):
		l.t.Fatalf("claimed %v, want item %d", leases, n)
	}
	return leases[0]
}

func (l *line) finish(held queue.Lease) error {
	return l.store.Update(l.t.Context(), func(tx relay.Tx) error { return queue.Finish(l.t.Context(), tx, held, l.now) })
}

// retry puts an item back until after.
func (l *line) retry(held queue.Lease, after time.Duration) {
	l.t.Helper()
	var notBefore time.Time
	if after > 0 {
		notBefore = l.now.Add(after)
	}
	l.update(func(t *report, tx relay.Tx) error { return queue.Retry(l.t.Context(), tx, held, notBefore, l.now) })
}

// done finishes a lease and lets the spacing pass.
func (l *line) done(held queue.Lease) {
	l.t.Helper()
	if err := l.finish(held); err != nil {
		l.t.Fatalf("finish: %v", err)
	}
	l.now = l.now.Add(10 * time.Second)
}

// due checks when something may be claimed.
func (l *line) due(want time.Time) {
	l.t.Helper()
	got, err := l.store.NextDue(l.t.Context(), node, l.now)
	if err != nil {
		l.t.Fatal(err)
	}
	if want.IsZero() != got.IsZero() || got.After(l.now) != want.After(l.now) || got.After(l.now) && !got.Equal(want) {
		l.t.Errorf("next due is %v, want %v (now %v)", got, want, l.now)
	}
}

func fifo(_ *testing.T, l *line) {
	l.due(time.Time{})
	for n, to := range []string{"+1", "+2", "+1", "+3"} {
		l.push(n, to, nil)
	}
	for n := range 4 {
		l.due(l.now)
		l.done(l.next(n))
	}
	l.due(time.Time{})
	l.next(-1)
}

func neverOvertake(_ *testing.T, l *line) {
	// ids do not sort as the items came in: their calls were a race
	for _, n := range []int{9, 8, 7, 6, 5, 4, 3} {
		l.push(n, "+1", func(i *queue.Item) {
			if n == 9 {
				i.NotBefore = l.now.Add(time.Minute)
			}
		})
	}
	l.next(-1)
	l.reopen()
	l.next(-1)
	l.now = l.now.Add(time.Minute)
	for _, n := range []int{9, 8, 7, 6, 5, 4, 3} {
		l.done(l.next(n))
	}
	l.next(-1)
}

func holdsBackItsOwn(_ *testing.T, l *line) {
	l.push(1, "+1", func(i *queue.Item) { i.NotBefore = l.now.Add(35 * time.Second) })
	l.push(2, "+1", nil)
	l.push(3, "+2", nil)
	l.push(4, "+3", nil)
	l.done(l.next(3))
	l.done(l.next(4))
	l.next(-1)
	l.due(l.now.Add(15 * time.Second))
	l.now = l.now.Add(15*time.Second - 1)
	l.next(-1)
	l.now = l.now.Add(1)
	l.done(l.next(1))
	l.done(l.next(2))
}

func unready(_ *testing.T, l *line) {
	l.push(1, "+1", func(i *queue.Item) { i.Unready = true })
	l.push(2, "+1", nil)
	l.push(3, "+2", nil)
	l.done(l.next(3))
	l.next(-1)
	l.due(time.Time{})
	l.update(func(t *report, tx relay.Tx) error {
		return queue.Ready(l.t.Context(), tx, l.id, messageID(1))
	})
	l.due(l.now)
	l.done(l.next(1))
	l.done(l.next(2))
}

func dueBehindEarlier(_ *testing.T, l *line) {
	l.push(1, "+1", func(i *queue.Item) { i.NotBefore = l.now.Add(2 * time.Hour) })
	l.push(2, "+1", func(i *queue.Item) { i.NotBefore = l.now.Add(time.Hour) })
	l.push(3, "+1", nil)
	l.now = l.now.Add(time.Hour)
	l.next(-1)
	l.now = l.now.Add(time.Hour)
	for n := 1; n <= 3; n++ {
		l.done(l.next(n))
	}
}

func returnsToHead(_ *testing.T, l *line) {
	l.push(1, "+1", nil)
	l.push(2, "+2", nil)
	l.push(3, "+3", nil)
	l.push(4, "+4", func(i *queue.Item) { i.NotBefore = l.now.Add(20 * time.Second) })
	l.retry(l.next(1), 25*time.Second)
	l.now = l.now.Add(10 * time.Second)
	l.retry(l.next(2), 0) // to the head at once
	l.now = l.now.Add(10 * time.Second)
	l.done(l.next(2))
	l.done(l.next(4)) // its time came before the retry's
	l.done(l.next(1))
	l.done(l.next(3))
}

func standsStill(_ *testing.T, l *line) {
	l.push(1, "+1", nil)
	for _, c := range []struct{ stop, start func(*queue.Lane) }{
		{func(q *queue.Lane) { q.Paused = true }, func(q *queue.Lane) { q.Paused = false }},
		{func(q *queue.Lane) { q.Hold = "no balance" }, func(q *queue.Lane) { q.Hold = "" }},
		{func(q *queue.Lane) { q.Home = "node-2" }, func(q *queue.Lane) { q.Home = node }},
	} {
		l.lane(l.id, c.stop)
		l.next(-1)
		l.due(time.Time{})
		l.reopen()
		l.next(-1)
		l.lane(l.id, c.start)
		l.due(l.now)
	}
	l.done(l.next(1))
}

func fencing(t *testing.T, l *line) {
	l.push(1, "+1", nil)
	old := l.next(1)
	l.retry(old, 0)
	l.now = l.now.Add(10 * time.Second)
	held := l.next(1)
	if held.Epoch <= old.Epoch || held.Try != old.Try+1 {
		t.Errorf("the second lease is %+v after %+v", held, old)
	}
	if err := l.finish(old); !errors.Is(err, queue.ErrLeaseLost) {
		t.Errorf("a stale Finish: %v, want ErrLeaseLost", err)
	}
	err := l.store.Update(t.Context(), func(tx relay.Tx) error { return queue.Retry(t.Context(), tx, old, time.Time{}, l.now) })
	if !errors.Is(err, queue.ErrLeaseLost) {
		t.Errorf("a stale Retry: %v, want ErrLeaseLost", err)
	}
	l.next(-1)
	l.done(held)
}

func leaseEnds(t *testing.T, l *line) {
	l.push(1, "+1", nil)
	l.push(2, "+2", nil)
	held := l.next(1)
	l.due(held.Until)
	l.now = held.Until.Add(-1)
	l.next(-1)
	l.now = held.Until
	var offered []queue.Item
	err := l.store.Claim(t.Context(), node, 5, l.now, func(tx relay.Tx, i queue.Item) error {
		offered = append(offered, i)
		return queue.Release(t.Context(), tx, i, l.now)
	}, func() { offered = nil })
	if err != nil || len(offered) != 1 || offered[0].ID != messageID(1) || !offered[0].Out {
		t.Fatalf("offered %v (%v), want item 1, out", offered, err)
	}
	if err := l.finish(held); !errors.Is(err, queue.ErrLeaseLost) {
		t.Errorf("the old holder's Finish: %v, want ErrLeaseLost", err)
	}
	l.next(-1) // a change of holder rests one full spacing first
	l.now = l.now.Add(10 * time.Second)
	l.done(l.next(2))
}

func outStays(t *testing.T, l *line) {
	l.push(1, "+1", nil)
	held := l.next(1)
	err := l.store.Update(t.Context(), func(tx relay.Tx) error {
		return queue.Remove(t.Context(), tx, l.id, messageID(1))
	})
	if !errors.Is(err, queue.ErrOut) {
		t.Errorf("got %v, want ErrOut", err)
	}
	if ids, err := l.store.Items(t.Context(), l.id, 5); err != nil || len(ids) > 0 {
		t.Errorf("items that are not out: %v (%v)", ids, err)
	}
	stranded, err := l.store.Stranded(t.Context(), node)
	if err != nil || len(stranded) != 1 || stranded[0].ID != messageID(1) {
		t.Errorf("stranded items: %v (%v)", stranded, err)
	}
	l.done(held)
}

func restsFromTheEnd(_ *testing.T, l *line) {
	l.push(1, "+1", nil)
	l.push(2, "+2", nil)
	held := l.next(1)
	l.now = l.now.Add(30 * time.Second)
	if err := l.finish(held); err != nil {
		l.t.Fatal(err)
	}
	l.due(l.now.Add(10 * time.Second))
	l.reopen()
	l.due(l.now.Add(10 * time.Second))
	l.now = l.now.Add(10*time.Second - 1)
	l.next(-1)
	l.now = l.now.Add(1)
	l.done(l.next(2))
}

func restLanes(t *testing.T, l *line) {
	l.push(0, "+1", nil)
	l.push(1, "+1", nil)
	if err := l.finish(l.next(0)); err != nil { // the node held it last
		t.Fatal(err)
	}
	l.now = l.now.Add(time.Minute)
	if err := l.store.RestLanes(t.Context(), node, l.now); err != nil {
		t.Fatal(err)
	}
	l.due(l.now.Add(10 * time.Second))
	l.next(-1)
	l.now = l.now.Add(10 * time.Second)
	held := l.next(1)
	if err := l.store.RestLanes(t.Context(), node, l.now); err != nil {
		t.Fatal(err)
	}
	l.due(held.Until) // a lane that is held keeps its lease
	l.done(held)
}

func depth(t *testing.T, l *line) {
	check := func(depth, waiting, parked int) {
		t.Helper()
		views, err := l.store.Queue(t.Context(), "", l.now)
		if err != nil || len(views) != 1 {
			t.Fatalf("queue: %v, %v", views, err)
		}
		if v := views[0]; v.Depth != depth || v.Waiting != waiting || v.Parked != parked {
			t.Errorf("depth %d, waiting %d, parked %d; want %d, %d, %d", v.Depth, v.Waiting, v.Parked, depth, waiting, parked)
		}
	}
	check(0, 0, 0)
	l.push(1, "+1", nil)
	l.push(2, "+2", func(i *queue.Item) { i.NotBefore = l.now.Add(time.Hour) })
	check(2, 2, 1)
	held := l.next(1)
	check(2, 1, 1)
	l.retry(held, time.Hour)
	check(2, 2, 2)
	l.update(func(t *report, tx relay.Tx) error { return l.remove(tx, 2) })
	check(1, 1, 1)
	l.now = l.now.Add(time.Hour)
	l.done(l.next(1))
	check(0, 0, 0)
}

func (l *line) remove(tx relay.Tx, n int) error {
	return queue.Remove(l.t.Context(), tx, l.id, messageID(n))
}
