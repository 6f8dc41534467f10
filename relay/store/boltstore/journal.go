package boltstore

import (
	"context"

	"relevo/relay"
)

// slots is how many attempts a workspace keeps: a ring, so that the newest
// one takes the place of the oldest and nothing has to be deleted.
const slots = 100

// head says how many attempts a workspace ever had; the newest lies in slot
// (Next-1) mod slots.
type head struct {
	Next int64 `json:"next"`
}

// attemptRow is an attempt with its place, so that it can be written again.
type attemptRow struct {
	Seq     int64         `json:"seq"`
	Attempt relay.Attempt `json:"attempt"`
}

func slotKey(workspace string, seq int64) string {
	return workspace + string([]byte{byte(seq % slots)})
}

// LastAttempts are the newest n of a workspace, newest first.
func (t *tx) LastAttempts(_ context.Context, workspace string, n int) ([]relay.Attempt, error) {
	h, err := orZero[head](t, bHead, workspace)
	if err != nil {
		return nil, err
	}
	var out []relay.Attempt
	for seq := h.Next - 1; seq >= max(0, h.Next-int64(min(n, slots))); seq-- {
		row, err := get[attemptRow](t, bAttempt, slotKey(workspace, seq))
		if err != nil {
			return nil, err
		}
		out = append(out, row.Attempt)
	}
	return out, nil
}

// AppendAttempt writes a new attempt over the oldest.
func (t *tx) AppendAttempt(_ context.Context, a relay.Attempt) error {
	h, err := orZero[head](t, bHead, a.Workspace)
	if err != nil {
		return err
	}
	row := attemptRow{Seq: h.Next, Attempt: a}
	h.Next++
	if err := put(t, bHead, a.Workspace, h); err != nil {
		return err
	}
	return put(t, bAttempt, slotKey(a.Workspace, row.Seq), row)
}

// PutAttempt writes one of the newest again.
func (t *tx) PutAttempt(_ context.Context, a relay.Attempt) error {
	h, err := orZero[head](t, bHead, a.Workspace)
	if err != nil {
		return err
	}
	for seq := h.Next - 1; seq >= max(0, h.Next-slots); seq-- {
		row, err := get[attemptRow](t, bAttempt, slotKey(a.Workspace, seq))
		if err != nil {
			return err
		}
		if row.Attempt.ID == a.ID {
			row.Attempt = a
			return put(t, bAttempt, slotKey(a.Workspace, seq), row)
		}
	}
	return relay.ErrNotFound
}

// Key finds what an idempotency key was used for.
func (t *tx) Key(_ context.Context, workspace, key string) (relay.KeyUse, error) {
	return get[relay.KeyUse](t, bKey, keyKey(workspace, key))
}

// PutKey remembers what a key was used for.
func (t *tx) PutKey(_ context.Context, workspace, key string, u relay.KeyUse) error {
	return put(t, bKey, keyKey(workspace, key), u)
}

// EditAttempts goes through all attempts of a workspace.
func (s *Store) EditAttempts(ctx context.Context, workspace string, edit func(*relay.Attempt) bool) (changed int, err error) {
	err = s.do(ctx, &request{fn: func(t *tx) error {
		changed = 0
		h, err := orZero[head](t, bHead, workspace)
		if err != nil {
			return err
		}
		for seq := h.Next - 1; seq >= max(0, h.Next-slots); seq-- {
			row, err := get[attemptRow](t, bAttempt, slotKey(workspace, seq))
			if err != nil {
				return err
			}
			if !edit(&row.Attempt) {
				continue
			}
			changed++
			if err := put(t, bAttempt, slotKey(workspace, seq), row); err != nil {
				return err
			}
		}
		return nil
	}})
	return changed, err
}
