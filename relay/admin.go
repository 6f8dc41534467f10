package relay

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"relevo/quota"
)

// firstChat is the number of a workspace's first chat.
const firstChat = 10001

// CreateWorkspace makes a workspace with a webhook, enabled, and no channel.
func (r *Relay) CreateWorkspace(ctx context.Context, name string) (Workspace, error) {
	name, refusal := cleanName(name)
	if refusal != nil {
		return Workspace{}, refusal
	}
	w := Workspace{ID: NewID("ws_"), Name: name, CreatedAt: time.Now().UTC(), NextChat: firstChat}
	w.Webhook = Webhook{Enabled: true, Token: r.newToken(w.ID)}
	err := r.Store.Update(ctx, func(tx Tx) error {
		if err := tx.PutToken(ctx, w.Webhook.Token.Hash, w.ID); err != nil {
			return err
		}
		return tx.PutWorkspace(ctx, w)
	})
	if err == nil {
		r.tokens.made(w.Webhook.Token.Hash)
	}
	return w, err
}

func cleanName(name string) (string, error) {
	name = ChatName(name)
	if name == "" || utf8.RuneCountInString(name) > 200 {
		return "", RefuseField(CodeInvalidField, "name", "A name has 1 to 200 characters.", "Give it a name that you will recognise.")
	}
	return name, nil
}

func (r *Relay) newToken(workspace string) SealedToken {
	token := NewToken()
	return SealedToken{Hash: r.Secrets.HashToken(token), Sealed: r.Secrets.Seal(token, workspace)}
}

// Token is a workspace's current webhook token in the clear, for its owner.
func (r *Relay) Token(w Workspace) (string, error) {
	return r.Secrets.Open(w.Webhook.Token.Sealed, w.ID)
}

// Workspace finds one that was not deleted. CodeNotFound.
func (r *Relay) Workspace(ctx context.Context, id string) (w Workspace, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		w, err = liveWorkspace(ctx, tx, id)
		return err
	})
	return w, err
}

// LiveWorkspaces are those of ids that were not deleted, by id.
func (r *Relay) LiveWorkspaces(ctx context.Context, ids iter.Seq[string]) (all map[string]Workspace, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		all = map[string]Workspace{}
		for id := range ids {
			w, err := liveWorkspace(ctx, tx, id)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			all[id] = w
		}
		return nil
	})
	return all, err
}

// WorkspacePatch changes what is not nil.
type WorkspacePatch struct {
	Name *string
	// Country was checked; empty removes it.
	Country *string
	// TimeZone was checked; empty removes it.
	TimeZone *string
}

// UpdateWorkspace changes its name, its country and its time zone.
func (r *Relay) UpdateWorkspace(ctx context.Context, id string, p WorkspacePatch) (Workspace, error) {
	if p.Name != nil {
		name, refusal := cleanName(*p.Name)
		if refusal != nil {
			return Workspace{}, refusal
		}
		p.Name = &name
	}
	return r.editWorkspace(ctx, id, func(_ Tx, w *Workspace) error {
		set(&w.Name, p.Name)
		set(&w.Country, p.Country)
		set(&w.TimeZone, p.TimeZone)
		return nil
	})
}

// editWorkspace changes a workspace in one transaction.
func (r *Relay) editWorkspace(ctx context.Context, id string, edit func(Tx, *Workspace) error) (w Workspace, err error) {
	err = r.update(ctx, id, func(tx Tx) error {
		if w, err = liveWorkspace(ctx, tx, id); err != nil {
			return err
		}
		if err := edit(tx, &w); err != nil {
			return err
		}
		return tx.PutWorkspace(ctx, w)
	})
	return w, err
}

// DeleteWorkspace kills its URL and keys at once, deletes its channels (what
// is queued is canceled and refunded, calls in flight settle), and hides it.
// Its books stay until they are pruned.
func (r *Relay) DeleteWorkspace(ctx context.Context, id string) error {
	keys, err := r.Store.APIKeys(ctx, id)
	if err != nil {
		return err
	}
	var refs []ChannelRef
	_, err = r.editWorkspace(ctx, id, func(tx Tx, w *Workspace) error {
		if refs, err = tx.Channels(ctx, id); err != nil {
			return err
		}
		slices.SortFunc(refs, func(a, b ChannelRef) int { return strings.Compare(a.ID, b.ID) }) // as their lanes are loaded
		w.DeletedAt = time.Now().UTC()
		w.Webhook.Enabled, w.Subscriptions = false, nil
		for _, k := range keys {
			if err := tx.DeleteAPIKey(ctx, k); err != nil {
				return err
			}
		}
		if w.Webhook.Previous != nil {
			if err := tx.DeleteToken(ctx, w.Webhook.Previous.Hash); err != nil {
				return err
			}
		}
		for _, ref := range refs {
			if err := closeChannel(ctx, tx, id, ref.ID); err != nil {
				return err
			}
		}
		w.Webhook.Token.Sealed, w.Webhook.Previous = nil, nil // nobody needs a dead URL again
		return tx.DeleteToken(ctx, w.Webhook.Token.Hash)
	})
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := r.drainChannel(ctx, id, ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// WebhookPatch changes what is not nil.
type WebhookPatch struct {
	Enabled *bool
	// RatePerMinute is 0 to 60,000; DedupeSeconds 0 to 86,400.
	RatePerMinute, DedupeSeconds *int
	Strict, AllowMergeTags, Test *bool
	// Mapping was checked; a pointer to nil removes the one there is.
	Mapping **Mapping
}

// UpdateWebhook changes a webhook's switches. Disabling stops accepting; what
// is queued still goes out.
func (r *Relay) UpdateWebhook(ctx context.Context, workspace string, p WebhookPatch) (Workspace, error) {
	if p.RatePerMinute != nil && (*p.RatePerMinute < 0 || *p.RatePerMinute > 60_000) {
		return Workspace{}, RefuseField(CodeInvalidField, "rate_per_minute", "The limit is 0 (none) to 60,000 calls a minute.", "")
	}
	if p.DedupeSeconds != nil && (*p.DedupeSeconds < 0 || *p.DedupeSeconds > 86_400) {
		return Workspace{}, RefuseField(CodeInvalidField, "dedupe_seconds", "The window is 0 (off) to 86,400 seconds.", "")
	}
	return r.editWorkspace(ctx, workspace, func(_ Tx, w *Workspace) error {
		h := &w.Webhook
		set(&h.Enabled, p.Enabled)
		set(&h.RatePerMinute, p.RatePerMinute)
		set(&h.DedupeSeconds, p.DedupeSeconds)
		set(&h.Strict, p.Strict)
		set(&h.AllowMergeTags, p.AllowMergeTags)
		set(&h.Test, p.Test)
		set(&h.Mapping, p.Mapping)
		return nil
	})
}

// set changes what is given.
func set[T any](what *T, to *T) {
	if to != nil {
		*what = *to
	}
}

// MaxListen is how long a webhook may wait for a call to capture.
const MaxListen = time.Hour

// Listen lets the webhook capture the next call instead of sending it, within
// the time given; zero ends the waiting. What is captured becomes an attempt.
func (r *Relay) Listen(ctx context.Context, workspace string, d time.Duration) (Workspace, error) {
	if d < 0 || d > MaxListen {
		return Workspace{}, RefuseField(CodeInvalidField, "seconds", "Listening lasts 0 to 3,600 seconds.", "")
	}
	return r.editWorkspace(ctx, workspace, func(_ Tx, w *Workspace) error {
		w.Webhook.ListenUntil = time.Time{}
		if d > 0 {
			w.Webhook.ListenUntil, w.Webhook.Captured = time.Now().Add(d).UTC(), ""
		}
		return nil
	})
}

// MaxGrace is how long an old URL may live on at most.
const MaxGrace = 24 * time.Hour

// RotateWebhook gives the webhook a new URL. The old one dies with this
// transaction, or after a grace of up to MaxGrace; one that was still in its
// grace dies at once.
func (r *Relay) RotateWebhook(ctx context.Context, workspace string, grace time.Duration) (Workspace, error) {
	if grace < 0 || grace > MaxGrace {
		return Workspace{}, RefuseField(CodeInvalidField, "grace_seconds", "The grace is 0 to 86,400 seconds.", "")
	}
	fresh := r.newToken(workspace)
	w, err := r.editWorkspace(ctx, workspace, func(tx Tx, w *Workspace) error {
		h := &w.Webhook
		if h.Previous != nil {
			if err := tx.DeleteToken(ctx, h.Previous.Hash); err != nil {
				return err
			}
		}
		h.PreviousUsedAt, h.PreviousUsedBy, h.RotatedAt = time.Time{}, "", time.Now().UTC()
		old := h.Token
		h.Token, h.Previous, h.PreviousUntil = fresh, nil, time.Time{}
		if grace > 0 {
			h.Previous, h.PreviousUntil = &old, time.Now().Add(grace).UTC()
		} else if err := tx.DeleteToken(ctx, old.Hash); err != nil {
			return err
		}
		if err := emitRotated(ctx, tx, *w); err != nil {
			return err
		}
		return tx.PutToken(ctx, fresh.Hash, w.ID)
	})
	if err == nil {
		r.tokens.made(fresh.Hash)
	}
	return w, err
}

// CreateAPIKey makes a key for a workspace and returns it in the clear, once.
func (r *Relay) CreateAPIKey(ctx context.Context, workspace, name string) (APIKey, string, error) {
	name, refusal := cleanName(name)
	if refusal != nil {
		return APIKey{}, "", refusal
	}
	secret := NewAPIKey()
	k := APIKey{ID: NewID("key_"), Workspace: workspace, Name: name, Hash: r.Secrets.HashKey(secret), CreatedAt: time.Now().UTC()}
	_, err := r.editWorkspace(ctx, workspace, func(tx Tx, _ *Workspace) error { return tx.PutAPIKey(ctx, k) })
	return k, secret, err
}

// FindAPIKey finds the key of a secret. ErrNotFound, also where its workspace
// was deleted.
func (r *Relay) FindAPIKey(ctx context.Context, secret string) (k APIKey, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		if k, err = tx.APIKey(ctx, r.Secrets.HashKey(secret)); err != nil {
			return err
		}
		_, err = liveWorkspace(ctx, tx, k.Workspace)
		return err
	})
	return k, err
}

// DeleteAPIKey revokes a key at once. CodeNotFound.
func (r *Relay) DeleteAPIKey(ctx context.Context, workspace, id string) error {
	keys, err := r.Store.APIKeys(ctx, workspace)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID == id {
			return r.Store.Update(ctx, func(tx Tx) error {
				if err := tx.DeleteCard(ctx, kindKeyUse, workspace, id); err != nil {
					return err
				}
				return tx.DeleteAPIKey(ctx, k)
			})
		}
	}
	return Refusef(CodeNotFound, "There is no key of this id in this workspace.")
}

// Account is a workspace's balance.
func (r *Relay) Account(ctx context.Context, workspace string) (a quota.Account, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		if _, err := liveWorkspace(ctx, tx, workspace); err != nil {
			return err
		}
		a, err = tx.Account(ctx, workspace)
		return err
	})
	return a, err
}

// Grant adds units under a reference that is unique in the workspace. The same
// reference and units again return the same entry and move nothing; with other
// units it is CodeConflict.
func (r *Relay) Grant(ctx context.Context, workspace, reference string, units int64) (e quota.Entry, err error) {
	reference = strings.TrimSpace(reference)
	if n := utf8.RuneCountInString(reference); n < 1 || n > 200 {
		return e, RefuseField(CodeInvalidField, "reference", "A grant needs a reference of 1 to 200 characters.", "Use an invoice or order number; the same one again grants nothing twice.")
	}
	if strings.HasPrefix(reference, "plan:") {
		return e, RefuseField(CodeInvalidField, "reference", "References that begin with plan: are the plan's own.", "Choose another reference.")
	}
	err = r.update(ctx, workspace, func(tx Tx) error {
		w, err := liveWorkspace(ctx, tx, workspace)
		if err != nil {
			return err
		}
		before, err := tx.Account(ctx, workspace)
		if err != nil {
			return err
		}
		if err := quota.Grant(ctx, tx, workspace, reference, units, time.Now()); err != nil {
			return err
		}
		if err := fill(ctx, tx, &w, before); err != nil {
			return err
		}
		if err := tx.PutWorkspace(ctx, w); err != nil {
			return err
		}
		e, _, err = tx.Entry(ctx, workspace, quota.KindGrant, reference)
		return err
	})
	var conflict *quota.ConflictError
	switch {
	case errors.As(err, &conflict):
		return e, &Error{Code: CodeConflict, Message: "This reference was used for a grant of other units; nothing was granted.", Err: err}
	case errors.Is(err, quota.ErrUnits):
		return e, RefuseField(CodeInvalidField, "units", "Units are a whole number from 1 to 1,000,000,000,000.", "")
	}
	return e, err
}

// SetPlan sets the plan of a workspace, from the next date of its schedule on;
// nil removes it. What was granted stays.
func (r *Relay) SetPlan(ctx context.Context, workspace string, p *quota.Plan) (Workspace, error) {
	if p != nil {
		now := time.Now().UTC()
		if p.Units < 1 || p.Units > quota.MaxUnits {
			return Workspace{}, RefuseField(CodeInvalidField, "units", "Units are a whole number from 1 to 1,000,000,000,000.", "")
		}
		if _, err := p.Next(now); err != nil {
			return Workspace{}, RefuseField(CodeInvalidField, "schedule", "The "+err.Error()+".", "For example \"0 0 1 * *\": midnight (UTC) on the first of each month.")
		}
		p.Since = now
	}
	if err := r.refill(ctx, workspace); err != nil { // what the old one still owes
		return Workspace{}, err
	}
	return r.editWorkspace(ctx, workspace, func(_ Tx, w *Workspace) error {
		w.Plan = p
		return nil
	})
}
