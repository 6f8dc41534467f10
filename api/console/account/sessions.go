package account

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"relevo/relay"
)

const kindSession = "session"

// Sessions keeps those of scs, by the hash of their tokens
// (SessionManager.HashTokenInStore). It implements scs.CtxStore.
type Sessions struct{ Store relay.Store }

// session is what is kept of one. Ended: somebody signed out, or it goes on
// under another token; a page that was asked for before that, and is done
// later, does not bring it back.
type session struct {
	Data  []byte `json:"data"`
	Ended bool   `json:"ended,omitzero"`
}

// endedFor is how long an end is remembered: longer than any page takes.
const endedFor = 24 * time.Hour

// FindCtx finds one that has not ended.
func (s Sessions) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	err = s.Store.View(ctx, func(tx relay.Tx) error {
		c, err := tx.Card(ctx, kindSession, "", token)
		if errors.Is(err, relay.ErrNotFound) || err == nil && !time.Now().Before(c.Due) {
			return nil
		}
		if err != nil {
			return err
		}
		var v session
		if err := json.Unmarshal(c.Value, &v); err != nil {
			return err
		}
		b, found = v.Data, !v.Ended
		return nil
	})
	return b, found, err
}

// CommitCtx writes one, but not over one that has ended.
func (s Sessions) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return s.Store.Update(ctx, func(tx relay.Tx) error {
		v, err := load[session](ctx, tx, kindSession, "", token)
		if err != nil && !errors.Is(err, relay.ErrNotFound) || v.Ended {
			return err
		}
		return keep(ctx, tx, relay.Card{Kind: kindSession, Key: token, Due: expiry.UTC().Truncate(time.Second)}, session{Data: b})
	})
}

// DeleteCtx ends one. Of one that never was nothing is written.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.Store.Update(ctx, func(tx relay.Tx) error {
		_, err := load[session](ctx, tx, kindSession, "", token)
		if errors.Is(err, relay.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return keep(ctx, tx, relay.Card{Kind: kindSession, Key: token, Due: time.Now().Add(endedFor).UTC().Truncate(time.Second)}, session{Ended: true})
	})
}

// Find, Commit and Delete are what scs falls back to without a context.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx.
func (s Sessions) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete is DeleteCtx.
func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// Prune forgets sessions, invitations and links to a new password that have
// ended.
func (a *Accounts) Prune(ctx context.Context, now time.Time) error {
	for _, kind := range []string{kindSession, kindInvite, kindReset} {
		for n := 1; n > 0; {
			var err error
			if n, err = a.store.PruneCards(ctx, kind, now, 500); err != nil {
				return err
			}
		}
	}
	return nil
}
