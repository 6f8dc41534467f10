package pgstore

import (
	"context"
	"slices"

	"relevo/relay"
)

// slots is how many attempts a workspace keeps: a ring, so that the newest
// one takes the place of the oldest and nothing has to be deleted.
const slots = 100

// newest is how many attempts LastAttempts tells at most.
const newest = 3

// LastAttempts are the newest n of a workspace, newest first.
func (t *tx) LastAttempts(_ context.Context, workspace string, n int) ([]relay.Attempt, error) {
	list, err := t.attempts(workspace)
	if err != nil {
		return nil, err
	}
	var out []relay.Attempt
	for _, a := range list[:min(n, newest, len(list))] {
		a.attempt.Warnings = slices.Clone(a.attempt.Warnings)
		out = append(out, a.attempt)
	}
	return out, nil
}

// attempts are the newest, newest first: those that were loaded and those that
// this transaction appended.
func (t *tx) attempts(workspace string) ([]attemptRow, error) {
	if _, _, err := t.workspace(workspace); err != nil { // it holds the ring
		return nil, err
	}
	r, err := t.read(key{t: tAttempts, ws: workspace}, false)
	list, _ := r.v.([]attemptRow)
	return list, err
}

// AppendAttempt writes a new attempt over the oldest.
func (t *tx) AppendAttempt(_ context.Context, a relay.Attempt) error {
	r, w, err := t.workspace(a.Workspace)
	if err != nil {
		return err
	}
	if t.view {
		return errReadOnly
	}
	at := attemptRow{seq: w.attempts, attempt: a}
	w.attempts++
	t.o.attempts = append(t.o.attempts, relayAttempt{a.Workspace, at})
	k := key{t: tAttempts, ws: a.Workspace}
	if known, ok := t.known(k); ok {
		list, _ := known.v.([]attemptRow)
		known.v = append([]attemptRow{at}, list...)
		if err := t.write(k, known); err != nil {
			return err
		}
	}
	return t.putWorkspace(a.Workspace, r, w, dirtyAccount)
}

// known is a row that somebody has asked for; nobody else has to know of it.
func (t *tx) known(k key) (row, bool) {
	if r, ok := t.o.row(k); ok {
		return r, true
	}
	r, ok := t.g.rows[k]
	return r, ok
}

// PutAttempt writes one of the newest again.
func (t *tx) PutAttempt(_ context.Context, a relay.Attempt) error {
	if t.view {
		return errReadOnly
	}
	list, err := t.attempts(a.Workspace)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(r attemptRow) bool { return r.attempt.ID == a.ID })
	if i < 0 {
		return relay.ErrNotFound
	}
	list = slices.Clone(list)
	list[i].attempt = a
	t.o.attempts = append(t.o.attempts, relayAttempt{a.Workspace, list[i]})
	return t.write(key{t: tAttempts, ws: a.Workspace}, row{v: list})
}

// Key finds what an idempotency key was used for.
func (t *tx) Key(_ context.Context, workspace, k string) (relay.KeyUse, error) {
	return find[relay.KeyUse](t, key{t: tKey, ws: workspace, a: hashKey(k)}, false)
}

// PutKey remembers what a key was used for.
func (t *tx) PutKey(_ context.Context, workspace, k string, u relay.KeyUse) error {
	return t.write(key{t: tKey, ws: workspace, a: hashKey(k)}, row{v: u, dirty: dirtyRecord})
}
