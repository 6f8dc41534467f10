package boltstore

import (
	"context"

	"relevo/queue"
	"relevo/relay"
)

// Lane finds a lane: one that this transaction wrote, else the one in memory,
// which holds what is committed and keeps the monotonic reading of its times.
func (t *tx) Lane(_ context.Context, id string) (queue.Lane, error) {
	if l, found := t.o.lane(id); found {
		return l, nil
	}
	if t.s.opt.ReadOnly {
		return t.storedLane(id)
	}
	t.s.lanes.mu.RLock()
	defer t.s.lanes.mu.RUnlock()
	if l, ok := t.s.lanes.lanes[id]; ok {
		return l.Lane, nil
	}
	return queue.Lane{}, queue.ErrNoLane
}

func (t *tx) storedLane(id string) (queue.Lane, error) {
	l, err := get[queue.Lane](t, bLane, id)
	if err == relay.ErrNotFound {
		err = queue.ErrNoLane
	}
	return l, err
}

// PutLane writes a lane.
func (t *tx) PutLane(_ context.Context, l queue.Lane) error {
	if err := put(t, bLane, l.ID, l); err != nil {
		return err
	}
	t.o.setLane(l)
	return nil
}

// Item finds an item of a lane.
func (t *tx) Item(_ context.Context, lane, id string) (queue.Item, error) {
	i, found := t.o.item(id)
	if !found {
		t.s.lanes.mu.RLock()
		defer t.s.lanes.mu.RUnlock()
		if p, ok := t.s.lanes.items[id]; ok {
			i = &p.Item
		}
	}
	if i == nil || i.Lane != lane {
		return queue.Item{}, queue.ErrNoItem
	}
	return *i, nil
}

// PutItem writes an item.
func (t *tx) PutItem(_ context.Context, i queue.Item) error {
	raw, err := rawID(i.ID)
	if err != nil {
		return err
	}
	if err := put(t, bItem, raw, i); err != nil {
		return err
	}
	t.o.setItem(i.ID, &i)
	return nil
}

// DeleteItem forgets an item.
func (t *tx) DeleteItem(_ context.Context, i queue.Item) error {
	raw, err := rawID(i.ID)
	if err != nil {
		return err
	}
	if err := t.delete(bItem, raw); err != nil {
		return err
	}
	t.o.setItem(i.ID, nil)
	return nil
}

func decodeFetch(raw string, sealed []byte) (relay.Fetch, error) {
	return decode[relay.Fetch](bFetch, raw, sealed)
}
