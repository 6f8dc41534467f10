package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"relevo/relay"
)

// writer is one goroutine's right to commit: its row in the table of that
// name counts its transactions.
type writer struct {
	s    *Store
	id   string
	last int64
}

// update runs a group in one transaction and answers it.
func (w *writer) update(group []*request) { answer(group, w.commit(group), w.update) }

// commit makes a group durable. An error is of all of them.
func (w *writer) commit(group []*request) error {
	wants := w.s.speculate(group, tx{})
	return w.s.retrying(w.s.ctx, func() error {
		for began := time.Now(); ; {
			known := weight(wants)
			err := w.try(group, wants)
			if !errors.Is(err, errTooLate) || weight(wants) <= known || time.Since(began) > tryFor {
				return err
			}
			// nobody is in the way: the next try knows more rows from the start
		}
	})
}

// weight is how much is known of what a group asks for.
func weight(wants map[key]bool) int {
	n := len(wants)
	for _, lock := range wants {
		if lock {
			n++
		}
	}
	return n
}

// try runs a group once, over one connection.
func (w *writer) try(group []*request, wants map[key]bool) (err error) {
	s := w.s
	ctx, cancel := context.WithTimeout(s.ctx, tryFor)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	at, err := s.moment(ctx, conn.Conn())
	if err == nil {
		err = w.register(ctx, conn.Conn())
	}
	if err != nil {
		return s.broken(conn, err)
	}
	started := time.Now()
	g := s.gather(at, wants)
	defer func() {
		if err != nil {
			again(g, group, wants)
		}
	}()
	first := w.begin()
	if prepare := group[0].prepare; prepare != nil {
		// a claim goes alone: it chooses its lanes before anything is held
		err := conn.SendBatch(ctx, first).Close()
		if err == nil {
			err = prepare(ctx, g, conn.Conn())
		}
		if err != nil {
			return s.broken(conn, err)
		}
		first = nil
	}
	all, err := w.rounds(ctx, g, conn.Conn(), group, first)
	if err != nil {
		return s.broken(conn, err)
	}
	if all.empty() {
		return s.broken(conn, nil) // nothing to write: roll back
	}
	b := &pgx.Batch{}
	if err := g.flush(b, all); err != nil {
		return s.broken(conn, err)
	}
	if err := w.send(ctx, conn, b); err != nil {
		return err
	}
	w.last++
	s.remember(g, all)
	if s.opt.OnCommit != nil {
		s.opt.OnCommit(time.Since(started), len(group))
	}
	return nil
}

// again adds what a try has asked for to wants: the next one loads it in order,
// at once.
func again(g *gathering, group []*request, wants map[key]bool) {
	g.everAsked(wants)
	if group[0].prepare != nil {
		// but which lanes and messages, a claim finds out anew
		maps.DeleteFunc(wants, func(k key, _ bool) bool { return k.t == tLane || k.t == tMessage })
	}
}

// send commits what is in a batch. An error means that it has not happened, or
// that nobody can say.
func (w *writer) send(ctx context.Context, conn *pgxpool.Conn, b *pgx.Batch) error {
	b.Queue("COMMIT")
	err := conn.SendBatch(ctx, b).Close()
	if err == nil {
		return nil
	}
	if !lost(err) {
		return w.s.broken(conn, err)
	}
	_ = conn.Conn().Close(ctx)
	_, err = w.resolve(err) // without an error, it had happened
	return err
}

// begin opens a transaction that is this writer's next. The row that counts
// it is held from the first statement on.
func (w *writer) begin() *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue("UPDATE writer SET last = $2, at = now() WHERE id = $1 AND last = $3", w.id, w.last+1, w.last).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != 1 {
			w.id = "" // the database is not the one of before: another row
			return errNotOurs
		}
		return nil
	})
	return b
}

var errNotOurs = errors.New("the row of this writer is not as it left it")

// rounds loads and runs until no function misses anything; in the last round
// they load what they miss as they go.
func (w *writer) rounds(ctx context.Context, g *gathering, conn *pgx.Conn, group []*request, first *pgx.Batch) (*overlay, error) {
	for round := 1; ; round++ {
		if len(g.missing) > 0 || first != nil {
			if err := g.load(ctx, conn, first); err != nil {
				return nil, err
			}
			first = nil
		}
		all, missed := newOverlay(nil), false
		all.rows = make(map[key]row, len(g.rows))
		own := newOverlay(all)
		for _, req := range group {
			own.reset()
			t := &tx{g: g, o: own, guessing: true}
			if round == maxRounds {
				t.direct = func() error { return g.load(ctx, conn, nil) }
			}
			w.s.runOne(req, t)
			switch {
			case t.fault != nil:
				return nil, t.fault
			case t.missed:
				missed = true
			case req.err == nil && req.panic == nil:
				t.o.mergeInto(all)
			}
		}
		if !missed {
			return all, nil
		}
	}
}

// resolve finds out whether the transaction whose connection was lost has
// happened. Its row is held until its fate is decided, so reading behind that
// lock tells the truth.
func (w *writer) resolve(cause error) (committed bool, err error) {
	s := w.s
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), resolveFor)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var last int64
		err := s.pool.QueryRow(ctx, "SELECT last FROM writer WHERE id = $1 FOR UPDATE", w.id).Scan(&last)
		switch {
		case err == nil && last == w.last+1:
			s.opt.Log.Warn("the connection was lost during a commit; it had happened", "error", cause)
			return true, nil
		case err == nil && last == w.last:
			return false, cause // it had not: the whole group may run again
		case err == nil:
			return false, fmt.Errorf("%w: %w", relay.ErrUnavailable, errNotOurs)
		}
		select {
		case <-ctx.Done():
			// Nobody can be told that it happened. The next transaction of this
			// writer takes another row, in case the old one still moves.
			s.opt.Log.Error("the connection was lost during a commit, and the database cannot be asked whether it happened", "error", cause)
			w.id, w.last = "", 0
			return false, fmt.Errorf("%w: a commit is in doubt: %w", relay.ErrUnavailable, cause)
		case <-time.After(wait):
		}
	}
}

// resolveFor is how long a lost commit is asked after: callers wait for it.
const resolveFor = 10 * time.Second

// register makes sure that the writer has its row.
func (w *writer) register(ctx context.Context, conn *pgx.Conn) error {
	if w.id != "" {
		return nil
	}
	id := rand.Text()
	if _, err := conn.Exec(ctx, "INSERT INTO writer (id, last) VALUES ($1, 0)", id); err != nil {
		return err
	}
	w.id, w.last = id, 0
	return nil
}
