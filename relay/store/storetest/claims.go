package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

func claims() []ruleCase {
	return []ruleCase{
		{"AClaimTakesFromManyLanesTheMostOverdueFirst", laneCase(mostOverdue)},
		{"NoLaneStarvesBehindABusierOne", laneCase(noStarving)},
		{"ALaneThatCannotReleaseDoesNotBlockTheOthers", laneCase(blockedLane)},
		{"AnErrorInAClaimLeavesEverythingWhereItWas", laneCase(claimFails)},
		{"RacingClaimsLeaseEachItemOnce", laneCase(racingClaims)},
		{"FetchJobsComeWhenTheirTimeHasCome", laneCase(fetchJobs)},
		{"MessagesOfUnknownOutcomeAreFoundByTheirAge", laneCase(unknownOnes)},
	}
}

// many makes n lanes, lane i due i seconds from now, each with one item i.
func (l *line) many(n int) {
	l.t.Helper()
	home := l.id
	for i := range n {
		l.id = laneID(i + 1)
		l.lane(l.id, func(q *queue.Lane) { q.NextFree = l.now.Add(time.Duration(i) * time.Second) })
		l.push(i, "+1", nil)
	}
	l.id = home
}

func itemsOf(leases []queue.Lease) (ids []string) {
	for _, l := range leases {
		ids = append(ids, l.Item)
	}
	return ids
}

func mostOverdue(t *testing.T, l *line) {
	l.many(5)
	l.due(l.now)
	l.now = l.now.Add(3 * time.Second)
	equal(t, "first claim of two", itemsOf(l.claim(2)), []string{messageID(0), messageID(1)})
	equal(t, "second claim", itemsOf(l.claim(10)), []string{messageID(2), messageID(3)})
	l.due(l.now.Add(time.Second))
	l.now = l.now.Add(time.Second)
	equal(t, "third claim", itemsOf(l.claim(10)), []string{messageID(4)})
	if got := l.claim(0); len(got) > 0 {
		t.Errorf("a claim of none leased %v", got)
	}
}

func noStarving(t *testing.T, l *line) {
	l.many(3)
	l.now = l.now.Add(3 * time.Second)
	for n := 10; n < 40; n++ { // one lane has much more than the others
		l.push(n, "+1", nil)
	}
	l.lane(l.id, func(q *queue.Lane) { q.Spacing, q.NextFree = queue.Spacing{}, l.now })
	got := map[string]bool{}
	for range 4 {
		for _, lease := range l.claim(1) {
			got[lease.Lane] = true
			if err := l.finish(lease); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(got) != 4 {
		t.Errorf("four claims of one served %d lanes, want 4", len(got))
	}
}

func blockedLane(t *testing.T, l *line) {
	l.many(3)
	l.now = l.now.Add(3 * time.Second)
	l.lane(laneID(1), func(q *queue.Lane) { q.Home = "node-2" })
	l.lane(laneID(2), func(q *queue.Lane) { q.Paused = true })
	equal(t, "claim of one", itemsOf(l.claim(1)), []string{messageID(2)})
	// what take leaves unleased stays where it is
	l.lane(laneID(2), func(q *queue.Lane) { q.Paused = false })
	for range 2 {
		offered := 0
		err := l.store.Claim(t.Context(), node, 5, l.now, func(relay.Tx, queue.Item) error { offered++; return nil }, func() { offered = 0 })
		if err != nil || offered != 1 {
			t.Errorf("offered %d items (%v), want 1 each time", offered, err)
		}
	}
}

func claimFails(t *testing.T, l *line) {
	l.many(3)
	l.now = l.now.Add(3 * time.Second)
	n := 0
	err := l.store.Claim(t.Context(), node, 5, l.now, func(tx relay.Tx, i queue.Item) error {
		if n++; n == 3 {
			return errMine
		}
		_, err := queue.Take(t.Context(), tx, i, node, l.now, time.Minute)
		return err
	}, func() { n = 0 })
	if !errors.Is(err, errMine) {
		t.Fatalf("got %v, want take's own error", err)
	}
	if got := l.claim(5); len(got) != 3 {
		t.Errorf("after a failed claim %d items are leased, want 3", len(got))
	}
}

func racingClaims(t *testing.T, l *line) {
	const n = 24
	l.many(n)
	l.now = l.now.Add(n * time.Second)
	var mu sync.Mutex
	seen := map[string]int{}
	gun := make(chan struct{})
	var g sync.WaitGroup
	for range 6 {
		g.Go(func() {
			<-gun
			for range 4 {
				for _, lease := range l.claim(3) {
					mu.Lock()
					seen[lease.Item]++
					mu.Unlock()
				}
			}
		})
	}
	close(gun)
	g.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("item %s was leased %d times", id, times)
		}
	}
	for _, lease := range l.claim(n) {
		seen[lease.Item]++
	}
	if len(seen) != n {
		t.Errorf("%d items were leased, want %d", len(seen), n)
	}
}

func fetchJobs(t *testing.T, l *line) {
	ws := relay.NewID("ws_")
	job := func(n int, after time.Duration) relay.Fetch {
		return relay.Fetch{MessageID: messageID(n), Workspace: ws, Next: l.now.Add(after)}
	}
	l.update(func(t *report, tx relay.Tx) error {
		return errors.Join(tx.PutFetch(t.Context(), job(1, 0)), tx.PutFetch(t.Context(), job(2, time.Second)), tx.PutFetch(t.Context(), job(3, time.Minute)))
	})
	check := func(n int, now time.Time, want int, next time.Time) {
		t.Helper()
		due, at, err := l.store.FetchesDue(t.Context(), now, n)
		if err != nil || len(due) != want || !at.Equal(next) {
			t.Errorf("%d jobs are due and the next at %v (%v); want %d and %v", len(due), at, err, want, next)
		}
	}
	check(5, l.now, 1, l.now.Add(time.Second))
	l.reopen()
	check(5, l.now.Add(time.Second), 2, l.now.Add(time.Minute))
	l.update(func(t *report, tx relay.Tx) error { // leased: later
		return errors.Join(tx.PutFetch(t.Context(), job(1, time.Hour)), tx.DeleteFetch(t.Context(), job(2, 0)))
	})
	check(5, l.now.Add(time.Second), 0, l.now.Add(time.Minute))
	check(5, l.now.Add(time.Hour), 2, time.Time{})
}

func unknownOnes(t *testing.T, l *line) {
	ws := relay.NewID("ws_")
	put := func(n int, s relay.Status, since time.Duration) {
		l.t.Helper()
		l.update(func(t *report, tx relay.Tx) error {
			return tx.PutMessage(t.Context(), relay.Message{ID: messageID(n), Workspace: ws, Channel: "ch", Status: s, UnknownAt: l.now.Add(since)})
		})
	}
	put(3, relay.Unknown, 0)
	put(2, relay.Unknown, time.Minute)
	put(1, relay.Unknown, 2*time.Minute)
	found := func(before time.Duration, n int, ids ...string) {
		t.Helper()
		got, err := l.store.Unknown(t.Context(), l.now.Add(before), n)
		row(t, "unknown before "+before.String(), refs(ws, ids))(got, err)
	}
	found(-time.Second, 5)
	found(time.Minute+time.Second, 5, messageID(3), messageID(2))
	found(time.Hour, 1, messageID(3))
	put(3, relay.Sent, 0)
	found(time.Hour, 5, messageID(2), messageID(1))
}

func expiredItems(t *testing.T, l *line) {
	for n := range 4 {
		l.push(n, "+1", func(i *queue.Item) { i.Expires = l.now.Add(time.Duration(5-n) * time.Minute) })
	}
	found := func(after time.Duration, ids ...string) {
		t.Helper()
		for range 2 { // looking changes nothing
			got, err := l.store.Expired(t.Context(), l.now.Add(after), 2)
			row(t, "expired after "+after.String(), refs(relay.WorkspaceOfLane(l.id), ids))(got, err)
		}
	}
	found(2*time.Minute - 1)
	found(2*time.Minute, messageID(3))
	found(time.Hour, messageID(3), messageID(2)) // at most two, the oldest first
	held := l.next(0)
	l.update(func(t *report, tx relay.Tx) error { return errors.Join(l.remove(tx, 3), l.remove(tx, 2)) })
	found(time.Hour, messageID(1))
	l.done(held)
}
