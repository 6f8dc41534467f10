package relay

import (
	"context"
	"errors"
)

// Person is under which recipient a channel knows somebody of whom its provider
// tells an id of its own.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
type Person struct {
	Workspace string `json:"workspace"`
	Channel   string `json:"channel"`
	// User is the provider's id, and Recipient that of the chat with them:
	// User itself while no number was told.
	User      string `json:"user"`
	Recipient string `json:"recipient"`
}

// lookUp finds out under which recipient the person is known.
func (t *intake) lookUp(ctx context.Context) (err error) {
	if t.in.User == "" {
		return nil
	}
	t.known, err = t.tx.RecipientOfUser(ctx, t.w.ID, t.ch.ID, t.in.User)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// wrote opens the chat's session window, and that of its twin: to the provider
// both are one person.
func (t *intake) wrote(ctx context.Context, chat *Chat) error {
	chat.LastInboundAt = later(chat.LastInboundAt, t.in.At.UTC())
	if err := t.know(ctx, chat); err != nil || !chat.Twin {
		return err
	}
	twin, err := t.tx.Chat(ctx, chat.Workspace, chat.Channel, chat.User)
	if errors.Is(err, ErrNotFound) {
		chat.Twin = false
		return nil
	}
	if err != nil {
		return err
	}
	// the one under the id may know of a later message than this one, which may
	// have been told late
	chat.LastInboundAt = later(chat.LastInboundAt, twin.LastInboundAt)
	if twin.LastInboundAt.Equal(chat.LastInboundAt) {
		return nil
	}
	twin.LastInboundAt = chat.LastInboundAt
	return t.tx.PutChat(ctx, twin)
}

// know remembers whose chat it is, where that is new: from then on, what comes
// under their id alone belongs to it. A notice of a changed number is not asked,
// because it may name the old number and the new id.
func (t *intake) know(ctx context.Context, chat *Chat) error {
	user := t.in.User
	if user == "" || t.in.Group || chat.Group || chat.User == user && t.known == chat.Recipient {
		return nil
	}
	// the chat under the id, if any, is looked for once
	chat.User, chat.Twin = user, chat.Recipient != user
	if t.known == chat.Recipient {
		return nil
	}
	return t.tx.PutUser(ctx, t.w.ID, t.ch.ID, user, chat.Recipient)
}
