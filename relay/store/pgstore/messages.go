package pgstore

import (
	"context"
	"fmt"
	"time"

	"relevo/queue"
	"relevo/relay"
)

func messageKey(workspace, id string) (key, bool) {
	short, ok := shortID(id)
	return key{t: tMessage, ws: workspace, a: short}, ok
}

// message reads the row of a message and holds it: whoever reads one in an
// Update is about to write it.
func (t *tx) message(workspace, id string) (row, messageRow, error) {
	k, ok := messageKey(workspace, id)
	if !ok {
		return row{}, messageRow{}, nil
	}
	r, err := t.read(k, true)
	m, _ := r.v.(messageRow)
	return r, m, err
}

// whole is message for who needs its record or its marks.
func (t *tx) whole(workspace, id string) (row, messageRow, error) {
	r, m, err := t.message(workspace, id)
	if err == nil {
		err = m.bad
	}
	return r, m, err
}

func (t *tx) putMessage(workspace, id string, r row, m messageRow, p part) error {
	if t.view {
		return errReadOnly
	}
	k, ok := messageKey(workspace, id)
	if !ok {
		return fmt.Errorf("%w: malformed message id", relay.ErrNotFound)
	}
	r.v, r.dirty = m, r.dirty|p
	return t.write(k, r)
}

// Message finds one by id.
func (t *tx) Message(_ context.Context, workspace, id string) (relay.Message, error) {
	_, m, err := t.whole(workspace, id)
	if err == nil && m.record == nil {
		err = relay.ErrNotFound
	}
	if err != nil {
		return relay.Message{}, err
	}
	return cloneMessage(*m.record), nil
}

// PutMessage writes one.
func (t *tx) PutMessage(_ context.Context, rec relay.Message) error {
	r, m, err := t.whole(rec.Workspace, rec.ID)
	if err != nil {
		return err
	}
	rec = cloneMessage(rec)
	m.record = &rec
	if rec.ProviderID != "" {
		k := providerKey(rec.Workspace, rec.Channel, rec.ProviderID)
		if _, seen := t.o.row(k); !seen { // for this transaction alone; the row itself is found by its column
			if err := t.write(k, row{v: rec.ID}); err != nil {
				return err
			}
		}
	}
	return t.putMessage(rec.Workspace, rec.ID, r, m, dirtyRecord)
}

func providerKey(workspace, channel, providerID string) key {
	return key{t: tProvider, ws: workspace, a: channel, b: plain(providerID)}
}

// MessageByProvider finds a message by its provider's id on a channel.
func (t *tx) MessageByProvider(_ context.Context, workspace, channel, providerID string) (string, error) {
	if providerID == "" {
		return "", relay.ErrNotFound
	}
	return find[string](t, providerKey(workspace, channel, providerID), false)
}

// Count adds to a channel's counters for one minute.
func (t *tx) Count(_ context.Context, workspace string, at time.Time, c relay.Counts) error {
	if t.view {
		return errReadOnly
	}
	t.o.count(countKey{ws: workspace, minute: at.Unix() / 60, channel: c.Channel}, c)
	return nil
}

// Fetch finds the job that fetches a message's file.
func (t *tx) Fetch(_ context.Context, workspace, messageID string) (relay.Fetch, error) {
	k, ok := fetchKey(workspace, messageID)
	if !ok {
		return relay.Fetch{}, relay.ErrNotFound
	}
	return find[relay.Fetch](t, k, false)
}

func fetchKey(workspace, messageID string) (key, bool) {
	short, ok := shortID(messageID)
	return key{t: tFetch, ws: workspace, a: short}, ok
}

// PutFetch writes one.
func (t *tx) PutFetch(_ context.Context, f relay.Fetch) error {
	return t.putFetch(f, row{v: f, dirty: dirtyRecord})
}

// DeleteFetch forgets one.
func (t *tx) DeleteFetch(_ context.Context, f relay.Fetch) error {
	return t.putFetch(f, row{dirty: deleted})
}

func (t *tx) putFetch(f relay.Fetch, next row) error {
	k, ok := fetchKey(f.Workspace, f.MessageID)
	if !ok {
		return fmt.Errorf("%w: malformed message id", relay.ErrNotFound)
	}
	r, _, err := change[relay.Fetch](t, k) // held from here on
	if err != nil {
		return err
	}
	next.found, next.locked = r.found, r.locked
	return t.write(k, next)
}

// dueOf is when a lane may release something at the earliest, by what the
// lane itself says: its line may make it later.
func dueOf(l queue.Lane) optionalTime {
	switch {
	case l.Lease.Item != "":
		return optionalTime{l.NextFree, true} // the end of the lease: its holder is gone by then
	case l.Paused, l.Hold != "", l.Depth <= 0:
		return optionalTime{}
	case l.NextFree.IsZero():
		return optionalTime{time.Unix(0, 0), true} // a lane that was never used
	}
	return optionalTime{l.NextFree, true}
}

// optionalTime is a time, or none.
type optionalTime struct {
	time.Time
	ok bool
}
