package relay

import (
	"context"
	"time"
)

// Hook is what a webhook token leads to.
type Hook struct {
	Workspace     string
	Hash          TokenHash
	Enabled       bool
	RatePerMinute int
	// What reading a call depends on.
	Strict, AllowMergeTags bool
	Country                string
	Mapping                *Mapping
}

// FindHook finds the webhook of a token. ErrNotFound where the token is
// malformed, unknown, rotated away or its workspace deleted: the caller cannot
// tell which.
func (r *Relay) FindHook(ctx context.Context, token string, now time.Time) (Hook, error) {
	h := r.Secrets.HashToken(token)
	var hook Hook
	find := func(tx Tx) (err error) {
		hook, err = findHook(ctx, tx, h, now)
		return err
	}
	// A yes may be from a moment ago: the transaction behind it asks again. A
	// no is always looked up.
	if g, ok := r.Store.(Glancer); ok && g.Glance(find) == nil && hook.Enabled {
		return hook, nil
	}
	err := r.Store.View(ctx, find)
	return hook, err
}

func findHook(ctx context.Context, tx Tx, h TokenHash, now time.Time) (Hook, error) {
	id, err := tx.WorkspaceByToken(ctx, h)
	if err != nil {
		return Hook{}, err
	}
	w, err := tx.Workspace(ctx, id)
	if err != nil {
		return Hook{}, err
	}
	if !w.Webhook.opens(h, now) {
		return Hook{}, ErrNotFound
	}
	hook := HookOf(w)
	hook.Hash = h
	return hook, nil
}

// HookOf is a workspace's webhook, without a token.
func HookOf(w Workspace) Hook {
	return Hook{
		Workspace: w.ID, Enabled: w.Webhook.Enabled, RatePerMinute: w.Webhook.RatePerMinute,
		Strict: w.Webhook.Strict, AllowMergeTags: w.Webhook.AllowMergeTags, Country: w.Country, Mapping: w.Webhook.Mapping,
	}
}

// opens reports whether a token is the current one, or the previous one
// within its grace.
func (w *Webhook) opens(h TokenHash, now time.Time) bool {
	return w.Token.Hash == h || w.byPrevious(h, now)
}

func (w *Webhook) byPrevious(h TokenHash, now time.Time) bool {
	return w.Previous != nil && w.Previous.Hash == h && now.Before(w.PreviousUntil)
}
