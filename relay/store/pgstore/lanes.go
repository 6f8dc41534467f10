package pgstore

import (
	"context"
	"fmt"
	"strings"

	"relevo/queue"
	"relevo/relay"
)

func laneKey(id string) key {
	return key{t: tLane, ws: relay.WorkspaceOfLane(id), a: id}
}

// Lane finds a lane and holds it.
func (t *tx) Lane(_ context.Context, id string) (queue.Lane, error) {
	r, err := t.read(laneKey(id), true)
	l, ok := r.v.(laneRow)
	if err == nil && !ok {
		err = queue.ErrNoLane
	}
	return l.Lane, err
}

// PutLane writes a lane. When it may release something is worked out again,
// unless it has only got longer: that is for its new item to say.
func (t *tx) PutLane(_ context.Context, l queue.Lane) error {
	if !strings.Contains(l.ID, "/") {
		return fmt.Errorf("lane %.80q does not begin with its workspace", l.ID)
	}
	r, old, err := change[laneRow](t, laneKey(l.ID))
	if err != nil {
		return err
	}
	if l.Lease.Item != "" {
		old.holder = l.Lease.Owner
	}
	longer := old.Lane
	longer.Depth, longer.LastSeq = l.Depth, l.LastSeq
	old.settled = old.settled && longer == l && l.Depth > old.Depth
	old.Lane = l
	r.v, r.dirty = old, dirtyRecord
	return t.write(laneKey(l.ID), r)
}

// touch makes the next claim look at a lane again: one of its items changed.
func (t *tx) touch(lane string) error {
	r, l, err := change[laneRow](t, laneKey(lane))
	if err != nil || r.v == nil {
		return err
	}
	l.settled = false
	r.v, r.dirty = l, r.dirty|dirtyRecord
	return t.write(laneKey(lane), r)
}

// settleDue notes when a lane may release something, as a claim found out.
func (t *tx) settleDue(lane string, due optionalTime) error {
	r, l, err := change[laneRow](t, laneKey(lane))
	if err != nil || r.v == nil {
		return err
	}
	l.due, l.settled = due, true
	r.v, r.dirty = l, r.dirty|dirtyDue
	return t.write(laneKey(lane), r)
}

// Item finds an item of a lane.
func (t *tx) Item(_ context.Context, lane, id string) (queue.Item, error) {
	_, m, err := t.message(relay.WorkspaceOfLane(lane), id)
	if err == nil && (m.item == nil || m.item.Lane != lane) {
		err = queue.ErrNoItem
	}
	if err != nil {
		return queue.Item{}, err
	}
	return *m.item, nil
}

// PutItem writes an item.
func (t *tx) PutItem(_ context.Context, i queue.Item) error { return t.place(i, &i) }

// DeleteItem forgets an item.
func (t *tx) DeleteItem(_ context.Context, i queue.Item) error { return t.place(i, nil) }

func (t *tx) place(i queue.Item, at *queue.Item) error {
	ws := relay.WorkspaceOfLane(i.Lane)
	r, m, err := t.message(ws, i.ID)
	if err != nil {
		return err
	}
	behind := false
	if m.item == nil && at != nil {
		if behind, err = t.behind(i); err != nil {
			return err
		}
	}
	if !behind {
		if err := t.touch(i.Lane); err != nil {
			return err
		}
	}
	m.item = at
	return t.putMessage(ws, i.ID, r, m, dirtyPlace)
}

// behind reports a new item that makes its lane release nothing earlier than
// the last claim found out: another one of its recipient is there before it.
// Otherwise each one of thousands would make the next claim look through all.
func (t *tx) behind(i queue.Item) (bool, error) {
	lane, err := t.read(laneKey(i.Lane), true)
	if l, _ := lane.v.(laneRow); err != nil || !l.settled {
		return false, err
	}
	r, err := t.read(key{t: tAhead, ws: relay.WorkspaceOfLane(i.Lane), a: i.Lane, b: plain(i.Recipient)}, false)
	return r.found, err
}
