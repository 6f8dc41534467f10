package console

import (
	"errors"
	"slices"
	"time"

	"relevo/relay"
)

// newForm is the form of a new chat, and the channel that it goes through.
func (p *call) newForm() (*sendForm, error) {
	all, err := p.c.Relay.Channels(p.ctx, p.WS.ID)
	if err != nil {
		return nil, err
	}
	channels := slices.DeleteFunc(all, func(ch relay.Channel) bool { return ch.State == relay.Disconnected || !ch.DeletedAt.IsZero() })
	if len(channels) == 0 {
		return &sendForm{}, nil
	}
	slices.SortStableFunc(channels, func(a, b relay.Channel) int { return b.ConnectedAt.Compare(a.ConnectedAt) })
	chosen := max(0, slices.IndexFunc(channels, func(ch relay.Channel) bool { return ch.ID == p.given("channel") }))
	ch := channels[chosen]
	chat, err := p.chatTo(ch, p.given("phone"))
	if err != nil {
		return nil, err
	}
	f, err := p.sendForm(ch, chat)
	if err != nil {
		return nil, err
	}
	f.Channels, f.Phone = channels, p.given("phone")
	f.Known, _, err = p.c.Relay.SearchChats(p.ctx, p.WS.ID, ch.ID, "", func(c relay.Chat) bool { return !c.Group }, relay.Page{Limit: 100})
	return f, err
}

// chatTo is the chat with a number, or what would become of it.
func (p *call) chatTo(ch relay.Channel, raw string) (chat relay.Chat, err error) {
	phone, ok := p.c.Phone(raw, p.WS.Country)
	chat = relay.Chat{Workspace: p.WS.ID, Channel: ch.ID, Recipient: relay.Identity(phone), CreatedAt: time.Now()}
	if !ok {
		return chat, nil
	}
	err = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		found, err := tx.Chat(p.ctx, p.WS.ID, ch.ID, chat.Recipient)
		if errors.Is(err, relay.ErrNotFound) {
			return nil
		}
		chat = found
		return err
	})
	return chat, err
}

func showNewChat(p *call) error {
	f, err := p.newForm()
	if err != nil {
		return err
	}
	p.Page = "chats"
	return p.show("chat_new", f)
}

// startChat sends the first message.
func startChat(p *call) error {
	f, err := p.newForm()
	if err != nil {
		return err
	}
	p.Page = "chats"
	if len(f.Channels) == 0 {
		return p.again(relay.Refusef(relay.CodeNoChannel, "This workspace has no connected WhatsApp account. Connect a channel first."), "chat_new", f)
	}
	phone, ok := p.c.Phone(f.Phone, p.WS.Country)
	if !ok {
		return p.amiss("phone", "chats.bad_number", "chat_new", f)
	}
	if field, key := f.missing(); key != "" {
		return p.amiss(field, key, "chat_new", f)
	}
	to, err := p.address(f.Channel, phone)
	if err != nil {
		return p.again(err, "chat_new", f)
	}
	id, err := p.send(f.body(to))
	if err != nil {
		return p.again(err, "chat_new", f)
	}
	return p.done(p.chatOf(id), p.sentText(f))
}

// address names somebody on a channel: by its number, where it has one, else by
// a chat, which is made.
func (p *call) address(ch relay.Channel, phone string) (map[string]string, error) {
	if ch.Phone != "" {
		return map[string]string{"phone": phone, "whatsapp_account_phone": ch.Phone}, nil
	}
	chat, _, err := p.c.Relay.CreateChat(p.ctx, p.WS.ID, relay.NewChat{Channel: ch.ID, Recipient: phone})
	return map[string]string{"chat_id": chat.ID}, err
}

// chatOf leads to the chat of a message; to all chats where there is none, as
// in test mode.
func (p *call) chatOf(id string) string {
	path := p.At("chats")
	_ = p.c.Relay.Store.View(p.ctx, func(tx relay.Tx) error {
		m, err := tx.Message(p.ctx, p.WS.ID, id)
		if err == nil && m.ChatID != "" {
			path = p.At("chats", m.ChatID) + "#newest"
		}
		return err
	})
	return path
}
