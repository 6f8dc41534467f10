package relay

import (
	"context"
	"errors"
	"time"
)

// Resend makes a new message like one that ended without being sent: failed,
// expired, canceled or unconfirmed. It is paid anew. Where the second part of
// two ended so too, both are made again. CodeNotResendable for any other, and
// for one that was sent again already, unless that one ended without being sent
// too: asked twice, it sends once. CodeQuotaExhausted where the quota does not
// cover it.
func (r *Relay) Resend(ctx context.Context, workspace, id string) (Message, error) {
	if r.Store.Free() < 0 {
		return Message{}, refusalOf(ErrDiskFull)
	}
	for {
		now := time.Now()
		parts, err := r.resend(ctx, workspace, id, [2]string{r.ids.New(now), r.ids.New(now)}, now)
		if errors.Is(err, errDuplicateID) {
			continue
		}
		if err != nil {
			return Message{}, refusalOf(err)
		}
		r.wakeFetch()
		r.dispatcher.Wake()
		return parts[0], nil
	}
}

func (r *Relay) resend(ctx context.Context, workspace, id string, fresh [2]string, now time.Time) (parts []Message, err error) {
	err = r.update(ctx, workspace, func(tx Tx) error {
		parts = nil
		old, last, err := endedParts(ctx, tx, workspace, id)
		if err != nil {
			return err
		}
		w, ch, err := liveChannel(ctx, tx, workspace, old[0].Channel)
		if err != nil {
			return err
		}
		if err := mayGetAgain(ctx, tx, w, old[0]); err != nil {
			return err
		}
		rt := route{channel: ch, lane: LaneFor(ch, old[0].Recipient), preparing: old[len(old)-1].File != nil}
		lane, err := tx.Lane(ctx, rt.lane)
		if err != nil {
			return err
		}
		rt.eta = lane.ETA(lane.Depth, now)
		parts = again(old, fresh, rt.lane, now)
		if refusal, err := covered(ctx, tx, rt.lane, workspace, unitsOf(parts)); err != nil || refusal != nil {
			return errors.Join(err, asError(refusal))
		}
		for i := range parts {
			parts[i].ExpiresAt = r.expiry(Action{}, rt, now)
			if _, err := r.put(ctx, tx, rt, &parts[i]); err != nil {
				return err
			}
			last[i].ResentAs = parts[i].ID
			if err := tx.PutMessage(ctx, last[i]); err != nil {
				return err
			}
			if err := emitMessage(ctx, tx, w, &parts[i]); err != nil {
				return err
			}
		}
		return tellMeterOf(ctx, tx, w, unitsOf(parts), now)
	})
	return parts, err
}

// mayGetAgain refuses a message to somebody who has opted out since.
func mayGetAgain(ctx context.Context, tx Tx, w Workspace, m Message) error {
	out, err := toOptedOut(ctx, tx, w, m)
	if err != nil || !out {
		return err
	}
	return Refusef(CodeOptedOut, "This person has asked not to get messages, so it was not sent again.")
}

// toOptedOut reports whether a message is to somebody on the list.
func toOptedOut(ctx context.Context, tx Tx, w Workspace, m Message) (bool, error) {
	if w.OptedOut == 0 {
		return false, nil
	}
	c, err := chatOf(ctx, tx, m.Workspace, m.Channel, m.Recipient)
	if errors.Is(err, ErrNotFound) {
		c, err = chatWith(m.Workspace, m.Channel, m.Recipient, m.CreatedAt), nil
	}
	if err != nil {
		return false, err
	}
	return optedOut(ctx, tx, w, c)
}

// endedParts are the messages to make again: the one of that id, and its
// second part where that ended without being sent as well. last are those that
// repeated them last, or they themselves.
func endedParts(ctx context.Context, tx Tx, workspace, id string) (old, last []Message, err error) {
	m, err := findMessage(ctx, tx, workspace, id)
	if err != nil {
		return nil, nil, err
	}
	if m.Erased {
		return nil, nil, Refusef(CodeNotResendable, "The person of this message was erased, so nobody knows what it said, or to whom.")
	}
	if !m.Status.resendable() {
		return nil, nil, Refusef(CodeNotResendable, "Only a failed, expired, canceled or unconfirmed message can be sent again; this one is %s.", m.Status)
	}
	end, err := lastRepetition(ctx, tx, m)
	if err != nil {
		return nil, nil, err
	}
	if !end.Status.resendable() {
		return nil, nil, Refusef(CodeNotResendable, "This message was sent again already, as %s; that one is %s.", end.ID, end.Status)
	}
	old, last = []Message{m}, []Message{end}
	if len(m.Parts) < 2 {
		return old, last, nil
	}
	second, err := tx.Message(ctx, workspace, m.Parts[1])
	if errors.Is(err, ErrNotFound) || err == nil && !second.Status.resendable() {
		return old, last, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if end, err = lastRepetition(ctx, tx, second); err != nil || !end.Status.resendable() {
		return old, last, err
	}
	return append(old, second), append(last, end), nil
}

// lastRepetition is the message that repeats m, or repeats what repeats it, and
// so on; m where there is none, or it is forgotten.
func lastRepetition(ctx context.Context, tx Tx, m Message) (Message, error) {
	for m.ResentAs != "" {
		next, err := tx.Message(ctx, m.Workspace, m.ResentAs)
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return m, err
		}
		m = next
	}
	return m, nil
}

// resendable reports whether the owner may send such a message again.
func (s Status) resendable() bool {
	return s == Failed || s == Expired || s == Canceled || s == Unconfirmed
}

// asError keeps a nil *Error from becoming an error that is not nil.
func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// again are new messages with the same content and recipient.
func again(old []Message, ids [2]string, lane string, now time.Time) []Message {
	parts := make([]Message, len(old))
	for i, m := range old {
		parts[i] = Message{
			ID: ids[i], Workspace: m.Workspace, Channel: m.Channel, ChatID: m.ChatID, Recipient: m.Recipient, Address: m.Address, Lane: lane,
			Status: Queued, Units: m.Units, Charge: 1, Text: m.Text, Template: m.Template, CreatedAt: now.UTC(), ResendOf: m.ID,
			History: []Change{{At: now.UTC(), Status: Queued, Applied: true, Note: "sends " + m.ID + " again"}},
		}
		if m.File != nil {
			parts[i].File = &File{URL: m.File.URL, Name: m.File.Name, Kind: m.File.Kind}
		}
	}
	if len(parts) == 2 {
		parts[0].Parts, parts[1].PartOf = ids[:], ids[0]
	}
	return parts
}
