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
		chat, err = chatOf(ctx, tx, w.ID, ch.ID, to)
		made = errors.Is(err, ErrNotFound)
		if err != nil && !made {
			return err
		}
		if made {
			chat = chatWith(w.ID, ch.ID, to, now)
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

// chatOf finds the chat with a recipient, by whichever form of the number.
func chatOf(ctx context.Context, tx Tx, workspace, channel, to string) (Chat, error) {
	id := Identity(to)
	chat, err := tx.Chat(ctx, workspace, channel, id)
	if errors.Is(err, ErrNotFound) && id != to {
		return tx.Chat(ctx, workspace, channel, to) // from before numbers were folded
	}
	return chat, err
}

// chatWith is a new chat, without a number.
func chatWith(workspace, channel, to string, now time.Time) Chat {
	c := Chat{Workspace: workspace, Channel: channel, Recipient: Identity(to), Group: isGroup(to), CreatedAt: now.UTC()}
	if c.Recipient != to {
		c.Address = to
	}
	return c
}

// confirm notes the form of the number that the provider uses.
func (c *Chat) confirm(from string) {
	c.Address, c.Confirmed = "", true
	if from != c.Recipient {
		c.Address = from
	}
}
