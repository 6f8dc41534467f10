package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"relevo/queue"
	"relevo/quota"
	"relevo/relay"
)

// Twice makes every transaction run twice: once, rolled back, and once more.
// What appends to a variable outside of it, or believes to run once, fails.
func Twice(open Open) Open {
	return func(t *testing.T, dir string) relay.Store { return &twice{Store: open(t, dir)} }
}

type twice struct{ relay.Store }

var errAgain = errors.New("run once more")

// Update runs fn, rolls it back, and runs it again.
func (s *twice) Update(ctx context.Context, fn func(relay.Tx) error) error {
	err := s.Store.Update(ctx, func(tx relay.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errAgain
	})
	if !errors.Is(err, errAgain) {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// Claim looks how many items are offered, takes them all, rolls that back, and
// takes them again.
func (s *twice) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	offered := 0
	look := func(relay.Tx, queue.Item) error { offered++; return nil }
	if err := s.Store.Claim(ctx, node, n, now, look, func() { offered = 0 }); err != nil || offered == 0 {
		return err
	}
	taken := 0
	err := s.Store.Claim(ctx, node, n, now, func(tx relay.Tx, i queue.Item) error {
		if err := take(tx, i); err != nil {
			return err
		}
		if taken++; taken == offered {
			return errAgain
		}
		return nil
	}, func() { taken = 0; reset() })
	if !errors.Is(err, errAgain) {
		return err
	}
	reset() // what was taken is gone, also where nothing is left to take now
	return s.Store.Claim(ctx, node, n, now, take, reset)
}

// LatestMessage is the inner store's, where it has one.
func (s *twice) LatestMessage() (string, error) { return latestOf(s.Store) }

// latestOf is the newest message id of a store that can tell.
func latestOf(s relay.Store) (string, error) {
	if l, ok := s.(interface{ LatestMessage() (string, error) }); ok {
		return l.LatestMessage()
	}
	return "", nil
}

// watched fails the test where a transaction minds not the order of locks
// (lanes come before accounts, and the lanes by their ids), writes an item
// whose lane it does not hold, or a lane outside of its workspace.
type watched struct {
	relay.Store
	t *testing.T
}

func watch(t *testing.T, s relay.Store) relay.Store { return &watched{Store: s, t: t} }

// Update runs fn over a transaction that minds the order of locks.
func (s *watched) Update(ctx context.Context, fn func(relay.Tx) error) error {
	return s.Store.Update(ctx, func(tx relay.Tx) error { return fn(mind(s.t, tx)) })
}

// Claim minds the order of locks. The store holds the lanes of what it offers
// before it offers the first, so they are held already.
func (s *watched) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	var all *minded
	return s.Store.Claim(ctx, node, n, now, func(tx relay.Tx, i queue.Item) error {
		if all == nil {
			all = mind(s.t, tx)
		}
		all.Tx = tx
		all.lanes[i.Lane] = true
		return take(all, i)
	}, func() { all = nil; reset() })
}

// LatestMessage is the inner store's, where it has one.
func (s *watched) LatestMessage() (string, error) { return latestOf(s.Store) }

type minded struct {
	relay.Tx
	t       *testing.T
	once    sync.Once
	lanes   map[string]bool
	last    string // the greatest id of the lanes that were loaded
	account bool
}

func mind(t *testing.T, tx relay.Tx) *minded {
	return &minded{Tx: tx, t: t, lanes: map[string]bool{}}
}

// Lane notes that the lane is held.
func (m *minded) Lane(ctx context.Context, id string) (queue.Lane, error) {
	if m.account && !m.lanes[id] {
		m.once.Do(func() { m.t.Errorf("a lane was loaded after an account: lanes before accounts") })
	}
	if id < m.last && !m.lanes[id] {
		m.once.Do(func() { m.t.Errorf("lane %s was loaded after lane %s: lanes come by their ids", id, m.last) })
	}
	m.lanes[id], m.last = true, max(m.last, id)
	return m.Tx.Lane(ctx, id)
}

// PutLane checks whose the lane is.
func (m *minded) PutLane(ctx context.Context, l queue.Lane) error {
	if !strings.HasPrefix(l.ID, l.Workspace+"/") {
		m.once.Do(func() { m.t.Errorf("the id of lane %s does not begin with its workspace %s", l.ID, l.Workspace) })
	}
	m.lanes[l.ID] = true
	return m.Tx.PutLane(ctx, l)
}

// PutItem checks that the item's lane is held.
func (m *minded) PutItem(ctx context.Context, i queue.Item) error {
	m.holds(i)
	return m.Tx.PutItem(ctx, i)
}

// DeleteItem checks that the item's lane is held.
func (m *minded) DeleteItem(ctx context.Context, i queue.Item) error {
	m.holds(i)
	return m.Tx.DeleteItem(ctx, i)
}

func (m *minded) holds(i queue.Item) {
	if !m.lanes[i.Lane] {
		m.once.Do(func() { m.t.Errorf("an item was written whose lane %s was not loaded before", i.Lane) })
	}
}

// Account notes that an account is held.
func (m *minded) Account(ctx context.Context, id string) (quota.Account, error) {
	m.account = true
	return m.Tx.Account(ctx, id)
}
