package relay

import (
	"context"
	"time"
)

// Challenged writes the attempt of a call that only asked whether the webhook
// is there, and was answered. An *Error is a refusal, as of Accept.
func (r *Relay) Challenged(ctx context.Context, call Call) error {
	call.challenge = true
	_, err := r.answer(ctx, call, Action{}, nil)
	return err
}

// atTheDoor reports a refusal that says nothing of what the call holds.
func (e *Error) atTheDoor() bool {
	switch e.Code {
	case CodeWebhookDisabled, CodeRateLimited, CodeBodyTooLarge:
		return true
	}
	return false
}

// capture keeps a call to be looked at, whatever it holds.
func (t *acceptance) capture(ctx context.Context, tx Tx, w Workspace) error {
	w.Webhook.ListenUntil, w.Webhook.Captured = time.Time{}, t.attemptID
	if err := tx.PutWorkspace(ctx, w); err != nil {
		return err
	}
	t.done = Accepted{MessageID: t.ids[0], Captured: true}
	return t.attempt(ctx, tx, Attempt{MessageID: t.ids[0], Captured: true, Warnings: t.call.Warnings})
}

// test answers a call as if it were accepted.
func (t *acceptance) test(ctx context.Context, tx Tx, rt route) error {
	acc, err := tx.Account(ctx, t.call.Workspace)
	if err != nil {
		return err
	}
	warnings := append(t.call.Warnings[:len(t.call.Warnings):len(t.call.Warnings)], rt.warnings...)
	t.done = Accepted{MessageID: t.ids[0], Test: true, Available: acc.Available, Warnings: append(warnings, "The webhook is in test mode: nothing was sent or paid.")}
	return t.attempt(ctx, tx, Attempt{MessageID: t.ids[0], Test: true, Warnings: t.done.Warnings})
}
