package relay

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Cancellation is what canceling several messages came to.
type Cancellation struct {
	// Messages that were canceled, second parts that ended with their first
	// included, and the Units that came back for them.
	Messages int
	Units    int64
	// Late counts those that could not be canceled any more, or that are not
	// there.
	Late int
}

// Add adds up two rounds of canceling.
func (c *Cancellation) Add(o Cancellation) {
	c.Messages, c.Units, c.Late = c.Messages+o.Messages, c.Units+o.Units, c.Late+o.Late
}

// cancelsAtOnce share a commit of the store where it groups them.
const cancelsAtOnce = 32

// CancelMany cancels messages by their ids, each in a transaction of its own.
// One that is no longer queued is counted and passed over. An error is of the
// store; what was canceled until then is told beside it.
func (r *Relay) CancelMany(ctx context.Context, workspace string, ids []string) (sum Cancellation, err error) {
	var mu sync.Mutex
	ended, late := map[string]bool{}, map[string]bool{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(cancelsAtOnce)
	for _, id := range ids {
		g.Go(func() error {
			all, err := r.cancel(gctx, workspace, id)
			passed := isCode(err, CodeNotCancelable) || isCode(err, CodeNotFound)
			if err != nil && !passed {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			late[id] = passed
			for _, m := range all {
				ended[m.ID] = true
				sum.Messages++
				sum.Units += m.Units
			}
			return nil
		})
	}
	err = g.Wait()
	for id, passed := range late {
		if passed && !ended[id] { // nor with its first part
			sum.Late++
		}
	}
	return sum, err
}

// CancelChannel cancels up to n of the messages that wait on a channel, those
// that came in first before the others. More says whether some are left.
func (r *Relay) CancelChannel(ctx context.Context, workspace, id string, n int) (sum Cancellation, more bool, err error) {
	ch, err := r.Channel(ctx, workspace, id)
	if err != nil {
		return sum, false, err
	}
	for _, lane := range lanesOf(ch) {
		ids, err := r.Store.Items(ctx, lane, n+1)
		if err != nil {
			return sum, false, err
		}
		more = more || len(ids) > n
		ids = ids[:min(n, len(ids))]
		n -= len(ids)
		some, err := r.CancelMany(ctx, workspace, ids)
		sum.Add(some)
		if err != nil {
			return sum, true, err
		}
	}
	return sum, more, nil
}

// cancel ends a queued message, and returns it with the second part that ended
// with it.
func (r *Relay) cancel(ctx context.Context, workspace, id string) (all []Message, err error) {
	err = r.update(ctx, workspace, func(tx Tx) error {
		m, err := findMessage(ctx, tx, workspace, id)
		if err != nil {
			return err
		}
		all = nil
		if m.Status != Queued {
			return Refusef(CodeNotCancelable, "Only a queued message can be canceled; this one is %s.", m.Status)
		}
		if len(m.Parts) == 2 {
			second, err := tx.Message(ctx, workspace, m.Parts[1])
			if err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
			if err == nil && second.Status == Queued {
				all = append(all, second)
			}
		}
		err = endQueued(ctx, tx, &m, canceledChange(time.Now()))
		all = append([]Message{m}, all...)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.dispatcher.Wake()
	return all, nil
}
