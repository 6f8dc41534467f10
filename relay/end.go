package relay

import (
	"context"
	"errors"
	"time"
)

// Cancel ends a queued message and gives its units back; with a first part
// goes the second. CodeNotCancelable where it is no longer queued.
func (r *Relay) Cancel(ctx context.Context, workspace, id string) (Message, error) {
	var m Message
	err := r.update(ctx, workspace, func(tx Tx) (err error) {
		if m, err = findMessage(ctx, tx, workspace, id); err != nil {
			return err
		}
		if m.Status != Queued {
			return Refusef(CodeNotCancelable, "Only a queued message can be canceled; this one is %s.", m.Status)
		}
		return endQueued(ctx, tx, &m, canceledChange(time.Now()))
	})
	if err == nil {
		r.dispatcher.Wake()
	}
	return m, err
}

func canceledChange(now time.Time) Change {
	return Change{At: now, Status: Canceled, Failure: &Failure{Code: CodeCanceled, Message: "It was canceled before it was sent; its units were given back."}}
}

func findMessage(ctx context.Context, tx Tx, workspace, id string) (Message, error) {
	m, err := tx.Message(ctx, workspace, id)
	if errors.Is(err, ErrNotFound) {
		return m, &Error{Code: CodeNotFound, Message: "There is no message of this id in this workspace.", Err: err}
	}
	return m, err
}

// endQueued ends a message that is queued: off its lane first, then the books.
func endQueued(ctx context.Context, tx Tx, m *Message, c Change) error {
	if err := leaveLane(ctx, tx, m.ID); err != nil {
		return err
	}
	_, err := change(ctx, tx, m, c)
	return err
}

func expire(ctx context.Context, tx Tx, m *Message, now time.Time) error {
	return endQueued(ctx, tx, m, Change{At: now, Status: Expired,
		Failure: &Failure{Code: CodeExpired, Message: "It could not be sent before it expired; its units were given back."}})
}

// batch is how many rows a job takes at once.
const batch = 200

// ExpireDue ends the queued messages whose time has passed.
func (r *Relay) ExpireDue(ctx context.Context) error {
	return r.each(ctx, func() ([]string, error) { return r.Store.Expired(ctx, time.Now(), batch) },
		func(tx Tx, m *Message, now time.Time) error {
			if m.Status != Queued || now.Before(m.ExpiresAt) {
				return nil
			}
			return expire(ctx, tx, m, now)
		})
}

// each runs fn, one transaction a message, over batches of ids until there are
// none. A message that cannot be handled is logged and left for the next run.
func (r *Relay) each(ctx context.Context, ids func() ([]string, error), fn func(Tx, *Message, time.Time) error) error {
	for {
		found, err := ids()
		if err != nil || len(found) == 0 {
			return err
		}
		failed := 0
		for _, id := range found {
			err := r.update(ctx, r.workspaceOf(ctx, id), func(tx Tx) error {
				m, err := tx.Message(ctx, "", id)
				if err != nil {
					return err
				}
				return fn(tx, &m, time.Now())
			})
			if err != nil {
				failed++
				r.Log.Error("end message", "message", id, "error", err)
			}
		}
		r.dispatcher.Wake()
		if failed > 0 || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Resend makes a new message like one that ended without being sent: failed,
// expired, canceled or unconfirmed. It is paid anew. CodeNotResendable for any
// other; CodeQuotaExhausted where the quota does not cover it.
func (r *Relay) Resend(ctx context.Context, workspace, id string) (Message, error) {
	for {
		m, err := r.resend(ctx, workspace, id)
		if errors.Is(err, errDuplicateID) {
			continue
		}
		if err != nil {
			return m, refusalOf(err)
		}
		r.wakeFetch()
		r.dispatcher.Wake()
		return m, nil
	}
}

func (r *Relay) resend(ctx context.Context, workspace, id string) (m Message, err error) {
	now := time.Now()
	fresh := r.ids.New(now)
	err = r.update(ctx, workspace, func(tx Tx) error {
		old, err := findMessage(ctx, tx, workspace, id)
		if err != nil {
			return err
		}
		switch old.Status {
		case Failed, Expired, Canceled, Unconfirmed:
		default:
			return Refusef(CodeNotResendable, "Only a failed, expired, canceled or unconfirmed message can be sent again; this one is %s.", old.Status)
		}
		_, ch, err := liveChannel(ctx, tx, workspace, old.Channel)
		if err != nil {
			return err
		}
		m = old.again(fresh, now, LaneFor(ch, old.Recipient))
		lane, err := tx.Lane(ctx, m.Lane)
		if err != nil {
			return err
		}
		rt := route{channel: ch, lane: m.Lane, preparing: m.File != nil, eta: lane.ETA(lane.Depth, now)}
		m.ExpiresAt = r.expiry(Action{}, rt, now)
		if refusal, err := covered(ctx, tx, m.Lane, workspace, m.Units); err != nil || refusal != nil {
			return errors.Join(err, asError(refusal))
		}
		_, err = r.put(ctx, tx, rt, &m)
		return err
	})
	return m, err
}

// asError keeps a nil *Error from becoming an error that is not nil.
func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// again is a new message with the same content and recipient.
func (m Message) again(id string, now time.Time, lane string) Message {
	n := Message{
		ID: id, Workspace: m.Workspace, Channel: m.Channel, ChatID: m.ChatID, Recipient: m.Recipient, Lane: lane,
		Status: Queued, Units: m.Units, Charge: 1, Text: m.Text, Template: m.Template, CreatedAt: now.UTC(), ResendOf: m.ID,
		History: []Change{{At: now.UTC(), Status: Queued, Applied: true, Note: "sends " + m.ID + " again"}},
	}
	if m.File != nil {
		n.File = &File{URL: m.File.URL, Name: m.File.Name, Kind: m.File.Kind}
	}
	return n
}
