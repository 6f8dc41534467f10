package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relevo/queue"
)

// source hands out what was put in, once its time has come, and remembers
// when and for how much it was asked.
type source struct {
	mu         sync.Mutex
	ready      []queue.Lease
	due        time.Time // of everything in ready
	stuck      bool      // due, and not to be had
	claimErr   error
	nextDueErr error
	claims     []time.Time
	asked      []int
}

var errStore = errors.New("the store is away")

func (s *source) Claim(_ context.Context, n int) ([]queue.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims, s.asked = append(s.claims, time.Now()), append(s.asked, n)
	if s.claimErr != nil || s.stuck || time.Now().Before(s.due) {
		return nil, s.claimErr
	}
	n = min(n, len(s.ready))
	leases := slices.Clone(s.ready[:n])
	s.ready = s.ready[n:]
	return leases, nil
}

func (s *source) NextDue(context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 || s.nextDueErr != nil {
		return time.Time{}, s.nextDueErr
	}
	return s.due, nil
}

// put adds n leases that are due after a while.
func (s *source) put(n int, in time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = time.Now().Add(in)
	for range n {
		s.ready = append(s.ready, queue.Lease{Item: fmt.Sprint("item ", len(s.ready))})
	}
}

// desk is a dispatcher at work on a scripted source, and what it did.
type desk struct {
	queue.Dispatcher
	src   *source
	log   *bytes.Buffer
	takes time.Duration // of each piece of work

	mu        sync.Mutex
	now, most int // pieces in hand
	began     []time.Time
	done      int
	ctxErr    error // of the context that work was given, at its end
}

func newDesk(src *source, most int, takes time.Duration) *desk {
	d := &desk{src: src, log: &bytes.Buffer{}, takes: takes}
	d.Source, d.Work, d.Max = src, d.work, most
	d.Log = slog.New(slog.NewTextHandler(d.log, nil))
	return d
}

func (d *desk) work(ctx context.Context, _ queue.Lease) {
	d.mu.Lock()
	d.now++
	d.most = max(d.most, d.now)
	d.began = append(d.began, time.Now())
	d.mu.Unlock()
	time.Sleep(d.takes) // fake time
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now--
	d.done++
	d.ctxErr = errors.Join(d.ctxErr, ctx.Err())
}

// during runs the dispatcher in a bubble, and what happens meanwhile beside
// it; then it stops the dispatcher. It returns how long that took. A goroutine
// that is left makes the bubble fail.
func (d *desk) during(t *testing.T, meanwhile func()) (stopping time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	synctest.Wait()
	meanwhile()
	synctest.Wait()
	stop()
	from := time.Now()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if d.now != 0 {
		t.Errorf("Run returned with %d pieces of work in hand", d.now)
	}
	return time.Since(from)
}

func bubble(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestAWakeUpIsFollowedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 0)
		var put time.Time
		d.during(t, func() {
			time.Sleep(10 * time.Second)
			put = time.Now()
			d.src.put(1, 0)
			d.Wake()
			time.Sleep(time.Second)
		})
		if len(d.began) != 1 || !d.began[0].Equal(put) {
			t.Errorf("work began at %v, want once at %s", d.began, put)
		}
	})
}

func TestAWakeUpBeforeTheStartIsNeitherLostNorAPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 0)
		d.src.put(1, 0)
		d.Wake()
		d.Wake()
		d.during(t, func() { time.Sleep(time.Second) })
		if d.done != 1 {
			t.Errorf("%d pieces of work, want 1", d.done)
		}
	})
}

func TestWhatIsDueLaterBeginsWhenItIsDueWithoutAWakeUp(t *testing.T) {
	for _, in := range []time.Duration{3 * time.Millisecond, 7 * time.Second, 59 * time.Second, 150 * time.Second} {
		bubble(t, func(t *testing.T) {
			d := newDesk(&source{}, 4, 0)
			d.src.put(1, in)
			due := d.src.due
			d.during(t, func() { time.Sleep(in + time.Second) })
			if len(d.began) != 1 || !d.began[0].Equal(due) {
				t.Errorf("due in %s: work began at %v, want once at %s", in, d.began, due)
			}
		})
	}
}

func TestWithoutAWakeUpItLooksEveryFiveSeconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 0)
		d.during(t, func() { time.Sleep(51 * time.Second) })
		if got := len(d.src.claims); got != 11 {
			t.Errorf("it looked %d times in 51 seconds, want at the start and every five seconds", got)
		}
	})
}

func TestItLooksEveryFiveSecondsEvenWhileWhatItKnowsOfIsDueLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 0)
		d.src.put(1, time.Hour)
		d.during(t, func() { time.Sleep(51 * time.Second) })
		if got := len(d.src.claims); got != 11 {
			t.Errorf("it looked %d times in 51 seconds, want 11: another node may have put something in", got)
		}
	})
}

func TestNeverMoreThanMaxAreWorkedOnAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 3, time.Second)
		d.src.put(10, 0)
		began := time.Now()
		d.during(t, func() { time.Sleep(5 * time.Second) })
		if d.most != 3 || d.done != 10 {
			t.Errorf("at most %d at once and %d in all, want 3 and 10", d.most, d.done)
		}
		if got := d.began[9].Sub(began); got != 3*time.Second {
			t.Errorf("the last of ten began after %s, want 3 s: a place that is free is used at once", got)
		}
		if got := slices.Max(d.src.asked); got != 3 {
			t.Errorf("it asked for up to %d, want no more than 3", got)
		}
	})
}

func TestItAsksForNoMoreThanItHasPlacesFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, time.Minute)
		d.src.put(3, 0)
		d.during(t, func() {
			time.Sleep(time.Second)
			d.src.put(3, 0)
			d.Wake()
			synctest.Wait()
			d.mu.Lock()
			d.src.mu.Lock()
			defer d.mu.Unlock()
			defer d.src.mu.Unlock()
			if d.now != 4 || len(d.src.ready) != 2 {
				t.Errorf("%d in hand and %d left at the source, want 4 and 2", d.now, len(d.src.ready))
			}
			if n := len(d.src.asked); n < 2 || d.src.asked[n-2] != 1 && d.src.asked[n-1] != 1 {
				t.Errorf("with one place free it asked for %v", d.src.asked)
			}
		})
	})
}

func TestAFailingSourceIsAskedAgainOnceASecond(t *testing.T) {
	for name, src := range map[string]*source{"claim": {claimErr: errStore}, "next due": {nextDueErr: errStore}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := newDesk(src, 4, 0)
				d.during(t, func() { time.Sleep(60*time.Second + time.Millisecond) })
				if got := len(src.claims); got < 55 || got > 65 {
					t.Errorf("it asked %d times in a minute, want about 60", got)
				}
				if name == "claim" && strings.Count(d.log.String(), errStore.Error()) != len(src.claims) {
					t.Errorf("it logged otherwise than once a failure:\n%s", d.log)
				}
			})
		})
	}
}

func TestASourceThatRecoversIsUsedWithinASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{claimErr: errStore}, 4, 0)
		d.src.put(1, 0)
		d.during(t, func() {
			time.Sleep(5500 * time.Millisecond)
			d.src.mu.Lock()
			d.src.claimErr = nil
			d.src.mu.Unlock()
			time.Sleep(time.Second)
		})
		if d.done != 1 {
			t.Errorf("%d pieces of work, want 1", d.done)
		}
	})
}

func TestADueLaneThatCannotBeHadMakesNoHotLoop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{stuck: true}, 4, 0)
		d.src.put(1, -time.Hour)
		d.during(t, func() { time.Sleep(time.Second) })
		if got := len(d.src.claims); got > 501 {
			t.Errorf("it asked %d times in a second, want no more than once in 2 ms", got)
		}
	})
}

func TestWhileAllPlacesAreTakenItWaitsForOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 1, 50*time.Second)
		d.src.put(2, 0)
		began := time.Now()
		d.during(t, func() { time.Sleep(99 * time.Second) })
		if len(d.began) != 2 || d.began[1].Sub(began) != 50*time.Second {
			t.Errorf("work began at %v, want the second one after 50 s", d.began)
		}
		if got := len(d.src.claims); got != 2 {
			t.Errorf("it asked %d times for two, although it had no place in between", got)
		}
	})
}

func TestRunReturnsOnlyAfterTheWorkInHandHasEndedUndisturbed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 30*time.Second)
		d.src.put(3, 0)
		stopping := d.during(t, func() {
			time.Sleep(10 * time.Second)
			d.src.put(5, time.Second) // comes too late
		})
		if stopping != 20*time.Second {
			t.Errorf("it stopped %s after it was told to, want the 20 s that the work still took", stopping)
		}
		if d.done != 3 {
			t.Errorf("%d pieces of work were done, want the 3 in hand and no more", d.done)
		}
		if d.ctxErr != nil {
			t.Errorf("the work's context had ended: %v", d.ctxErr)
		}
	})
}

func TestAnIdleDispatcherStopsAtOnceAndQuietly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 0)
		if took := d.during(t, func() { time.Sleep(time.Second) }); took != 0 {
			t.Errorf("it took %s to stop", took)
		}
		if d.log.Len() > 0 {
			t.Errorf("it logged %s", d.log)
		}
	})
}

func TestACallThatTheStopCutOffIsNoErrorForTheLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := newDesk(&source{}, 4, 0)
		d.Source = hanging{}
		d.during(t, func() { time.Sleep(time.Second) })
		if d.log.Len() > 0 {
			t.Errorf("it logged %s", d.log)
		}
	})
}

// hanging is a source whose calls last until they are called off.
type hanging struct{}

func (hanging) Claim(ctx context.Context, _ int) ([]queue.Lease, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) NextDue(ctx context.Context) (time.Time, error) { return time.Time{}, ctx.Err() }
