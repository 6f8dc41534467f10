package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"
)

// OptOut is somebody who gets no messages of a workspace, over any channel:
// they wrote so, or an owner put them on the list.
type OptOut struct {
	Workspace string `json:"workspace"`
	// Recipient is the Identity of a number, or the provider's own id of the
	// person.
	Recipient string    `json:"recipient"`
	At        time.Time `json:"at"`
	// By is ByRecipient where they wrote it themselves, else who put them on
	// the list.
	By string `json:"by"`
	// Reason is the note of whoever did it, or what the person wrote.
	Reason string `json:"reason,omitzero"`
	// Channel and Chat are where they wrote it; empty where they did not.
	Channel string `json:"channel,omitzero"`
	Chat    string `json:"chat,omitzero"`
}

// ByRecipient is who put somebody on the list that wrote so themselves.
const ByRecipient = "recipient"

// kindOptOut are the cards of the list, by optOutKey. One is due while messages
// to the person may still wait.
const kindOptOut = "opt_out"

// Bounds of what is noted by hand, in characters.
const (
	maxOptOutReason = 500
	maxOptOutBy     = 120
)

// optOutKey is by what somebody is on the list. It is empty for what no card
// is kept under: nobody is known by that.
func optOutKey(recipient string) string {
	id := Identity(recipient)
	if isGroup(id) || !ValidCardKey(kindOptOut, "", id) {
		return ""
	}
	return id
}

// OptOuts are the people on a workspace's list, in the order of their numbers,
// from those that begin with a prefix.
func (r *Relay) OptOuts(ctx context.Context, workspace, prefix string, p Page) (out []OptOut, next string, err error) {
	if _, err := r.Workspace(ctx, workspace); err != nil {
		return nil, "", err
	}
	cards, next, err := r.Store.Cards(ctx, CardFilter{Kind: kindOptOut, Workspace: workspace, Prefix: prefix}, p)
	for _, c := range cards {
		o, err := optOutOf(c)
		if err != nil {
			return nil, "", err
		}
		out = append(out, o)
	}
	return out, next, err
}

func optOutOf(c Card) (o OptOut, err error) {
	err = json.Unmarshal(c.Value, &o)
	return o, err
}

// OptOut finds somebody on the list, by whichever form of their number.
// CodeNotFound.
func (r *Relay) OptOut(ctx context.Context, workspace, recipient string) (o OptOut, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		if _, err := liveWorkspace(ctx, tx, workspace); err != nil {
			return err
		}
		o, err = findOptOut(ctx, tx, workspace, recipient)
		return err
	})
	return o, notListed(err)
}

func notListed(err error) error {
	if errors.Is(err, ErrNotFound) && !isCode(err, CodeNotFound) {
		return &Error{Code: CodeNotFound, Message: "This person is not on the opt-out list of this workspace.", Err: ErrNotFound}
	}
	return err
}

// findOptOut finds somebody on the list. ErrNotFound.
func findOptOut(ctx context.Context, tx Tx, workspace, recipient string) (OptOut, error) {
	key := optOutKey(recipient)
	if key == "" {
		return OptOut{}, ErrNotFound
	}
	c, err := tx.Card(ctx, kindOptOut, workspace, key)
	if err != nil {
		return OptOut{}, err
	}
	return optOutOf(c)
}

// PutOptOut puts somebody on the list, and cancels what waits for them; its
// units come back. Of somebody who is on it already only the reason changes.
// made is false then.
func (r *Relay) PutOptOut(ctx context.Context, o OptOut) (_ OptOut, made bool, err error) {
	if utf8.RuneCountInString(o.Reason) > maxOptOutReason {
		return o, false, RefuseField(CodeInvalidField, "reason", "A reason has at most 500 characters.", "Shorten it.")
	}
	if optOutKey(o.Recipient) == "" {
		return o, false, RefuseField(CodeInvalidPhone, "phone", "This is nobody who could be on the list.", "Groups cannot be; take a person's number.")
	}
	o.By, o.At = clip(o.By, maxOptOutBy), time.Now().UTC()
	asked := o
	err = r.update(ctx, o.Workspace, func(tx Tx) error {
		made, o = false, asked
		w, err := liveWorkspace(ctx, tx, o.Workspace)
		if err != nil {
			return err
		}
		old, err := findOptOut(ctx, tx, o.Workspace, o.Recipient)
		switch {
		case err == nil:
			old.Reason = cmp.Or(o.Reason, old.Reason)
			o = old
		case !errors.Is(err, ErrNotFound):
			return err
		}
		made = err != nil
		return putOptOut(ctx, tx, w, &o, made, time.Now())
	})
	if err != nil {
		return o, false, err
	}
	r.leaveAlone(ctx, o)
	return o, made, nil
}

// putOptOut writes one. Its card is due at once: somebody has to look for what
// is queued.
func putOptOut(ctx context.Context, tx Tx, w Workspace, o *OptOut, made bool, now time.Time) error {
	o.Recipient = Identity(o.Recipient)
	if made {
		w.OptedOut++
		if err := tx.PutWorkspace(ctx, w); err != nil {
			return err
		}
	}
	return putOptOutCard(ctx, tx, *o, now)
}

func putOptOutCard(ctx context.Context, tx Tx, o OptOut, due time.Time) error {
	value, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return tx.PutCard(ctx, Card{Kind: kindOptOut, Workspace: o.Workspace, Key: optOutKey(o.Recipient), Due: due, Value: value})
}

// DeleteOptOut takes somebody off the list. CodeNotFound where they are not on
// it. What was canceled stays so.
func (r *Relay) DeleteOptOut(ctx context.Context, workspace, recipient string) error {
	return notListed(r.update(ctx, workspace, func(tx Tx) error {
		w, err := liveWorkspace(ctx, tx, workspace)
		if err != nil {
			return err
		}
		o, err := findOptOut(ctx, tx, workspace, recipient)
		if err != nil {
			return err
		}
		return dropOptOut(ctx, tx, w, o)
	}))
}

func dropOptOut(ctx context.Context, tx Tx, w Workspace, o OptOut) error {
	w.OptedOut = max(0, w.OptedOut-1)
	if err := tx.PutWorkspace(ctx, w); err != nil {
		return err
	}
	return tx.DeleteCard(ctx, kindOptOut, w.ID, optOutKey(o.Recipient))
}

// optedOut reports whether the person of a chat is on the list: by their number
// or by the provider's own id of them. Where nobody is on the list it reads
// nothing, else mostly one row.
func optedOut(ctx context.Context, tx Tx, w Workspace, c Chat) (bool, error) {
	if w.OptedOut == 0 || c.Group {
		return false, nil
	}
	names := []string{c.Recipient}
	switch {
	case c.User == "":
	case c.User != c.Recipient:
		names = append(names, c.User)
	default: // the number may have been told since
		number, err := tx.RecipientOfUser(ctx, w.ID, c.Channel, c.User)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if err == nil && number != c.Recipient {
			names = append(names, number)
		}
	}
	for _, name := range names {
		_, err := findOptOut(ctx, tx, w.ID, name)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// OptedOut reports of each chat whether its person is on the workspace's
// opt-out list.
func (r *Relay) OptedOut(ctx context.Context, w Workspace, chats ...Chat) (out []bool, err error) {
	err = r.Store.View(ctx, func(tx Tx) error {
		out = make([]bool, len(chats))
		for i, c := range chats {
			if out[i], err = optedOut(ctx, tx, w, c); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// refusedOut is the refusal of a call to somebody on the list.
func refusedOut(to Address) *Error {
	field := "phone"
	switch {
	case to.ChatID != "":
		field = "chat_id"
	case to.ChatName != "":
		field = "chat_name"
	case to.JID != "":
		field = "jid"
	}
	return RefuseField(CodeOptedOut, field, "This person has asked not to get messages, so nothing was sent.",
		"They are on the workspace's opt-out list until they write START, or an owner takes them off it.")
}

// LastDigits names somebody for who knows them, and not for others: by the last
// four characters of their number or id.
func LastDigits(recipient string) string {
	r := []rune(recipient)
	return "…" + string(r[max(0, len(r)-4):])
}
