package pgstore

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"relevo/relay"
)

const (
	// maxGroup bounds what one transaction carries.
	maxGroup = 256
	// drains is how often a writer lets others run before it closes a group:
	// callers that the last commit woke come back within microseconds. It
	// never sleeps.
	drains = 4
	// maxRounds bounds how often a group's functions run over what was loaded;
	// in the last round each loads what it still misses by itself.
	maxRounds = 6
)

// request is one transaction that waits.
type request struct {
	fn    func(*tx) error
	state atomic.Int32
	// prepare loads what is not found by key, at the start of each try.
	prepare func(ctx context.Context, g *gathering, conn *pgx.Conn) error
	done    chan struct{}
	err     error
	panic   any
}

// A request is taken by a writer or withdrawn by its caller, never both.
const (
	waiting int32 = iota
	taken
	withdrawn
)

// Update runs fn and is durable before it returns nil. See relay.Store.
func (s *Store) Update(ctx context.Context, fn func(relay.Tx) error) error {
	return s.do(ctx, s.in, &request{fn: func(t *tx) error { return fn(t) }})
}

// View runs fn over what is durable. See relay.Store.
func (s *Store) View(ctx context.Context, fn func(relay.Tx) error) error {
	return s.do(ctx, s.views, &request{fn: func(t *tx) error { return fn(t) }})
}

func (s *Store) do(ctx context.Context, to chan *request, req *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	req.done = make(chan struct{})
	select {
	case <-s.closing:
		return relay.ErrClosed
	default:
	}
	select {
	case to <- req:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return relay.ErrClosed
	}
	select {
	case <-req.done:
	case <-s.ended:
		select { // the writer may have answered just before it ended
		case <-req.done:
		default:
			return relay.ErrClosed
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

// serve takes what waits on a channel in groups, until the store closes and
// nothing waits any more.
func (s *Store) serve(in chan *request, run func([]*request)) {
	for {
		var group []*request
		select {
		case req := <-in:
			group = append(group, req)
		case <-s.closing:
			select {
			case req := <-in:
				group = append(group, req)
			default:
				return
			}
		}
		group = fill(in, group)
		taking := group[:0]
		for _, req := range group {
			if req.state.CompareAndSwap(waiting, taken) {
				taking = append(taking, req)
			}
		}
		if len(taking) > 0 {
			run(taking)
		}
	}
}

func fill(in chan *request, group []*request) []*request {
	for range drains {
		for len(group) < maxGroup {
			select {
			case req := <-in:
				group = append(group, req)
				continue
			default:
			}
			break
		}
		runtime.Gosched()
	}
	return group
}

// view answers a group of reading transactions, of one moment.
func (s *Store) view(group []*request) {
	answer(group, s.viewOnce(group), s.view)
}

// answer tells a group what came of it. What the database refuses one function
// fails the whole group; then each runs alone, so that it fails no other.
func answer(group []*request, err error, run func([]*request)) {
	together := err == nil || len(group) == 1 || passing(err) || errors.Is(err, relay.ErrUnavailable) || errors.Is(err, relay.ErrDiskFull) || errors.Is(err, relay.ErrClosed)
	for _, req := range group {
		if !together {
			run([]*request{req})
			continue
		}
		if err != nil {
			req.err, req.panic = err, nil
		}
		close(req.done)
	}
}

// viewOnce runs a group. An error is of all of them.
func (s *Store) viewOnce(group []*request) error {
	wants := s.speculate(group, tx{view: true})
	return s.retrying(s.ctx, func() error {
		ctx, cancel := context.WithTimeout(s.ctx, tryFor)
		defer cancel()
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return s.broken(conn, s.viewOver(ctx, conn.Conn(), group, maps.Clone(wants)))
	})
}

func (s *Store) viewOver(ctx context.Context, conn *pgx.Conn, group []*request, wants map[key]bool) error {
	at, err := s.moment(ctx, conn)
	if err != nil {
		return err
	}
	g := s.gather(at, wants)
	first := &pgx.Batch{}
	first.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	if err := g.load(ctx, conn, first); err != nil {
		return err
	}
	for _, req := range group {
		t := &tx{g: g, o: newOverlay(nil), view: true, direct: func() error { return g.load(ctx, conn, nil) }}
		s.runOne(req, t)
		if t.fault != nil {
			return t.fault
		}
	}
	s.remember(g, newOverlay(nil))
	return nil
}

// broken ends the transaction of a connection; one in an unknown state is not
// used again.
func (s *Store) broken(conn *pgxpool.Conn, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
	defer cancel()
	if conn.Conn().IsClosed() {
		return err
	}
	if _, rbErr := conn.Exec(ctx, "ROLLBACK"); rbErr != nil {
		_ = conn.Conn().Close(ctx) // the pool drops what is closed
	}
	return err
}

// runOne runs one function; a panic fails it alone and is raised again in its
// caller. Where it missed a row, what it came to is forgotten.
func (s *Store) runOne(req *request, t *tx) {
	req.err, req.panic = nil, nil
	defer func() {
		if p := recover(); p != nil {
			req.panic = p
		}
		if t.missed {
			req.err, req.panic = nil, nil
		}
	}()
	req.err = req.fn(t)
}
