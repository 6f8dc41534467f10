package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"relevo/relay"
)

// chatView is a chat as the API shows it.
type chatView struct {
	ID            string     `json:"id"`
	ChannelID     string     `json:"channel_id"`
	Recipient     string     `json:"recipient"`
	Name          *string    `json:"name"`
	Group         bool       `json:"group"`
	CreatedAt     time.Time  `json:"created_at"`
	LastInboundAt *time.Time `json:"last_inbound_at"`
	// LastOutboundAt is exact to five minutes. Closed says that for 24 hours there
	// was no message, either way.
	LastOutboundAt *time.Time `json:"last_outbound_at"`
	Closed         bool       `json:"closed"`
	// WindowUntil is when the session window ends or ended; null where the
	// person has not written, or the channel has no window. WindowSeconds is
	// how long it is open yet, 0 for closed.
	WindowUntil   *time.Time `json:"window_until"`
	WindowSeconds *int       `json:"window_seconds"`
}

// closedAfter is how long a conversation is open after its last message.
const closedAfter = 24 * time.Hour

type newChatBody struct {
	ChannelID string `json:"channel_id" validate:"required"`
	// Exactly one of Phone and JID says with whom.
	Phone string `json:"phone"`
	JID   string `json:"jid"`
	Name  string `json:"name" validate:"max=256"`
}

func (in newChatBody) recipient() (string, error) {
	switch {
	case in.Phone != "" && in.JID != "":
		return "", relay.RefuseField(relay.CodeTooManyRecipients, "jid", "phone and jid are both given.", "Keep one of the two.")
	case in.JID != "":
		return readJID("jid", in.JID)
	case in.Phone != "":
		return readPhone("phone", in.Phone)
	}
	return "", relay.RefuseField(relay.CodeMissingRecipient, "phone", "There is no recipient.", "Give phone, or the jid of a person or group.")
}

// viewChats shows chats with their session windows.
func (s *server) viewChats(ctx context.Context, workspace string, chats ...relay.Chat) ([]chatView, error) {
	channels, err := s.relay.Channels(ctx, workspace)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return mapped(chats, func(c relay.Chat) chatView {
		v := chatView{
			ID: c.ID, ChannelID: c.Channel, Recipient: c.Recipient, Name: present(c.Name), Group: c.Group,
			CreatedAt: c.CreatedAt.UTC(), LastInboundAt: instant(c.LastInboundAt), LastOutboundAt: instant(c.LastOutboundAt),
			Closed: now.Sub(c.LastInboundAt) > closedAfter && now.Sub(c.LastOutboundAt) > closedAfter,
		}
		i := slices.IndexFunc(channels, func(ch relay.Channel) bool { return ch.ID == c.Channel })
		if i < 0 {
			return v
		}
		if end, ok := s.relay.Window(channels[i], c); ok {
			left := max(0, int(end.Sub(now)/time.Second))
			v.WindowUntil, v.WindowSeconds = instant(end), &left
		}
		return v
	}), nil
}

// viewChat shows one chat.
func (s *server) viewChat(ctx context.Context, c relay.Chat) (chatView, error) {
	all, err := s.viewChats(ctx, c.Workspace, c)
	if err != nil {
		return chatView{}, err
	}
	return all[0], nil
}

func (s *server) listChats(r *request) (answer, error) {
	page, err := r.pageIn()
	if err != nil {
		return answer{}, err
	}
	found, next, err := s.relay.Store.Chats(r.ctx, r.workspace(), r.query("channel"), page)
	if err != nil {
		return answer{}, err
	}
	views, err := s.viewChats(r.ctx, r.workspace(), found...)
	return pageOf(views, next), err
}

func (s *server) showChat(r *request) (answer, error) {
	chat, err := s.chat(r, r.param("chat"))
	if err != nil {
		return answer{}, err
	}
	v, err := s.viewChat(r.ctx, chat)
	return ok(v), err
}

// chat finds one by its number. CodeNotFound.
func (s *server) chat(r *request, id string) (chat relay.Chat, err error) {
	ws := r.workspace()
	if _, err := s.relay.Workspace(r.ctx, ws); err != nil {
		return chat, err
	}
	err = s.relay.Store.View(r.ctx, func(tx relay.Tx) (err error) {
		chat, err = tx.ChatByID(r.ctx, ws, id)
		return err
	})
	if errors.Is(err, relay.ErrNotFound) {
		err = &relay.Error{Code: relay.CodeNotFound, Message: "There is no chat of this number in this workspace.", Err: err}
	}
	return chat, err
}

func (s *server) createChat(r *request) (answer, error) {
	var in newChatBody
	if err := r.body(&in); err != nil {
		return answer{}, err
	}
	to, err := in.recipient()
	if err != nil {
		return answer{}, err
	}
	return s.openChat(r, relay.NewChat{Channel: in.ChannelID, Recipient: to, Name: in.Name})
}

// openChat answers 201 with a new chat, 200 with one that was there.
func (s *server) openChat(r *request, n relay.NewChat) (answer, error) {
	chat, made, err := s.relay.CreateChat(r.ctx, r.workspace(), n)
	if err != nil {
		return answer{}, err
	}
	v, err := s.viewChat(r.ctx, chat)
	if !made {
		return ok(v), err
	}
	return created("/workspaces/"+r.workspace()+"/chats/"+chat.ID, v), err
}
