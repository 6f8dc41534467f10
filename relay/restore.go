package relay

import (
	"context"
	"fmt"

	"relevo/queue"
)

// HoldQueued puts every channel on hold that has something queued, and returns
// how many. It is for a store that was restored from a copy: what was queued
// then may have gone out since, and must not go out again before somebody has
// looked.
func (r *Relay) HoldQueued(ctx context.Context, reason string) (held int, err error) {
	for page := (Page{Limit: batch}); ; {
		list, next, err := r.Store.Workspaces(ctx, page)
		if err != nil {
			return held, err
		}
		for _, w := range list {
			n, err := r.holdQueuedOf(ctx, w.ID, reason)
			if err != nil {
				return held, fmt.Errorf("hold channels of %s: %w", w.ID, err)
			}
			held += n
		}
		if page.Cursor = next; next == "" {
			return held, nil
		}
	}
}

func (r *Relay) holdQueuedOf(ctx context.Context, workspace, reason string) (held int, err error) {
	err = r.update(ctx, workspace, func(tx Tx) error {
		held = 0
		list, err := channelsOf(ctx, tx, workspace)
		if err != nil {
			return err
		}
		for _, c := range list {
			queued := 0
			if err := eachLane(ctx, tx, c, func(l *queue.Lane) { queued += l.Depth }); err != nil {
				return err
			}
			if queued == 0 {
				continue
			}
			held++
			if err := holdChannel(ctx, tx, c, reason); err != nil {
				return err
			}
		}
		return nil
	})
	return held, err
}
