package relay

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxTurns is how many endpoints this process delivers to at once. A
	// workspace has at most MaxEndpoints, so a few with slow receivers leave
	// room for all others.
	maxTurns = 256
	// turnBudget is how long one endpoint may keep its place while others
	// wait for one.
	turnBudget = 30 * time.Second
	// eventPollShared bounds how long the loop sleeps without a wake-up, for
	// what another node may have put in; eventPollAlone where there is none.
	eventPollShared = 2 * time.Second
	eventPollAlone  = time.Minute
	// eventQuiet is how long an endpoint is left alone that rests, though what
	// happens rings its bell again and again.
	eventQuiet = time.Second
	// eventsAtOnce are read in one go.
	eventsAtOnce = 50
	// listedFor is how long what was read is told without another look: an
	// event may be erased meanwhile.
	listedFor = time.Second
)

// DeliverEvents posts events to endpoints until ctx ends; then it waits for the
// posts in hand and lets go of their endpoints. Of one endpoint, the events go
// one after the other, in the order of their ids; a slow or failing one holds
// up nobody else. Run it once per process.
func (r *Relay) DeliverEvents(ctx context.Context) error {
	if r.Poster == nil {
		<-ctx.Done()
		return nil
	}
	d := courier{r: r, busy: map[endpointRef]bool{}, quiet: map[endpointRef]time.Time{}, ended: make(chan struct{}, 1)}
	defer d.working.Wait()
	for ctx.Err() == nil {
		next := d.begin(ctx)
		d.await(ctx, next)
	}
	return nil
}

// courier is the loop that delivers.
type courier struct {
	r       *Relay
	working sync.WaitGroup
	ended   chan struct{} // a turn has ended

	mu    sync.Mutex
	busy  map[endpointRef]bool
	quiet map[endpointRef]time.Time
}

// begin begins turns with what is due, and returns when to look again at the
// latest.
func (d *courier) begin(ctx context.Context) (next time.Time) {
	now := time.Now()
	cards, next, err := d.r.Store.CardsDue(ctx, kindBell, now, 2*maxTurns)
	if err == nil && len(cards) == 0 && next.After(now.Add(maxRest+wrongClock)) {
		// nobody rests that long: a clock was wrong that put them off
		cards, next, err = d.r.Store.CardsDue(ctx, kindBell, next, 2*maxTurns)
	}
	if err != nil {
		if ctx.Err() == nil {
			d.r.Log.Error("find events to deliver", "error", err)
		}
		return time.Now().Add(time.Second)
	}
	for _, c := range cards {
		ref := endpointRef{c.Workspace, c.Key}
		until, free := d.reserve(ref)
		if !free {
			if !until.IsZero() && (next.IsZero() || until.Before(next)) {
				next = until
			}
			continue
		}
		d.working.Go(func() { d.work(ctx, ref) })
	}
	return next
}

// reserve takes an endpoint for a turn, unless it has one, is left alone until
// a time, or there is no place.
func (d *courier) reserve(ref endpointRef) (until time.Time, free bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	until = d.quiet[ref]
	switch {
	case d.busy[ref], len(d.busy) >= maxTurns:
		return time.Time{}, false // one that ends wakes the loop
	case until.After(now):
		return until, false
	}
	delete(d.quiet, ref)
	d.busy[ref] = true
	return time.Time{}, true
}

func (d *courier) release(ref endpointRef, rests bool) {
	d.mu.Lock()
	delete(d.busy, ref)
	if rests {
		now := time.Now()
		for other, until := range d.quiet {
			if until.Before(now) {
				delete(d.quiet, other)
			}
		}
		d.quiet[ref] = now.Add(eventQuiet)
	}
	d.mu.Unlock()
	select {
	case d.ended <- struct{}{}:
	default:
	}
}

func (d *courier) await(ctx context.Context, next time.Time) {
	wait := eventPollAlone
	if d.r.Set.Shared {
		wait = eventPollShared
	}
	if !next.IsZero() {
		wait = max(2*time.Millisecond, min(wait, time.Until(next)))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-d.r.eventWake:
	case <-d.ended:
	case <-t.C:
	}
}

// wakeEvents lets the loop look at once.
func (r *Relay) wakeEvents() {
	select {
	case r.eventWake <- struct{}{}:
	default:
	}
}

// work is one turn with one endpoint.
func (d *courier) work(ctx context.Context, ref endpointRef) {
	rests := true
	defer func() { d.release(ref, rests) }()
	t, err := d.r.takeTurn(ctx, ref)
	if err == nil && t != nil {
		rests, err = d.r.deliverTurn(ctx, t)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
		d.r.Log.Error("deliver events", "workspace", ref.workspace, "endpoint", ref.id, "error", err)
	}
}

// deliverTurn delivers what waits for an endpoint, until nothing does, a try
// fails, the turn has lasted long enough, or ctx ends. rests says that it is
// of no use to look again at once.
func (r *Relay) deliverTurn(ctx context.Context, t *turn) (rests bool, err error) {
	for began := time.Now(); ; {
		listed := time.Now()
		list, err := r.nextEvents(ctx, t, eventsAtOnce)
		if err != nil {
			_, failed := r.leaveTurn(ctx, t, false)
			return true, errors.Join(err, failed)
		}
		for i, e := range list {
			if ctx.Err() != nil || time.Since(began) > turnBudget {
				_, err := r.leaveTurn(ctx, t, false)
				return false, err
			}
			if i > 0 && time.Since(listed) > listedFor { // also a slow store goes on
				break
			}
			goOn, err := r.deliverEvent(ctx, t, e)
			if !goOn || err != nil {
				_, failed := r.leaveTurn(ctx, t, false)
				return err != nil, errors.Join(err, failed)
			}
		}
		if len(list) > 0 {
			continue
		}
		if goOn, err := r.leaveTurn(ctx, t, true); !goOn || err != nil {
			return false, err
		}
	}
}

// deliverEvent makes one try, and writes what came of it. A try that was begun
// ends by itself, also where ctx does.
func (r *Relay) deliverEvent(ctx context.Context, t *turn, e Event) (goOn bool, err error) {
	if time.Until(t.until) < turnLease/3 { // what was written took long; somebody else may have it soon
		return false, nil
	}
	p := r.Poster.Post(context.WithoutCancel(ctx), Posting{URL: t.url, ID: e.ID, Body: e.Body, Secrets: t.secrets})
	r.Log.Info("event", "event", e.ID, "type", string(e.Type), "workspace", t.workspace, "endpoint", t.id, "try", e.Tries+1,
		"status", p.Status, "ok", p.Problem == "", "duration", p.Took.Round(time.Microsecond).String())
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		goOn, err = r.settleEvent(ctx, t, e, p)
		if !errors.Is(err, ErrDiskFull) && !errors.Is(err, ErrUnavailable) || time.Now().After(t.until) {
			return goOn, err // unwritten, it is delivered again
		}
		time.Sleep(wait)
	}
}
