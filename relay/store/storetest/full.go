package storetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"relevo/queue"
	"relevo/relay"
)

// full is a store whose disk is full while on is set.
type full struct {
	relay.Store
	on      atomic.Bool
	refused atomic.Int64
}

// Update refuses while the disk is full.
func (s *full) Update(ctx context.Context, fn func(relay.Tx) error) error {
	if s.on.Load() {
		s.refused.Add(1)
		return relay.ErrDiskFull
	}
	return s.Store.Update(ctx, fn)
}

// Claim refuses while the disk is full.
func (s *full) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	if s.on.Load() {
		s.refused.Add(1)
		return relay.ErrDiskFull
	}
	return s.Store.Claim(ctx, node, n, now, take, reset)
}

// fullDisk fills the disk in the middle of a call and of a fetch: nothing is
// lost, nothing is sent twice, nothing spins.
func fullDisk(t *testing.T, w *world) {
	s := &full{Store: w.store}
	w.store = s
	w.start()
	id, next := w.accept(text("+1", "x")), w.accept(text("+2", "y"))
	w.driver.takes = func(relay.Outgoing) time.Duration { return 10 * time.Second }
	stop := w.work()
	time.Sleep(5 * time.Second)
	file := w.accept(pair("+3"))
	s.on.Store(true)
	w.refused(text("+1", "z"), relay.CodeDiskFull)
	time.Sleep(25 * time.Second) // less than the lease
	w.is(relay.Sending, id)
	if n := s.refused.Load(); n > 200 {
		t.Errorf("%d tries to write in 25 s", n)
	}
	s.on.Store(false)
	time.Sleep(2 * time.Minute)
	stop()
	w.is(relay.Sent, id, next, file, w.second(file))
	w.balance(96, 0, 4)
	if n := len(w.driver.made()); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
}
