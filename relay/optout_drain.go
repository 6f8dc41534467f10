package relay

import (
	"context"
	"errors"
	"time"
)

// leaveAlone cancels what is queued to somebody who was put on the list a
// moment ago. Where that fails, or something is being sent just now, the job
// does it: the card is due until nothing is left.
func (r *Relay) leaveAlone(ctx context.Context, o OptOut) {
	if err := r.cancelFor(ctx, o); err != nil {
		r.Log.Warn("messages to somebody who opted out are not canceled yet", "workspace", o.Workspace, "error", err)
	}
}

// LeaveAlone cancels what is still queued to people on opt-out lists: what
// came back to its lane after a try, and what a crash left.
func (r *Relay) LeaveAlone(ctx context.Context) error {
	for {
		due, _, err := r.Store.CardsDue(ctx, kindOptOut, time.Now(), batch)
		if err != nil {
			return err
		}
		for _, c := range due {
			o, err := optOutOf(c)
			if err == nil {
				err = r.cancelFor(ctx, o)
			}
			if err != nil { // one keeps no other waiting; it comes again with the next run
				r.Log.Error("cancel messages to somebody who opted out", "workspace", c.Workspace, "error", err)
				err = r.putOff(ctx, c)
			}
			if err != nil {
				return err
			}
		}
		if len(due) < batch || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// aWhile is after how long somebody looks again for what may come back to its
// lane.
const aWhile = 10 * time.Second

func (r *Relay) putOff(ctx context.Context, c Card) error {
	return r.Store.Update(ctx, func(tx Tx) error {
		cur, err := tx.Card(ctx, c.Kind, c.Workspace, c.Key)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		cur.Due = time.Now().Add(aWhile)
		return tx.PutCard(ctx, cur)
	})
}

// cancelFor cancels what is queued to somebody, one transaction a message, and
// settles their card: it is due no more, or once more in a while where a
// message to them is being sent and may come back.
func (r *Relay) cancelFor(ctx context.Context, o OptOut) error {
	began := time.Now()
	chats, err := r.ChatsWith(ctx, o.Workspace, o.Recipient)
	if err != nil {
		return err
	}
	sending := false
	for _, c := range chats {
		out, err := r.cancelChat(ctx, c)
		if err != nil {
			return err
		}
		sending = sending || out
	}
	r.dispatcher.Wake()
	return r.Store.Update(ctx, func(tx Tx) error {
		c, err := tx.Card(ctx, kindOptOut, o.Workspace, optOutKey(o.Recipient))
		if errors.Is(err, ErrNotFound) || err == nil && (c.Due.IsZero() || c.Due.After(began)) {
			return nil // off the list, or put on it anew
		}
		if err != nil {
			return err
		}
		c.Due = time.Time{}
		if sending {
			c.Due = time.Now().Add(aWhile)
		}
		return tx.PutCard(ctx, c)
	})
}

// ChatsWith are the conversations with somebody, over all channels, by
// whichever form of their number; with a twin where there is one.
func (r *Relay) ChatsWith(ctx context.Context, workspace, recipient string) (all []Chat, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		all = nil
		refs, err := tx.Channels(ctx, workspace)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			c, err := chatOf(ctx, tx, workspace, ref.ID, recipient)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			all = append(all, c)
			other := c.User
			if c.User == c.Recipient { // known by the id alone, when this chat began
				if other, err = tx.RecipientOfUser(ctx, workspace, ref.ID, c.User); err != nil && !errors.Is(err, ErrNotFound) {
					return err
				}
			}
			if other == "" || other == c.Recipient {
				continue
			}
			switch twin, err := tx.Chat(ctx, workspace, ref.ID, other); {
			case err == nil:
				all = append(all, twin)
			case !errors.Is(err, ErrNotFound):
				return err
			}
		}
		return nil
	})
	return all, err
}

func optedOutChange(now time.Time) Change {
	return Change{At: now, Status: Canceled, Failure: &Failure{Code: CodeOptedOut,
		Message: "This person asked not to get messages before it was sent; its units were given back."}}
}

// cancelChat cancels what is queued in a chat, and reports whether something of
// it is being sent.
func (r *Relay) cancelChat(ctx context.Context, c Chat) (sending bool, err error) {
	f := MessageFilter{Workspace: c.Workspace, Chat: c.ID, Statuses: []Status{Queued, Sending}}
	for page := (Page{Limit: batch}); ; {
		list, next, err := r.Store.Messages(ctx, f, page)
		if err != nil {
			return sending, err
		}
		for _, m := range list {
			if m.Status == Sending {
				sending = true
				continue
			}
			err := r.update(ctx, m.Workspace, func(tx Tx) error {
				m, err := tx.Message(ctx, m.Workspace, m.ID)
				if err != nil || m.Status != Queued {
					sending = sending || m.Status == Sending
					return err
				}
				return endQueued(ctx, tx, &m, optedOutChange(time.Now()))
			})
			if err != nil && !errors.Is(err, ErrNotFound) {
				return sending, err
			}
		}
		if page.Cursor = next; next == "" {
			return sending, nil
		}
	}
}
