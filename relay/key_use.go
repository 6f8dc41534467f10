package relay

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

const (
	kindKeyUse = "key_use"
	// keyUseEvery is how exactly the last use of a key is known.
	keyUseEvery = 10 * time.Minute
)

// keyUses is what this process wrote of the use of keys.
type keyUses struct {
	mu sync.Mutex
	at map[string]time.Time
}

// due reports whether a use has to be written, and notes that it is.
func (u *keyUses) due(id string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.at[id]) < keyUseEvery {
		return false
	}
	if u.at == nil || len(u.at) > 10_000 {
		u.at = map[string]time.Time{}
	}
	u.at[id] = now
	return true
}

// UsedAPIKey remembers that a key was used, at most once in ten minutes. It is
// a courtesy: a failure is logged and nothing else.
func (r *Relay) UsedAPIKey(ctx context.Context, k APIKey) {
	now := time.Now().UTC()
	if !r.keyUses.due(k.ID, now) {
		return
	}
	b, err := json.Marshal(now)
	if err == nil {
		err = r.Store.Update(ctx, func(tx Tx) error {
			return tx.PutCard(ctx, Card{Kind: kindKeyUse, Workspace: k.Workspace, Key: k.ID, Value: b})
		})
	}
	if err != nil && ctx.Err() == nil {
		r.Log.Warn("the last use of a key was not noted", "key", k.ID, "error", err)
	}
}

// APIKeyUses tells when each key of a workspace was last used, by id and to
// ten minutes.
func (r *Relay) APIKeyUses(ctx context.Context, workspace string) (map[string]time.Time, error) {
	uses := map[string]time.Time{}
	for p := (Page{Limit: 200}); ; {
		cards, next, err := r.Store.Cards(ctx, CardFilter{Kind: kindKeyUse, Workspace: workspace}, p)
		if err != nil {
			return nil, err
		}
		for _, c := range cards {
			var at time.Time
			if err := json.Unmarshal(c.Value, &at); err != nil {
				return nil, err
			}
			uses[c.Key] = at
		}
		if p.Cursor = next; next == "" {
			return uses, nil
		}
	}
}
