package relay

import (
	"context"
	"errors"
	"time"
)

// Cancel ends a queued message and gives its units back; with a first part
// goes the second. CodeNotCancelable where it is no longer queued.
func (r *Relay) Cancel(ctx context.Context, workspace, id string) (Message, error) {
	all, err := r.cancel(ctx, workspace, id)
	if err != nil {
		return Message{}, err
	}
	return all[0], nil
}

func canceledChange(now time.Time) Change {
	return Change{At: now, Status: Canceled, Failure: &Failure{Code: CodeCanceled, Message: "It was canceled before it was sent; its units were given back."}}
}

func findMessage(ctx context.Context, tx Tx, workspace, id string) (Message, error) {
	m, err := tx.Message(ctx, workspace, id)
	if errors.Is(err, ErrNotFound) {
		return m, &Error{Code: CodeNotFound, Message: "There is no message of this id in this workspace.", Err: err}
	}
	return m, err
}

// endQueued ends a message that is queued: off its lane first, then the books.
func endQueued(ctx context.Context, tx Tx, m *Message, c Change) error {
	if err := leaveLane(ctx, tx, m); err != nil {
		return err
	}
	_, err := change(ctx, tx, m, c)
	return err
}

func expire(ctx context.Context, tx Tx, m *Message, now time.Time) error {
	return endQueued(ctx, tx, m, Change{At: now, Status: Expired,
		Failure: &Failure{Code: CodeExpired, Message: "It could not be sent before it expired; its units were given back."}})
}

// batch is how many rows a job takes at once.
const batch = 200

// ExpireDue ends the queued messages whose time has passed.
func (r *Relay) ExpireDue(ctx context.Context) error {
	return r.each(ctx, func() ([]MessageRef, error) { return r.Store.Expired(ctx, time.Now(), batch) },
		func(tx Tx, m *Message, now time.Time) error {
			if m.Status != Queued || now.Before(m.ExpiresAt) {
				return nil
			}
			return expire(ctx, tx, m, now)
		})
}

// each runs fn, one transaction a message, over batches of messages until there are
// none. A message that cannot be handled is logged and left for the next run.
func (r *Relay) each(ctx context.Context, refs func() ([]MessageRef, error), fn func(Tx, *Message, time.Time) error) error {
	for {
		found, err := refs()
		if err != nil || len(found) == 0 {
			return err
		}
		failed := 0
		for _, ref := range found {
			err := r.update(ctx, ref.Workspace, func(tx Tx) error {
				m, err := tx.Message(ctx, ref.Workspace, ref.ID)
				if err != nil {
					return err
				}
				return fn(tx, &m, time.Now())
			})
			if err != nil {
				failed++
				r.Log.Error("end message", "message", ref.ID, "error", err)
			}
		}
		r.dispatcher.Wake()
		if failed > 0 || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
