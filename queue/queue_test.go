package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relevo/queue"
)

func TestPushPutsAnItemBehindAllOthers(t *testing.T) {
	q := newLine(queue.Spacing{})
	for want, id := range []string{"a", "b", "c"} {
		ahead, err := queue.Push(t.Context(), q, queue.Item{ID: id, Lane: lane, Seq: 99})
		if err != nil || ahead != want {
			t.Errorf("%s has %d ahead, error %v; want %d", id, ahead, err, want)
		}
		if got := q.items[id].Seq; got != int64(want+1) {
			t.Errorf("%s has place %d, want %d", id, got, want+1)
		}
	}
	if err := queue.Remove(t.Context(), q, lane, "c"); err != nil {
		t.Fatal(err)
	}
	q.push(t, "d")
	if got := q.items["d"].Seq; got != 4 {
		t.Errorf("after a removal the next place is %d, want 4: a place is never used again", got)
	}
	if got := q.lanes[lane].Depth; got != 3 {
		t.Errorf("depth is %d, want 3", got)
	}
}

func TestTakeLeasesTheItemAndLetsTheLaneRestUntilTheLeaseEnds(t *testing.T) {
	q := newLine(queue.Spacing{})
	q.push(t, "a", "b")
	got := q.take(t, "a", start)
	want := queue.Lease{Lane: lane, Item: "a", Owner: "node-a", Epoch: 1, Try: 1, Until: start.Add(lease)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lease (-want +got):\n%s", diff)
	}
	l := q.lanes[lane]
	if l.Lease != want || l.Epoch != 1 || !l.NextFree.Equal(want.Until) || l.Depth != 2 {
		t.Errorf("the lane is %+v, want it leased until %s with depth 2", l, want.Until)
	}
	if i := q.items["a"]; !i.Out || i.Try != 1 {
		t.Errorf("the item is %+v, want it out at try 1", i)
	}
}

func TestALaneThatIsNotOpenSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		lane         queue.Lane
	}{
		{"open", "", queue.Lane{}},
		{"at home here", "", queue.Lane{Home: "node-a"}},
		{"still resting", "", queue.Lane{NextFree: start.Add(time.Hour)}}, // the store's to judge
		{"paused", "paused", queue.Lane{Paused: true}},
		{"on hold", "on hold", queue.Lane{Hold: "balance"}},
		{"at home elsewhere", "at home elsewhere", queue.Lane{Home: "node-b"}},
		{"leased", "leased", queue.Lane{Lease: queue.Lease{Item: "x"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.lane.Open("node-a", start)
			if c.reason == "" {
				if err != nil {
					t.Errorf("Open says %v, want nil", err)
				}
				return
			}
			if !errors.Is(err, queue.ErrBusy) || !strings.HasSuffix(err.Error(), c.reason) {
				t.Errorf("Open says %v, want ErrBusy with %q", err, c.reason)
			}
		})
	}
}

func TestWhatCannotBeTakenIsLeftAsItWas(t *testing.T) {
	edit := func(change func(*queue.Lane, *queue.Item)) func(*line) {
		return func(q *line) {
			l, i := q.lanes[lane], q.items["a"]
			change(&l, &i)
			q.lanes[lane], q.items["a"] = l, i
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*line)
		want  error
	}{
		{"no item", func(q *line) { delete(q.items, "a") }, queue.ErrNoItem},
		{"no lane", func(q *line) { delete(q.lanes, lane) }, queue.ErrNoLane},
		{"paused", edit(func(l *queue.Lane, _ *queue.Item) { l.Paused = true }), queue.ErrBusy},
		{"on hold", edit(func(l *queue.Lane, _ *queue.Item) { l.Hold = "balance" }), queue.ErrBusy},
		{"at home elsewhere", edit(func(l *queue.Lane, _ *queue.Item) { l.Home = "node-b" }), queue.ErrBusy},
		{"another one is out", edit(func(l *queue.Lane, _ *queue.Item) { l.Lease.Item = "b" }), queue.ErrBusy},
		{"out already", edit(func(_ *queue.Lane, i *queue.Item) { i.Out = true }), queue.ErrOut},
		{"being prepared", edit(func(_ *queue.Lane, i *queue.Item) { i.Unready = true }), queue.ErrOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newLine(queue.Spacing{})
			q.push(t, "a", "b")
			c.spoil(q)
			before := q.clone()
			l, err := queue.Take(t.Context(), q, queue.Item{Lane: lane, ID: "a"}, "node-a", start, lease)
			if !errors.Is(err, c.want) || l != (queue.Lease{}) || !q.equal(before) {
				t.Errorf("got lease %+v, error %v, changed %t; want no lease, %v, no change", l, err, !q.equal(before), c.want)
			}
		})
	}
}

func TestFinishTakesTheItemOutAndTheLaneRestsFromTheEndOfTheWork(t *testing.T) {
	q := newLine(queue.Spacing{Min: 1500 * time.Millisecond, Max: 2500 * time.Millisecond})
	q.push(t, "a", "b")
	held := q.take(t, "a", start)
	end := start.Add(3 * time.Second)
	if err := queue.Finish(t.Context(), q, held, end); err != nil {
		t.Fatal(err)
	}
	if _, found := q.items["a"]; found {
		t.Error("the item is still there")
	}
	wantFreed(t, q.lanes[lane], end, 1)
	if next := q.take(t, "b", end.Add(3*time.Second)); next.Epoch != 2 || next.Try != 1 {
		t.Errorf("the next lease is %+v, want epoch 2, try 1", next)
	}
}

// wantFreed checks a lane that nobody holds and that rests between 1.5 and
// 2.5 s from end on.
func wantFreed(t *testing.T, l queue.Lane, end time.Time, depth int) {
	t.Helper()
	if l.Lease != (queue.Lease{}) || !l.LastEnd.Equal(end) || l.Depth != depth {
		t.Errorf("the lane is %+v, want it free since %s with depth %d", l, end, depth)
	}
	if rest := l.NextFree.Sub(end); rest < 1500*time.Millisecond || rest > 2500*time.Millisecond {
		t.Errorf("the lane rests for %s, want 1.5 s to 2.5 s", rest)
	}
}

func TestRetryPutsTheItemBackWithItsPlaceAndItsTries(t *testing.T) {
	end := start.Add(3 * time.Second)
	for _, c := range []struct {
		name      string
		notBefore time.Time
		want      time.Time
	}{
		{"behind its delay", end.Add(time.Minute), end.Add(time.Minute)},
		{"to the head at once", time.Time{}, end},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newLine(queue.Spacing{Min: 1500 * time.Millisecond, Max: 2500 * time.Millisecond})
			q.push(t, "a", "b")
			held := q.take(t, "a", start)
			if err := queue.Retry(t.Context(), q, held, c.notBefore, end); err != nil {
				t.Fatal(err)
			}
			i := q.items["a"]
			if i.Out || i.Try != 1 || i.Seq != 1 || !i.NotBefore.Equal(c.want) {
				t.Errorf("the item is %+v, want it in at place 1, try 1, not before %s", i, c.want)
			}
			wantFreed(t, q.lanes[lane], end, 2)
			if again := q.take(t, "a", end.Add(time.Hour)); again.Try != 2 || again.Epoch != 2 {
				t.Errorf("the next lease is %+v, want try 2, epoch 2", again)
			}
		})
	}
}

func TestAHolderWhoseLeaseIsLostDecidesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		want error
		lose func(*testing.T, *line, *queue.Lease)
	}{
		{"the item was released", queue.ErrLeaseLost, func(t *testing.T, q *line, l *queue.Lease) {
			if err := queue.Release(t.Context(), q, q.items[l.Item], start); err != nil {
				t.Fatal(err)
			}
		}},
		{"the item was put back", queue.ErrLeaseLost, func(t *testing.T, q *line, l *queue.Lease) {
			if err := queue.Retry(t.Context(), q, *l, time.Time{}, start); err != nil {
				t.Fatal(err)
			}
		}},
		{"the item was put back and taken again", queue.ErrLeaseLost, func(t *testing.T, q *line, l *queue.Lease) {
			if err := queue.Retry(t.Context(), q, *l, time.Time{}, start); err != nil {
				t.Fatal(err)
			}
			q.take(t, l.Item, start.Add(time.Minute))
		}},
		{"another item is out", queue.ErrLeaseLost, func(t *testing.T, q *line, l *queue.Lease) {
			if err := queue.Finish(t.Context(), q, *l, start); err != nil {
				t.Fatal(err)
			}
			q.take(t, "b", start.Add(time.Minute))
		}},
		{"an older epoch", queue.ErrLeaseLost, func(_ *testing.T, _ *line, l *queue.Lease) { l.Epoch-- }},
		{"an older try", queue.ErrLeaseLost, func(_ *testing.T, _ *line, l *queue.Lease) { l.Try-- }},
		{"the lane is gone", queue.ErrNoLane, func(_ *testing.T, q *line, _ *queue.Lease) { delete(q.lanes, lane) }},
		{"the item is gone", queue.ErrNoItem, func(_ *testing.T, q *line, l *queue.Lease) { delete(q.items, l.Item) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := newLine(queue.Spacing{})
			q.push(t, "a", "b")
			held := q.take(t, "a", start)
			c.lose(t, q, &held)
			before := q.clone()
			if err := queue.Finish(t.Context(), q, held, start.Add(time.Hour)); !errors.Is(err, c.want) {
				t.Errorf("finish says %v, want %v", err, c.want)
			}
			if err := queue.Retry(t.Context(), q, held, time.Time{}, start.Add(time.Hour)); !errors.Is(err, c.want) {
				t.Errorf("retry says %v, want %v", err, c.want)
			}
			if !q.equal(before) {
				t.Errorf("it changed something:\n%s", cmp.Diff(before.lanes, q.lanes))
			}
		})
	}
}

func TestReleaseFreesTheLaneOfADeadHolderForOneFullSpacing(t *testing.T) {
	q := newLine(queue.Spacing{Min: time.Second, Max: time.Minute})
	q.push(t, "a", "b")
	q.take(t, "a", start)
	now := start.Add(time.Hour)
	if err := queue.Release(t.Context(), q, q.items["a"], now); err != nil {
		t.Fatal(err)
	}
	l := q.lanes[lane]
	if _, found := q.items["a"]; found || l.Lease != (queue.Lease{}) || l.Depth != 1 || !l.LastEnd.Equal(now) {
		t.Errorf("the lane is %+v, want it free with depth 1 and without the item", l)
	}
	if rest := l.NextFree.Sub(now); rest != time.Minute {
		t.Errorf("the lane rests for %s, want one full spacing", rest)
	}
}

func TestReleaseLeavesTheLeaseOfANewerHolderAlone(t *testing.T) {
	q := newLine(queue.Spacing{Min: time.Second, Max: time.Minute})
	q.push(t, "a", "b")
	held := q.take(t, "b", start)
	if err := queue.Release(t.Context(), q, q.items["a"], start.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if l := q.lanes[lane]; l.Lease != held || !l.NextFree.Equal(held.Until) || l.Depth != 1 {
		t.Errorf("the lane is %+v, want it leased as before, with depth 1", l)
	}
}

func TestOnlyAnItemThatIsInCanBeRemoved(t *testing.T) {
	q := newLine(queue.Spacing{})
	q.push(t, "a", "b")
	held := q.take(t, "a", start)
	before := q.clone()
	if err := queue.Remove(t.Context(), q, lane, "a"); !errors.Is(err, queue.ErrOut) || !q.equal(before) {
		t.Errorf("removing what is out says %v, want ErrOut and no change", err)
	}
	if err := queue.Remove(t.Context(), q, lane, "b"); err != nil {
		t.Fatal(err)
	}
	if _, found := q.items["b"]; found || q.lanes[lane].Depth != 1 || q.lanes[lane].Lease != held {
		t.Errorf("the lane is %+v, want depth 1 and the lease as before", q.lanes[lane])
	}
}

func TestWithoutALaneNothingIsPushedOrTakenOut(t *testing.T) {
	q := newLine(queue.Spacing{})
	stray := queue.Item{ID: "a", Lane: "ch_2"}
	for name, move := range map[string]func(context.Context) error{
		"push":    func(ctx context.Context) error { _, err := queue.Push(ctx, q, stray); return err },
		"release": func(ctx context.Context) error { return queue.Release(ctx, q, stray, start) },
		"remove":  func(ctx context.Context) error { return queue.Remove(ctx, q, stray.Lane, stray.ID) },
	} {
		if err := move(t.Context()); !errors.Is(err, queue.ErrNoLane) || len(q.items) != 0 {
			t.Errorf("%s says %v, want ErrNoLane and no item", name, err)
		}
	}
}
