package queue_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"relevo/queue"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

const (
	lane  = "ch_1"
	lease = 45 * time.Second
)

// line is a transaction over plain maps.
type line struct {
	lanes map[string]queue.Lane
	items map[string]queue.Item
}

func newLine(spacing queue.Spacing) *line {
	l := queue.Lane{ID: lane, Workspace: "ws_1", Group: "ch_1", Spacing: spacing}
	return &line{lanes: map[string]queue.Lane{lane: l}, items: map[string]queue.Item{}}
}

func (q *line) Lane(_ context.Context, id string) (queue.Lane, error) {
	l, found := q.lanes[id]
	if !found {
		return l, queue.ErrNoLane
	}
	return l, nil
}

func (q *line) PutLane(_ context.Context, l queue.Lane) error {
	q.lanes[l.ID] = l
	return nil
}

func (q *line) Item(_ context.Context, _, id string) (queue.Item, error) {
	i, found := q.items[id]
	if !found {
		return i, queue.ErrNoItem
	}
	return i, nil
}

func (q *line) PutItem(_ context.Context, i queue.Item) error {
	q.items[i.ID] = i
	return nil
}

func (q *line) DeleteItem(_ context.Context, i queue.Item) error {
	delete(q.items, i.ID)
	return nil
}

func (q *line) clone() *line {
	return &line{lanes: maps.Clone(q.lanes), items: maps.Clone(q.items)}
}

func (q *line) equal(other *line) bool {
	return maps.Equal(q.lanes, other.lanes) && maps.Equal(q.items, other.items)
}

// the story in short words; each step must succeed.

func (q *line) push(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := queue.Push(t.Context(), q, queue.Item{ID: id, Lane: lane, Recipient: "+1" + id}); err != nil {
			t.Fatalf("push %s: %v", id, err)
		}
	}
}

func (q *line) take(t *testing.T, id string, now time.Time) queue.Lease {
	t.Helper()
	l, err := queue.Take(t.Context(), q, queue.Item{Lane: lane, ID: id}, "node-a", now, lease)
	if err != nil {
		t.Fatalf("take %s: %v", id, err)
	}
	return l
}
