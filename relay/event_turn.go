package relay

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"
)

// endpointRef names an endpoint.
type endpointRef struct{ workspace, id string }

// turn is an endpoint in the hands of one node: nobody else delivers to it
// meanwhile, so its events arrive in order.
type turn struct {
	endpointRef
	url string
	// secrets sign, the current one first.
	secrets []string
	// until is when the lease ends. Nobody renews it: a turn is shorter.
	until time.Time
	token string
	// sealed is the secret as it was when the turn began.
	sealed []byte
	// rung is the event that the bell named when it was last looked at.
	rung string
	// gone: the endpoint was deleted; its events are to be forgotten.
	gone bool
}

// turnLease is how long an endpoint is somebody's: turnBudget, one more try, its
// commit, and room to spare.
const turnLease = time.Minute

// takeTurn leases an endpoint to this node. Nil where there is nothing to do
// now: another node has it, it waits for its next try, or is disabled; its bell
// says when to look again. A lease of this node's own name, or any in a store
// that nobody shares, is a predecessor's that crashed: who calls sees to it that
// the node has no other turn there.
func (r *Relay) takeTurn(ctx context.Context, ref endpointRef) (t *turn, err error) {
	err = r.transact(ctx, func(tx Tx) error {
		t = nil
		now := time.Now().UTC()
		w, err := tx.Workspace(ctx, ref.workspace)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		living := err == nil && w.DeletedAt.IsZero()
		b, rung, err := bellOf(ctx, tx, ref)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		e, err := findEndpoint(ctx, tx, ref.workspace, ref.id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		switch {
		case err != nil:
			t = &turn{endpointRef: ref, rung: rung, gone: true}
			return nil
		case e.Disabled || !living:
			return tx.DeleteCard(ctx, kindBell, ref.workspace, ref.id)
		case r.Set.Shared && e.Lease.Node != r.Set.Node && ahead(e.Lease.Until, now, turnLease):
			return putBell(ctx, tx, b, e.Lease.Until)
		case ahead(e.NextTry, now, maxRest):
			return putBell(ctx, tx, b, e.NextTry)
		}
		e.Lease = EndpointLease{Node: r.Set.Node, Token: rand.Text(), Until: now.Add(turnLease)}
		t = &turn{endpointRef: ref, url: e.URL, until: e.Lease.Until, token: e.Lease.Token, sealed: e.Secret, rung: rung}
		if t.secrets, err = r.secretsOf(e, now); err != nil {
			return err
		}
		if err := putEndpoint(ctx, tx, e); err != nil {
			return err
		}
		return putBell(ctx, tx, b, e.Lease.Until)
	})
	if err == nil && t != nil && t.gone {
		return nil, r.dropEvents(ctx, ref)
	}
	return t, err
}

func bellOf(ctx context.Context, tx Tx, ref endpointRef) (c Card, rung string, err error) {
	if c, err = tx.Card(ctx, kindBell, ref.workspace, ref.id); err != nil {
		return c, "", err
	}
	var b bell
	err = json.Unmarshal(c.Value, &b)
	return c, b.Event, err
}

// ahead reports a time that has not come yet. One that lies further ahead than
// is possible was written by a clock that was wrong, and nobody waits for it.
func ahead(t, now time.Time, most time.Duration) bool {
	return t.After(now) && !t.After(now.Add(most+wrongClock))
}

// putBell moves a bell that was read in this transaction to another time.
func putBell(ctx context.Context, tx Tx, b Card, due time.Time) error {
	b.Due = due.UTC().Truncate(time.Microsecond)
	if t, ok := tx.(*tally); ok {
		tx = t.Tx // nobody has to be woken for what is later
	}
	return tx.PutCard(ctx, b)
}

// nextEvents are the next events of a turn, up to n, in the order in which they
// go. None means: leave.
func (r *Relay) nextEvents(ctx context.Context, t *turn, n int) (list []Event, err error) {
	cards, _, err := r.Store.Cards(ctx, CardFilter{Kind: kindEvent, Workspace: t.workspace, Prefix: t.id + "/"}, Page{Limit: n})
	for _, c := range cards {
		e, damaged := eventOfCard(c)
		if damaged != nil {
			return list, fmt.Errorf("event %s: %w", c.Key, damaged)
		}
		list = append(list, e)
	}
	return list, err
}

// Delays after each failed try of an event, before jitter: what Standard
// Webhooks recommends. With the last one used up, the event is given up.
var eventDelays = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	// maxRetryAfter bounds how long a receiver may ask to be left alone, and
	// maxRest how long an endpoint rests at all: the longest delay, and more.
	maxRetryAfter = 24 * time.Hour
	maxRest       = 27 * time.Hour
	// wrongClock is how far ahead of a clock another one may be that is right.
	wrongClock = time.Hour
	// disableAfter is how long an endpoint may fail without a success.
	disableAfter = 5 * 24 * time.Hour
	// statusGone is what a receiver answers that wants no events any more.
	statusGone = 410
)

// eventDelay is how long the endpoint rests after the n-th failed try of an
// event, n from 1: a tenth less or more, so that many do not come at once. It
// is never sooner than that where the receiver asked for more.
func eventDelay(n int, after time.Duration) time.Duration {
	d := eventDelays[n-1]
	d += time.Duration((mathrand.Float64() - 0.5) * 0.2 * float64(d))
	return max(d, min(after, maxRetryAfter))
}

// settleEvent writes what came of a try. goOn is false where the turn is over:
// the endpoint rests, was changed, is disabled or gone, or the lease is
// another's. The outcome is noted all the same.
func (r *Relay) settleEvent(ctx context.Context, t *turn, ev Event, p Posted) (goOn bool, err error) {
	ctx = context.WithoutCancel(ctx)
	now := time.Now().UTC()
	var s settlement
	err = r.transact(ctx, func(tx Tx) error {
		s = settlement{t: t, ev: ev, p: p, now: now, keep: r.Set.KeepMessages}
		return s.run(ctx, tx)
	})
	if err != nil {
		return false, err
	}
	if r.Watch.Posted != nil {
		r.Watch.Posted(s.result, p.Took)
	}
	if s.result == postedDisabled {
		r.Log.Error("ALARM: an endpoint was disabled; its events wait until its owner enables it again", "workspace", t.workspace, "endpoint", t.id, "status", p.Status)
	}
	return s.goOn, nil
}

// What Watch.Posted is told.
const (
	postedDelivered = "delivered"
	postedFailed    = "failed"
	postedGivenUp   = "given_up"
	postedDisabled  = "disabled"
)

// settlement is one outcome on its way into the store.
type settlement struct {
	t   *turn
	ev  Event
	p   Posted
	now time.Time
	// keep is how long messages are kept, and so events at most.
	keep time.Duration

	goOn   bool
	result string
}

func (s *settlement) run(ctx context.Context, tx Tx) error {
	var w Workspace
	if s.p.Problem != "" { // workspaces before cards, as who emits comes to them
		var err error
		if w, err = tx.Workspace(ctx, s.t.workspace); err != nil {
			return err
		}
	}
	e, err := findEndpoint(ctx, tx, s.t.workspace, s.t.id)
	if errors.Is(err, ErrNotFound) {
		s.result = postedDelivered
		return tx.DeleteCard(ctx, kindEvent, s.ev.Workspace, s.ev.key())
	}
	if err != nil {
		return err
	}
	waits, err := tx.Card(ctx, kindEvent, s.ev.Workspace, s.ev.key())
	found := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if found {
		if s.ev, err = eventOfCard(waits); err != nil {
			return err
		}
	}
	s.ev.Tries++
	s.ev.TriedAt, s.ev.Status, s.ev.Error, s.ev.Answer = s.now, s.p.Status, s.p.Problem, s.p.Answer
	// what another address said decides nothing about the one that there is now
	mine := e.Lease.Token == s.t.token && e.URL == s.t.url
	if s.p.Problem == "" {
		return s.delivered(ctx, tx, e, found, mine)
	}
	return s.failed(ctx, tx, w, e, found, mine)
}

func (s *settlement) delivered(ctx context.Context, tx Tx, e Endpoint, found, mine bool) error {
	s.result = postedDelivered
	s.goOn = mine && !e.Disabled && bytes.Equal(e.Secret, s.t.sealed)
	if found {
		s.ev.DeliveredAt = s.now
		if err := s.log(ctx, tx); err != nil {
			return err
		}
	}
	if e.FailingSince.IsZero() && e.NextTry.IsZero() {
		return nil
	}
	e.FailingSince, e.NextTry, e.Problem = time.Time{}, time.Time{}, ""
	return putEndpoint(ctx, tx, e)
}

// log moves an event from those that wait to those that did.
func (s *settlement) log(ctx context.Context, tx Tx) error {
	if err := tx.DeleteCard(ctx, kindEvent, s.ev.Workspace, s.ev.key()); err != nil {
		return err
	}
	c, err := s.ev.card()
	if err != nil {
		return err
	}
	if most := s.now.Add(s.keep); c.Due.After(most) { // it may hold what is not kept of messages
		c.Due = most.Truncate(time.Microsecond)
	}
	return tx.PutCard(ctx, c)
}

func (s *settlement) failed(ctx context.Context, tx Tx, w Workspace, e Endpoint, found, mine bool) error {
	s.result = postedFailed
	if !mine || e.Disabled { // facts are noted, decisions are the holder's
		if found {
			return putEvent(ctx, tx, s.ev)
		}
		return nil
	}
	if e.skipIdle(s.now); e.FailingSince.IsZero() {
		e.FailingSince = s.now
	}
	e.Problem, e.Lease = s.p.Problem, EndpointLease{}
	switch {
	case s.p.Status == statusGone:
		e.Reason = "it answered 410 (gone), which means that it wants no events any more."
	case s.now.Sub(e.FailingSince) >= disableAfter:
		e.Reason = "it failed for 5 days without a success. The last problem: " + s.p.Problem
	case s.ev.Tries > len(eventDelays):
		s.result, s.ev.GivenUpAt, e.NextTry = postedGivenUp, s.now, s.now
	default:
		e.NextTry = s.now.Add(eventDelay(s.ev.Tries, s.p.After))
	}
	if found {
		move := putEvent
		if s.result == postedGivenUp {
			move = func(ctx context.Context, tx Tx, _ Event) error { return s.log(ctx, tx) }
		}
		if err := move(ctx, tx, s.ev); err != nil {
			return err
		}
	}
	if e.Reason != "" {
		return s.disable(ctx, tx, w, e)
	}
	if err := putEndpoint(ctx, tx, e); err != nil {
		return err
	}
	return rest(ctx, tx, s.t.endpointRef, s.ev.ID, e.NextTry)
}

// disable stops an endpoint. What waits for it stays.
func (s *settlement) disable(ctx context.Context, tx Tx, w Workspace, e Endpoint) error {
	s.result = postedDisabled
	e.Disabled, e.NextTry = true, time.Time{}
	w.subscribe(e)
	if err := tx.DeleteCard(ctx, kindBell, e.Workspace, e.ID); err != nil {
		return err
	}
	if err := putEndpoint(ctx, tx, e); err != nil {
		return err
	}
	return tx.PutWorkspace(ctx, w)
}

// rest moves the bell to a time, whatever rang it last.
func rest(ctx context.Context, tx Tx, ref endpointRef, event string, until time.Time) error {
	b, _, err := bellOf(ctx, tx, ref)
	if errors.Is(err, ErrNotFound) {
		return ring(ctx, tx, ref.workspace, ref.id, event, until)
	}
	if err != nil {
		return err
	}
	return putBell(ctx, tx, b, until)
}

// leaveTurn ends a turn. done says that nothing was left: the bell is taken
// down, unless it has rung since; then goOn is true and the turn goes on. Not
// done, the endpoint is there to be taken again at once.
func (r *Relay) leaveTurn(ctx context.Context, t *turn, done bool) (goOn bool, err error) {
	ctx = context.WithoutCancel(ctx)
	rung := t.rung
	err = r.transact(ctx, func(tx Tx) error {
		goOn = false
		e, err := findEndpoint(ctx, tx, t.workspace, t.id)
		if errors.Is(err, ErrNotFound) || err == nil && e.Lease.Token != t.token {
			return nil
		}
		if err != nil {
			return err
		}
		b, last, err := bellOf(ctx, tx, t.endpointRef)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		up := err == nil
		if done && up && last != t.rung {
			goOn, rung = true, last
			return nil
		}
		e.Lease = EndpointLease{}
		if err := putEndpoint(ctx, tx, e); err != nil || !up {
			return err
		}
		if done {
			return tx.DeleteCard(ctx, kindBell, t.workspace, t.id)
		}
		return putBell(ctx, tx, b, time.Now())
	})
	if err == nil && goOn {
		t.rung = rung
	}
	return goOn, err
}
