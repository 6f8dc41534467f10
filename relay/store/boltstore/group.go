package boltstore

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"relevo/relay"
)

// maxGroup bounds what one commit carries, and how many may wait.
const maxGroup = 1024

// drains is how often the writer lets others run before it closes a group:
// callers that the last commit woke come back within microseconds, and
// without this groups are half as large. It never sleeps.
const drains = 4

// request is one transaction that waits.
type request struct {
	fn    func(*tx) error
	claim bool
	state atomic.Int32
	done  chan struct{}
	err   error
	panic any
}

// A request is taken by the writer or withdrawn by its caller, never both.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// Update runs fn and is durable before it returns nil. See relay.Store.
func (s *Store) Update(ctx context.Context, fn func(relay.Tx) error) error {
	return s.do(ctx, &request{fn: func(t *tx) error { return fn(t) }})
}

func (s *Store) do(ctx context.Context, req *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	req.done = make(chan struct{})
	select {
	case s.in <- req:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ended:
		return s.endedErr()
	}
	select {
	case <-req.done:
	case <-s.ended:
		// the writer may have answered just before it ended
		select {
		case <-req.done:
		default:
			return s.endedErr()
		}
	case <-ctx.Done():
		if req.state.CompareAndSwap(waiting, withdrawn) {
			return ctx.Err()
		}
		<-req.done
	}
	if req.panic != nil {
		panic(req.panic)
	}
	return req.err
}

func (s *Store) endedErr() error {
	select {
	case <-s.failed:
		return relay.ErrInDoubt
	default:
		return relay.ErrClosed
	}
}

// write is the writer: it alone changes the file and the memory.
func (s *Store) write() {
	defer close(s.ended)
	var next *request
	for {
		var group []*request
		if next != nil {
			group = append(group, next)
		} else {
			select {
			case req := <-s.in:
				group = append(group, req)
			case <-s.closing:
				select {
				case req := <-s.in:
					group = append(group, req)
				default:
					return
				}
			}
		}
		group, next = s.fill(group)
		if err := s.run(group); err != nil {
			s.opt.Log.Error("commit in doubt; the process must start again", "error", err)
			close(s.failed)
			return
		}
	}
}

// fill takes what waits into the group. Of two claims the second begins the
// next group: it must see what the first one leased.
func (s *Store) fill(group []*request) (_ []*request, next *request) {
	for range drains {
		for len(group) < maxGroup {
			select {
			case req := <-s.in:
				if req.claim && slices.ContainsFunc(group, func(r *request) bool { return r.claim }) {
					return group, req
				}
				group = append(group, req)
				continue
			default:
			}
			break
		}
		runtime.Gosched()
	}
	return group, nil
}

// run makes a group durable and answers it. An error means that nobody knows
// whether it is durable.
func (s *Store) run(group []*request) error {
	// a claim chooses from what is committed, so it goes first
	slices.SortStableFunc(group, func(a, b *request) int { return claims(b) - claims(a) })
	started := time.Now()
	b, err := s.db.Begin(true)
	if err != nil {
		answer(group, relay.ErrClosed)
		return nil
	}
	all := newOverlay(nil)
	var good []*request
	for _, req := range group {
		if !req.state.CompareAndSwap(waiting, taken) {
			continue // withdrawn; nobody waits for it
		}
		own := newOverlay(all)
		s.runOne(req, &tx{s: s, b: b, o: own})
		if req.err != nil || req.panic != nil {
			close(req.done)
			continue
		}
		own.mergeInto(all)
		good = append(good, req)
	}
	if all.empty() {
		answer(good, nil)
		return b.Rollback()
	}
	if err := s.commit(b, all); err != nil {
		return s.commitFailed(good, err)
	}
	s.lanes.apply(all)
	answer(good, nil)
	if s.opt.OnCommit != nil {
		s.opt.OnCommit(time.Since(started), len(good))
	}
	return nil
}

func claims(r *request) int {
	if r.claim {
		return 1
	}
	return 0
}

// runOne runs one function; a panic fails it alone and is raised again in its
// caller.
func (s *Store) runOne(req *request, t *tx) {
	defer func() {
		if p := recover(); p != nil {
			req.panic = p
		}
	}()
	req.err = req.fn(t)
}

func answer(reqs []*request, err error) {
	for _, r := range reqs {
		r.err = err
		close(r.done)
	}
}

func (s *Store) commit(b *bolt.Tx, all *overlay) error {
	if err := all.flush(b); err != nil {
		return errors.Join(errFlush, err, b.Rollback())
	}
	return b.Commit()
}

var errFlush = errors.New("write into the transaction")

// commitFailed tells a clean refusal from a doubt. Without room bbolt fails
// while it writes pages that no meta page names yet: a *fs.PathError from the
// file's WriteAt or Truncate. An error of fdatasync comes bare, and after it
// nothing can be known; it is never tried again.
func (s *Store) commitFailed(group []*request, err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, errFlush):
		answer(group, err)
		return nil
	case errors.Is(err, berrors.ErrMaxSizeReached), errors.As(err, &path) && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)):
		s.opt.Log.Error("no room on the disk; nothing was written", "error", err)
		answer(group, relay.ErrDiskFull)
		return nil
	}
	answer(group, relay.ErrInDoubt)
	return err
}
