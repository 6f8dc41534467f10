package pgstore

import (
	"errors"

	"relevo/quota"
	"relevo/relay"
)

// tx is a relay.Tx over what was loaded. A read of a row that was not is a
// miss: it notes the key and answers errMiss, or, to find out more keys in one
// go, the best guess there is. Whatever a run with a miss came to is thrown
// away, and the function runs again once the rows are there.
type tx struct {
	g *gathering
	o *overlay
	// view transactions write nothing and lock nothing.
	view   bool
	missed bool
	// guessing answers misses with guesses.
	guessing bool
	// direct loads a missing row at once, over the transaction's connection.
	direct func() error
	// glance answers misses with what is remembered, and nothing else.
	glance func(key) (row, error)
	// fault is what went wrong with that: nothing of the group is written.
	fault error
}

var _ relay.Tx = (*tx)(nil)

var (
	errReadOnly = errors.New("write in a View")
	errTooLate  = errors.New("pgstore: a row is held too late; the transaction runs again")
	errMiss     = errors.New("pgstore: a row is not loaded yet; return this error as it is")
)

// overlay is what transactions have written and nobody has flushed: the
// function's own over the group's.
type overlay struct {
	under    *overlay
	rows     map[key]row
	entries  []entryRow
	attempts []relayAttempt
	counts   map[countKey]relay.Counts
}

// entryRow is a new line of the ledger, with the message that carries it.
type entryRow struct {
	quota.Entry
	message string
	// folded counts the entries that a line stands for; 0 for an entry.
	folded int64
}

type relayAttempt struct {
	ws string
	attemptRow
}

type countKey struct {
	ws      string
	minute  int64
	channel string
}

func newOverlay(under *overlay) *overlay { return &overlay{under: under} }

// keep bounds what an overlay that is used again keeps of its room.
const keep = 128

// reset empties an overlay for the next function.
func (o *overlay) reset() {
	if len(o.rows) > keep {
		o.rows = nil
	}
	clear(o.rows)
	o.entries, o.attempts, o.counts = o.entries[:0], o.attempts[:0], nil
}

func (o *overlay) put(k key, r row) {
	if o.rows == nil {
		o.rows = map[key]row{}
	}
	o.rows[k] = r
}

func (o *overlay) empty() bool {
	if len(o.entries)+len(o.attempts)+len(o.counts) > 0 {
		return false
	}
	for _, r := range o.rows {
		if r.dirty != 0 {
			return false
		}
	}
	return true
}

func (o *overlay) row(k key) (r row, ok bool) {
	for ; o != nil; o = o.under {
		if r, ok = o.rows[k]; ok {
			return r, true
		}
	}
	return row{}, false
}

func (o *overlay) mergeInto(to *overlay) {
	for k, r := range o.rows {
		to.put(k, r)
	}
	to.entries = append(to.entries, o.entries...)
	to.attempts = append(to.attempts, o.attempts...)
	for k, n := range o.counts {
		to.count(k, n)
	}
}

func (o *overlay) count(k countKey, n relay.Counts) {
	if o.counts == nil {
		o.counts = map[countKey]relay.Counts{}
	}
	sum := o.counts[k]
	sum.Add(n)
	sum.Channel = k.channel
	o.counts[k] = sum
}

// read finds a row: written by this function or one before it in its group,
// else loaded. lock asks that it stays as it is until the commit.
func (t *tx) read(k key, lock bool) (row, error) {
	if r, ok := t.o.row(k); ok {
		return r, nil
	}
	lock = lock && !t.view
	if r, ok := t.g.rows[k]; ok && (r.locked || !lock || !r.found) {
		return r, r.bad
	}
	if !k.sound() {
		return row{}, nil // it is in no table, and the database refuses to look
	}
	return t.miss(k, lock)
}

func (t *tx) miss(k key, lock bool) (row, error) {
	if t.glance != nil {
		return t.glance(k)
	}
	t.g.want(k, lock)
	if t.direct != nil {
		return t.loadNow(k, lock)
	}
	t.missed = true
	if !t.guessing {
		return row{}, errMiss
	}
	if r, ok := t.g.rows[k]; ok { // it is there, but not held
		return r, nil
	}
	r, ok := t.g.s.guess(k)
	if !ok {
		return row{}, errMiss
	}
	return r, nil
}

// loadNow loads a row in the middle of a run. One that is there and has to be
// held comes too late for that: what was read before may be older than the
// lock. The next try holds it from the start.
func (t *tx) loadNow(k key, lock bool) (row, error) {
	_, had := t.g.rows[k]
	if t.fault == nil && !had {
		t.fault = t.direct()
	}
	if t.fault == nil && lock && (had || t.g.rows[k].found) {
		t.fault = errTooLate
	}
	r := t.g.rows[k]
	if t.fault != nil {
		return r, t.fault
	}
	return r, r.bad
}

// write puts a row in place of the one that was read.
func (t *tx) write(k key, r row) error {
	if t.view {
		return errReadOnly
	}
	t.o.put(k, r)
	return nil
}

// change reads a row to write it: it is held from then on.
func change[T any](t *tx, k key) (row, T, error) {
	var zero T
	if t.view {
		return row{}, zero, errReadOnly
	}
	r, err := t.read(k, true)
	if err != nil {
		return r, zero, err
	}
	v, _ := r.v.(T)
	return r, v, nil
}

// find reads a row of a kind; relay.ErrNotFound where there is none.
func find[T any](t *tx, k key, lock bool) (T, error) {
	r, err := t.read(k, lock)
	v, ok := r.v.(T)
	if err == nil && (!ok || r.dirty&deleted != 0) {
		err = relay.ErrNotFound
	}
	return v, err
}
