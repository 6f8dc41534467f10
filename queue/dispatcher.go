package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Source hands out leases. Both methods run concurrently with everything.
type Source interface {
	// Claim leases up to n items whose lanes are due, for a node. It returns
	// after the leases are durable.
	Claim(ctx context.Context, n int) ([]Lease, error)
	// NextDue is when there may be something to claim at the earliest; the
	// zero time where nothing waits.
	NextDue(ctx context.Context) (time.Time, error)
}

// Dispatcher is the loop that claims what is due and hands it to a worker.
type Dispatcher struct {
	Source Source
	// Work handles one lease and returns when its outcome is durable.
	Work func(ctx context.Context, l Lease)
	// Max is how many leases are worked on at once.
	Max int
	Log *slog.Logger

	once sync.Once
	wake chan struct{}
}

// pollAtMost bounds how long the loop sleeps without a wake-up, for what
// another node may have put in.
const pollAtMost = 5 * time.Second

// Wake tells the loop that something may be due. Call it after the commit,
// never before. Any goroutine may call it.
func (d *Dispatcher) Wake() {
	d.once.Do(d.init)
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Dispatcher) init() { d.wake = make(chan struct{}, 1) }

// Run claims and works until ctx ends, then waits for the work in hand. The
// work is given a context that does not end with ctx: an outcome in hand is
// written even while stopping.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.once.Do(d.init)
	var working sync.WaitGroup
	defer working.Wait()
	free := make(chan struct{}, d.Max)
	for ctx.Err() == nil {
		leases, err := d.Source.Claim(ctx, d.Max-len(free))
		if err != nil && ctx.Err() == nil {
			d.Log.Error("claim", "error", err)
		}
		for _, l := range leases {
			free <- struct{}{}
			working.Go(func() {
				defer d.Wake()
				defer func() { <-free }()
				d.Work(context.WithoutCancel(ctx), l)
			})
		}
		if len(leases) > 0 && len(free) < d.Max {
			continue
		}
		d.sleep(ctx, err != nil, len(free) == d.Max)
	}
	return nil
}

func (d *Dispatcher) sleep(ctx context.Context, failed, full bool) {
	wait := pollAtMost
	switch due, err := d.Source.NextDue(ctx); {
	case failed || err != nil:
		wait = time.Second
	case full:
		wait = time.Hour // a worker that ends wakes us
	case !due.IsZero():
		wait = min(wait, time.Until(due))
	}
	// A due lane that could not be claimed must not make a hot loop.
	t := time.NewTimer(max(wait, 2*time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
	case <-t.C:
	}
}
