package relay

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"golang.org/x/sync/errgroup"
)

// reconcileEvery is the period of the reconciliation.
const reconcileEvery = 5 * time.Second

// Reconcile ends what is unknown. A driver that can look a message up is
// asked: 10 s, 20 s, 40 s … after it became unknown, and once more at the end.
// What has no evidence by then is unconfirmed, and its units go back.
func (r *Relay) Reconcile(ctx context.Context) error {
	if err := r.lookUp(ctx); err != nil {
		return err
	}
	due := func() ([]MessageRef, error) {
		return r.Store.Unknown(ctx, time.Now().Add(-r.Set.UnconfirmedAfter), batch)
	}
	return r.each(ctx, due, func(tx Tx, m *Message, now time.Time) error {
		if m.Status != Unknown || now.Sub(m.UnknownAt) < r.Set.UnconfirmedAfter {
			return nil
		}
		_, err := change(ctx, tx, m, Change{At: now, Status: Unconfirmed,
			Note: fmt.Sprintf("no evidence within %s; the units were given back", r.Set.UnconfirmedAfter)})
		return err
	})
}

// lookUps bounds what one reconciliation asks providers, lookUpsAtOnce how many
// of them at once. One that does not answer holds up nobody's units for longer
// than lookUpsWithin.
const (
	lookUps       = 1000
	lookUpsAtOnce = 8
	lookUpsWithin = 30 * time.Second
)

// lookUp asks the drivers that can tell what became of a message.
func (r *Relay) lookUp(ctx context.Context) error {
	refs, err := r.Store.Unknown(ctx, time.Now(), lookUps)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, lookUpsWithin)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(lookUpsAtOnce)
	for _, ref := range refs {
		if within.Err() != nil {
			break
		}
		g.Go(func() error {
			if err := r.lookUpOne(within, ref); err != nil {
				r.Log.Warn("look up a message of unknown outcome", "message", ref.ID, "error", err)
			}
			return nil
		})
	}
	_ = g.Wait() // a panic of a driver comes out here
	return ctx.Err()
}

func (r *Relay) lookUpOne(ctx context.Context, ref MessageRef) error {
	is, err := r.load(ctx, ref.Workspace, ref.ID)
	if err != nil {
		return err
	}
	m, ch := is.message, is.channel
	resolver, ok := r.Drivers[ch.Kind].(Resolver)
	if !ok || !lookUpDue(time.Since(m.UnknownAt), r.Set.UnconfirmedAfter) {
		return nil
	}
	out, err := r.outgoing(is)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.Set.CallTimeout)
	defer cancel()
	rep, known, err := resolver.Resolve(ctx, out)
	if err != nil || !known {
		return err
	}
	if other, err := r.claimed(ctx, m, rep.ProviderID); err != nil || other {
		return err // what was found is another message's evidence
	}
	rep.MessageID = m.ID
	return r.Report(ctx, ch.ID, []Report{rep})
}

// claimed reports whether a provider's id is known to be another message's.
func (r *Relay) claimed(ctx context.Context, m Message, providerID string) (other bool, err error) {
	if providerID == "" {
		return false, nil
	}
	err = r.Store.View(ctx, func(tx Tx) error {
		id, err := tx.MessageByProvider(ctx, m.Workspace, m.Channel, providerID)
		other = err == nil && id != m.ID
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	return other, err
}

// lookUpDue is true in the first period after the age has doubled, counted
// from 10 s, and at the end.
func lookUpDue(age, end time.Duration) bool {
	doublings := func(d time.Duration) int { return bits.Len64(uint64(max(0, d) / (10 * time.Second))) }
	return age >= end || doublings(age) > doublings(age-reconcileEvery)
}
