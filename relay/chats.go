package relay

import (
	"context"
	"errors"
	"time"
)

// NewChat is what a chat is made from by hand.
type NewChat struct {
	Channel string
	// Recipient is + and digits, or a JID; Name may be empty.
	Recipient, Name string
}

// CreateChat finds or makes the chat of a channel with a recipient and gives
// it the name, where there is one. Made is false where it was there.
func (r *Relay) CreateChat(ctx context.Context, workspace string, n NewChat) (chat Chat, made bool, err error) {
	now := time.Now().UTC()
	err = r.update(ctx, workspace, func(tx Tx) error {
		w, ch, err := liveChannel(ctx, tx, workspace, n.Channel)
		if err != nil {
			return err
		}
		to := Address{JID: n.Recipient}.recipient()
		chat, err = tx.Chat(ctx, w.ID, ch.ID, to)
		made = errors.Is(err, ErrNotFound)
		if err != nil && !made {
			return err
		}
		if made {
			chat = Chat{Workspace: w.ID, Channel: ch.ID, Recipient: to, Group: isGroup(to), CreatedAt: now}
		}
		if name := ChatName(n.Name); name != "" {
			chat.Name = name
		}
		if made {
			chat, err = newChat(ctx, tx, w, chat)
			return err
		}
		return tx.PutChat(ctx, chat)
	})
	return chat, made, err
}
