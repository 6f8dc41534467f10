package relay

import (
	"context"
	"errors"
)

// deleted is the reason of a deleted channel, and why its lanes stand still.
const deleted = "deleted"

// DrainDeleted cancels what is still queued on deleted channels: what a crash
// between the deletion and its cancellations left.
func (r *Relay) DrainDeleted(ctx context.Context) error {
	for {
		lanes, err := r.Store.Draining(ctx, deleted, batch)
		if err != nil {
			return err
		}
		for _, l := range lanes {
			if err := r.drainChannel(ctx, l.Workspace, l.Group); err != nil {
				return err
			}
		}
		if len(lanes) < batch {
			return nil
		}
	}
}

// drainChannel cancels what is queued on a closed channel.
func (r *Relay) drainChannel(ctx context.Context, workspace, id string) error {
	var c Channel
	err := r.Store.View(ctx, func(tx Tx) (err error) {
		c, err = tx.Channel(ctx, workspace, id)
		return err
	})
	if err != nil {
		return err
	}
	for _, lane := range lanesOf(c) {
		for {
			ids, err := r.Store.Items(ctx, lane, batch)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			for _, id := range ids {
				_, err := r.Cancel(ctx, workspace, id)
				if err != nil && !isCode(err, CodeNotCancelable) {
					return err
				}
			}
		}
	}
	return nil
}

func isCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
