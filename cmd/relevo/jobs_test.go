package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relevo/relay"
)

var quiet = slog.New(slog.DiscardHandler)

// wall is a calendar for several nodes.
type wall struct {
	mu   sync.Mutex
	days map[string]day
	gone bool // it cannot be reached
}

type day struct {
	last, until time.Time
	owner       string
}

var errGone = errors.New("the calendar is gone")

func (w *wall) edit(name string, fn func(*day)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return errGone
	}
	if w.days == nil {
		w.days = map[string]day{}
	}
	d := w.days[name]
	fn(&d)
	w.days[name] = d
	return nil
}

func (w *wall) TakeJob(_ context.Context, name, node string, last time.Time, lease time.Duration) (mine bool, err error) {
	err = w.edit(name, func(d *day) {
		if mine = d.last.Equal(last) && (d.owner == "" || d.owner == node || d.until.Before(time.Now())); mine {
			d.owner, d.until = node, time.Now().Add(lease)
		}
	})
	return mine, err
}

func (w *wall) Job(_ context.Context, name string) (last time.Time, err error) {
	err = w.edit(name, func(d *day) { last = d.last })
	return last, err
}

func (w *wall) PutJob(_ context.Context, name string, last time.Time) error {
	return w.edit(name, func(d *day) { *d = day{last: last} })
}

// cut ends or restores the way to the calendar.
func (w *wall) cut(gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = gone
}

// onNode are jobs of a node.
func onNode(node string, w *wall, list ...relay.Job) *jobs {
	return &jobs{list: list, calendar: w, node: node, log: quiet}
}

// started runs jobs until stop.
func started(t *testing.T, j *jobs) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAJobRunsOnceForAllNodesAndGoesOnWhereOneStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		job := relay.Job{Name: "j", Schedule: "@every 5s", Run: func(context.Context) error {
			runs.Add(1)
			time.Sleep(1500 * time.Millisecond)
			return nil
		}}
		var cal wall
		stops := make([]func(), 3)
		for i := range stops { // half a second apart
			stops[i] = started(t, onNode(fmt.Sprint(i), &cal, job))
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(time.Minute - 1600*time.Millisecond)
		if got := runs.Load(); got != 12 {
			t.Errorf("%d runs on three nodes in a minute, want one every 5 s", got)
		}
		stops[0]()
		stops[1]()
		time.Sleep(time.Minute)
		if got := runs.Load(); got < 22 || got > 24 {
			t.Errorf("%d runs after two of three nodes stopped for a minute, want about 24", got)
		}
		stops[2]()
	})
}

func TestAJobThatRanIsNotCaughtUp(t *testing.T) {
	for _, c := range []struct {
		name, schedule string
		ago            time.Duration
		want           int32
	}{
		{"never run", "17 * * * *", 0, 1},
		{"missed", "17 * * * *", 2 * time.Hour, 1},
		{"run since", "17 * * * *", time.Nanosecond, 0},
		{"a little early by another clock", "@every 5s", 4700 * time.Millisecond, 1},
		{"too early", "@every 5s", 3 * time.Second, 0},
		{"run in a future that a wrong clock told", "17 * * * *", -240 * time.Hour, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int32
				var cal wall
				if c.ago != 0 {
					cal.days = map[string]day{"j": {last: time.Now().Add(-c.ago)}}
				}
				stop := started(t, onNode("a", &cal, relay.Job{Name: "j", Schedule: c.schedule, Run: func(context.Context) error {
					runs.Add(1)
					return nil
				}}))
				synctest.Wait()
				stop()
				if got := runs.Load(); got != c.want {
					t.Errorf("%d runs at the start, want %d", got, c.want)
				}
			})
		})
	}
}

func TestALongJobKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		long := relay.Job{Name: "long", Schedule: "@every 5s", Run: func(ctx context.Context) error {
			runs.Add(1)
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Minute):
			}
			return ctx.Err()
		}}
		var cal wall
		first, second := started(t, onNode("a", &cal, long)), started(t, onNode("b", &cal, long))
		time.Sleep(9 * time.Minute)
		if got := runs.Load(); got != 1 {
			t.Errorf("%d runs of a long job, want 1: its lease is renewed", got)
		}
		first()
		second()
	})
}

func TestAJobWhoseLeaseIsLostIsBrokenOff(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(*testing.T, *wall)
		at   time.Duration
	}{
		{"another node has it", func(t *testing.T, w *wall) {
			if err := w.edit("j", func(d *day) { d.owner, d.until = "b", time.Now().Add(time.Hour) }); err != nil {
				t.Error(err)
			}
		}, renewEvery},
		{"the calendar cannot be reached", func(_ *testing.T, w *wall) { w.cut(true) }, 2 * renewEvery},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cal wall
				began := time.Now()
				var broken time.Time
				job := relay.Job{Name: "j", Schedule: "0 3 * * *", Run: func(ctx context.Context) error {
					<-ctx.Done()
					if broken = time.Now(); !errors.Is(context.Cause(ctx), errTaken) {
						t.Errorf("broken off because of %v, want errTaken", context.Cause(ctx))
					}
					return nil
				}}
				stop := started(t, onNode("a", &cal, job))
				synctest.Wait()
				c.lose(t, &cal)
				time.Sleep(2 * time.Minute)
				stop()
				if got := broken.Sub(began); got != c.at {
					t.Errorf("broken off after %s, want %s: before the lease has ended", got, c.at)
				}
				cal.cut(false)
				if last, err := cal.Job(t.Context(), "j"); err != nil || !last.IsZero() {
					t.Errorf("a run that was broken off counts as one that ended well: %s (%v)", last, err)
				}
			})
		})
	}
}

func TestAJobCatchesUpAtTheStartAndNeverOverlapsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs, at, most atomic.Int32
		slow := relay.Job{Name: "slow", Schedule: "@every 1m", Run: func(ctx context.Context) error {
			runs.Add(1)
			most.Store(max(most.Load(), at.Add(1)))
			defer at.Add(-1)
			select {
			case <-ctx.Done():
			case <-time.After(150 * time.Second): // longer than two periods
			}
			return errors.New("a job that fails runs again")
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- onNode("a", &wall{}, slow).Run(ctx) }()
		synctest.Wait()
		if runs.Load() != 1 {
			t.Errorf("%d runs at the start, want 1", runs.Load())
		}
		time.Sleep(time.Hour)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if most.Load() != 1 || runs.Load() < 18 || runs.Load() > 25 {
			t.Errorf("%d runs in an hour, %d at once at most; want about 20, 1", runs.Load(), most.Load())
		}
	})
}

func TestAJobThatPanicsRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		bad := relay.Job{Name: "bad", Schedule: "@every 1m", Run: func(context.Context) error {
			runs.Add(1)
			panic("in a job")
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- onNode("a", &wall{}, bad).Run(ctx) }()
		time.Sleep(5*time.Minute + time.Second)
		cancel()
		<-done
		if runs.Load() != 6 {
			t.Errorf("%d runs, want 6", runs.Load())
		}
	})
}

func TestALongCatchUpDoesNotKeepTheOthersFromTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		long := relay.Job{Name: "long", Schedule: "0 3 * * *", Run: func(ctx context.Context) error {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Minute):
			}
			return nil
		}}
		short := relay.Job{Name: "short", Schedule: "@every 5s", Run: func(context.Context) error {
			runs.Add(1)
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- onNode("a", &wall{}, long, short).Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		<-done
		if runs.Load() < 12 {
			t.Errorf("%d runs within a minute of a long catch-up, want at least 12", runs.Load())
		}
	})
}
