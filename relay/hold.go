package relay

import (
	"context"

	"relevo/queue"
)

// PauseChannel lets what is queued wait; the hook goes on accepting.
func (r *Relay) PauseChannel(ctx context.Context, workspace, id string) (Channel, error) {
	return r.editChannel(ctx, workspace, id, func(_ Tx, c *Channel) error {
		c.Paused = true
		return nil
	})
}

// ResumeChannel ends a pause and a hold. Its lanes rest one full spacing first.
func (r *Relay) ResumeChannel(ctx context.Context, workspace, id string) (Channel, error) {
	return r.editChannel(ctx, workspace, id, func(tx Tx, c *Channel) error {
		stood := c.Paused || c.State == Held
		c.Paused = false
		if c.State == Held {
			c.State, c.Reason = Connected, ""
		}
		if !stood {
			return nil
		}
		w, err := tx.Workspace(ctx, workspace)
		if err != nil {
			return err
		}
		return emitChannel(ctx, tx, w, EventResumed, *c)
	})
}

// holdChannel stops a channel after a fault of it, until somebody resumes it.
func holdChannel(ctx context.Context, tx Tx, c Channel, reason string) error {
	if reason == "" {
		reason = "the provider refused this account"
	}
	news := c.State != Held
	c.State, c.Reason = Held, reason
	if err := eachLane(ctx, tx, c, func(l *queue.Lane) { l.Hold = reason }); err != nil {
		return err
	}
	if !c.DeletedAt.IsZero() {
		return tx.PutChannel(ctx, c)
	}
	if err := putChannel(ctx, tx, c); err != nil || !news {
		return err
	}
	w, err := tx.Workspace(ctx, c.Workspace)
	if err != nil {
		return err
	}
	return emitChannel(ctx, tx, w, EventHeld, c)
}
