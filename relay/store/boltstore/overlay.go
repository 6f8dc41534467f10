package boltstore

import (
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"relevo/queue"
)

// overlay is what transactions have written and nobody has flushed: the
// function's own over the group's over the file. A nil value is a deletion.
type overlay struct {
	under *overlay
	rows  [buckets]map[string][]byte
	// lanes and items as values: they go into the memory after the commit, and
	// a lane keeps the monotonic reading of its times there.
	lanes map[string]queue.Lane
	items map[string]*queue.Item
}

func newOverlay(under *overlay) *overlay { return &overlay{under: under} }

func (o *overlay) empty() bool {
	for _, m := range o.rows {
		if len(m) > 0 {
			return false
		}
	}
	return true
}

// row finds a written row; found is false where nobody wrote it.
func (o *overlay) row(b bucket, key string) (v []byte, found bool) {
	for ; o != nil; o = o.under {
		if v, found = o.rows[b][key]; found {
			return v, true
		}
	}
	return nil, false
}

func (o *overlay) put(b bucket, key string, v []byte) {
	if o.rows[b] == nil {
		o.rows[b] = make(map[string][]byte, 4)
	}
	o.rows[b][key] = v
}

func (o *overlay) lane(id string) (l queue.Lane, found bool) {
	for ; o != nil; o = o.under {
		if l, found = o.lanes[id]; found {
			return l, true
		}
	}
	return l, false
}

func (o *overlay) item(id string) (i *queue.Item, found bool) {
	for ; o != nil; o = o.under {
		if i, found = o.items[id]; found {
			return i, true
		}
	}
	return nil, false
}

func (o *overlay) setLane(l queue.Lane) {
	if o.lanes == nil {
		o.lanes = make(map[string]queue.Lane, 2)
	}
	o.lanes[l.ID] = l
}

func (o *overlay) setItem(id string, i *queue.Item) {
	if o.items == nil {
		o.items = make(map[string]*queue.Item, 2)
	}
	o.items[id] = i
}

func (o *overlay) mergeInto(to *overlay) {
	for b, rows := range o.rows {
		if len(rows) == 0 {
			continue
		}
		if to.rows[b] == nil {
			to.rows[b] = rows
			continue
		}
		maps.Copy(to.rows[b], rows)
	}
	for _, l := range o.lanes {
		to.setLane(l)
	}
	for id, i := range o.items {
		to.setItem(id, i)
	}
}

// flush writes the rows into a bbolt transaction, in the order of their keys,
// so that neighbours share a page.
func (o *overlay) flush(t *bolt.Tx) error {
	for b, rows := range o.rows {
		if len(rows) == 0 {
			continue
		}
		bk := t.Bucket(bucket(b).name())
		bk.FillPercent = bucket(b).fill()
		for _, k := range slices.Sorted(maps.Keys(rows)) {
			if err := flushRow(bk, []byte(k), rows[k]); err != nil {
				return fmt.Errorf("%s: %w", bucket(b).name(), err)
			}
		}
	}
	return nil
}

func flushRow(b *bolt.Bucket, k, v []byte) error {
	if v == nil {
		return b.Delete(k)
	}
	return b.Put(k, v)
}
