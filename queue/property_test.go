package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relevo/queue"
)

// TestALaneKeepsCountWhateverItsHoldersDo makes any moves in any order, some
// by holders that lost their lease long ago.
func TestALaneKeepsCountWhateverItsHoldersDo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &run{rt: rt, line: newLine(queue.Spacing{Min: time.Second, Max: 2 * time.Second}), now: start}
		rt.Repeat(map[string]func(*rapid.T){
			"": r.check, "push": r.push, "take": r.take, "finish": r.finish, "retry": r.retry, "release": r.release, "remove": r.remove, "clock": r.clock,
		})
	})
}

type run struct {
	rt     *rapid.T
	line   *line
	now    time.Time
	pushed int
	leases []queue.Lease
	epoch  int64
}

func (r *run) push(*rapid.T) {
	r.pushed++
	ahead, err := queue.Push(context.Background(), r.line, queue.Item{ID: fmt.Sprint(r.pushed), Lane: lane})
	if err != nil || ahead != len(r.line.items)-1 {
		r.rt.Fatalf("push: %d ahead of %d items, error %v", ahead, len(r.line.items), err)
	}
}

// item is any that was ever pushed; found is false for one that is gone.
func (r *run) item() (id string, i queue.Item, found bool) {
	id = fmt.Sprint(rapid.IntRange(1, max(1, r.pushed)).Draw(r.rt, "item"))
	i, found = r.line.items[id]
	return id, i, found
}

func (r *run) take(*rapid.T) {
	id, i, found := r.item()
	held := r.line.lanes[lane].Lease
	l, err := queue.Take(context.Background(), r.line, queue.Item{Lane: lane, ID: id}, "node-a", r.now, lease)
	switch {
	case !found:
		r.want(err, queue.ErrNoItem)
	case held.Item != "":
		r.want(err, queue.ErrBusy)
	default:
		r.want(err, nil)
		if l.Try != i.Try+1 || l.Item != id {
			r.rt.Fatalf("a lease of %s at try %d is %+v", id, i.Try, l)
		}
		r.leases = append(r.leases, l)
	}
}

// lease is any that was ever given; live is true for the one that holds.
func (r *run) lease() (l queue.Lease, live bool) {
	if len(r.leases) == 0 {
		r.rt.Skip("nothing was ever leased")
	}
	l = rapid.SampledFrom(r.leases).Draw(r.rt, "lease")
	return l, l == r.line.lanes[lane].Lease
}

func (r *run) finish(*rapid.T) {
	l, live := r.lease()
	r.decide(l, live, queue.Finish(context.Background(), r.line, l, r.now))
}

func (r *run) retry(*rapid.T) {
	l, live := r.lease()
	r.decide(l, live, queue.Retry(context.Background(), r.line, l, time.Time{}, r.now))
}

func (r *run) decide(l queue.Lease, live bool, err error) {
	if !live {
		r.want(err, queue.ErrLeaseLost)
		return
	}
	r.want(err, nil)
	if after := r.line.lanes[lane]; after.NextFree.Before(r.now.Add(time.Second)) {
		r.rt.Fatalf("the lane rests until %s after an end at %s of %+v", after.NextFree, r.now, l)
	}
}

func (r *run) release(*rapid.T) {
	if _, i, found := r.item(); found && i.Out {
		r.want(queue.Release(context.Background(), r.line, i, r.now), nil)
	}
}

func (r *run) remove(*rapid.T) {
	_, i, found := r.item()
	if !found {
		return
	}
	err := queue.Remove(context.Background(), r.line, i.Lane, i.ID)
	if i.Out {
		r.want(err, queue.ErrOut)
		return
	}
	r.want(err, nil)
}

func (r *run) clock(*rapid.T) {
	r.now = r.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(r.rt, "seconds")) * time.Second)
}

func (r *run) want(err, want error) {
	r.rt.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		r.rt.Fatalf("got error %v, want %v", err, want)
	}
}

// check holds the lane against its items.
func (r *run) check(*rapid.T) {
	l := r.line.lanes[lane]
	if l.Depth != len(r.line.items) {
		r.rt.Fatalf("depth is %d with %d items", l.Depth, len(r.line.items))
	}
	if l.LastSeq != int64(r.pushed) {
		r.rt.Fatalf("the last place is %d after %d pushes", l.LastSeq, r.pushed)
	}
	if l.Epoch < r.epoch {
		r.rt.Fatalf("the epoch went from %d to %d", r.epoch, l.Epoch)
	}
	r.epoch = l.Epoch
	for _, i := range r.line.items {
		if i.Out != (l.Lease.Item == i.ID) {
			r.rt.Fatalf("item %+v on a lane leased as %+v", i, l.Lease)
		}
	}
}
