package relay

import (
	"context"
	"errors"
	"reflect"
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

// ErrHookChanged says that a webhook is no longer what a call was read by:
// nothing was written, and the call has to be read again.
var ErrHookChanged = errors.New("the webhook's settings have changed since the call was read")

// FindHook finds the webhook of a token. ErrNotFound where the token is
// malformed, unknown, rotated away or its workspace deleted: the caller cannot
// tell which. A yes may be from a while ago: the transaction behind it looks
// again, and tells ErrHookChanged. A no is always looked up.
func (r *Relay) FindHook(ctx context.Context, token string, now time.Time) (hook Hook, err error) {
	g, ok := r.Store.(Glancer)
	if !ok {
		return r.FindHookAnew(ctx, token, now)
	}
	h := r.Secrets.HashToken(token)
	err = g.Glance(func(tx Tx) (err error) {
		hook, err = findHook(ctx, tx, h, now)
		return err
	})
	if err != nil || !hook.Enabled {
		return r.FindHookAnew(ctx, token, now)
	}
	return hook, nil
}

// FindHookAnew is FindHook over what is durable now.
func (r *Relay) FindHookAnew(ctx context.Context, token string, now time.Time) (hook Hook, err error) {
	h := r.Secrets.HashToken(token)
	err = r.Store.View(ctx, func(tx Tx) (err error) {
		hook, err = findHook(ctx, tx, h, now)
		return err
	})
	return hook, err
}

// reads reports that calls are read by w as they were by h. Whether it is
// switched on is asked about in any case.
func (h *Hook) reads(w *Webhook, country string) bool {
	return h.RatePerMinute == w.RatePerMinute && h.Strict == w.Strict && h.AllowMergeTags == w.AllowMergeTags && h.Country == country &&
		(h.Mapping == w.Mapping || reflect.DeepEqual(h.Mapping, w.Mapping))
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
