package relay

import (
	"context"
	"errors"
	"time"
)

// Trial is what would become of an action.
type Trial struct {
	// Replays is the message whose call this one would repeat; empty where it
	// would be a new one.
	Replays string
	// Channel and Chat are where it would go. Chat has no number where it
	// would be a new one.
	Channel Channel
	Chat    Chat
	To      string
	// Messages and Units are how many it would become, and cost; Available is
	// the quota there is.
	Messages  int
	Units     int64
	Available int64
	Position  int
	SendAt    time.Time
	ExpiresAt time.Time
	Warnings  []string
}

// Try says what Accept would do now, and does nothing. An *Error is the
// refusal that it would answer; a webhook that is switched off or in test mode
// does not matter.
func (r *Relay) Try(ctx context.Context, workspace string, a Action, now time.Time) (Trial, error) {
	var trial Trial
	t := r.newAccept(Call{Workspace: workspace, At: now}, a)
	err := r.Store.View(ctx, func(tx Tx) error {
		trial = Trial{}
		w, err := liveWorkspace(ctx, tx, workspace)
		if err != nil {
			return err
		}
		use, refusal, err := t.use(ctx, tx, w)
		if err != nil || refusal != nil {
			return errors.Join(err, asError(refusal))
		}
		trial.Replays = use.MessageID
		rt, refusal, err := t.route(ctx, tx, w)
		if err != nil || refusal != nil {
			return errors.Join(err, asError(refusal))
		}
		lane, err := tx.Lane(ctx, rt.lane)
		if err != nil {
			return err
		}
		parts := t.parts(rt)
		acc, err := tx.Account(ctx, w.ID)
		if err != nil {
			return err
		}
		trial.Channel, trial.Chat, trial.To, trial.Warnings = rt.channel, rt.chat, rt.to, rt.warnings
		trial.Messages, trial.Units, trial.Available, trial.Position = len(parts), unitsOf(parts), acc.Available, lane.Depth+1
		trial.SendAt, trial.ExpiresAt = parts[0].SendAt, parts[0].ExpiresAt
		if trial.Replays != "" {
			return nil
		}
		refusal, err = covered(ctx, tx, rt.lane, w.ID, trial.Units)
		return errors.Join(err, asError(refusal))
	})
	var refusal *Error
	if errors.As(err, &refusal) {
		return trial, refusal
	}
	return trial, err
}
