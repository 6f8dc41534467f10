package relay

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// The bodies of the TimelinesAI family's events, as
// https://timelinesai.mintlify.app/webhook-reference/overview shows them.
// What Relevo does not know (responsible people, e-mail addresses, the address
// of a chat's page) is an empty string.
type familyEvent struct {
	Type    EventType     `json:"event_type"`
	Chat    *familyChat   `json:"chat,omitempty"`
	Account familyAccount `json:"whatsapp_account"`
	Message *familyText   `json:"message,omitempty"`
}

type familyChat struct {
	FullName         string `json:"full_name"`
	URL              string `json:"chat_url"`
	ID               int64  `json:"chat_id"`
	Group            bool   `json:"is_group"`
	Phone            string `json:"phone"`
	ResponsibleName  string `json:"responsible_name"`
	ResponsibleEmail string `json:"responsible_email"`
}

type familyAccount struct {
	FullName string `json:"full_name"`
	Email    string `json:"email"`
	Phone    string `json:"phone"`
}

type familyText struct {
	Text        string         `json:"text"`
	Direction   string         `json:"direction"`
	Origin      string         `json:"origin"`
	Timestamp   string         `json:"timestamp"`
	UID         string         `json:"message_uid"`
	Sender      familyPerson   `json:"sender"`
	Recipient   familyPerson   `json:"recipient"`
	Attachments []familyAttach `json:"attachments"`
}

type familyPerson struct {
	FullName string `json:"full_name"`
	Phone    string `json:"phone"`
}

type familyAttach struct {
	URL  string `json:"temporary_download_url"`
	Name string `json:"filename"`
	Size int64  `json:"size"`
	Type string `json:"mimetype"`
}

func familyTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 -0700") }

// familyRows are what a body needs beside the message, as far as they are
// there.
func familyRows(ctx context.Context, tx Tx, workspace, channel, recipient string) (ch Channel, chat Chat, err error) {
	if ch, err = tx.Channel(ctx, workspace, channel); err != nil && !errors.Is(err, ErrNotFound) {
		return ch, chat, err
	}
	chat, err = tx.Chat(ctx, workspace, channel, recipient)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return ch, chat, err
}

// familyOf is what all of a channel's messages with one recipient share.
func familyOf(name EventType, ch Channel, chat Chat, recipient, chatID string) (familyEvent, familyPerson) {
	id, _ := strconv.ParseInt(chatID, 10, 64)
	other := familyPerson{FullName: chat.Name, Phone: phoneOf(recipient)}
	return familyEvent{Type: name, Account: familyAccount{FullName: ch.Name, Phone: ch.Phone},
		Chat: &familyChat{FullName: chat.Name, ID: id, Group: chat.Group || isGroup(recipient), Phone: other.Phone}}, other
}

// phoneOf is a recipient that is a number; empty for a group or an id.
func phoneOf(recipient string) string {
	if len(recipient) > 1 && recipient[0] == '+' {
		return recipient
	}
	return ""
}

func familyMessage(ctx context.Context, tx Tx, name EventType, m Message) (any, error) {
	ch, chat, err := familyRows(ctx, tx, m.Workspace, m.Channel, m.Recipient)
	return familyMessageOf(name, m, ch, chat), err
}

func familyMessageOf(name EventType, m Message, ch Channel, chat Chat) familyEvent {
	e, other := familyOf(name, ch, chat, m.Recipient, m.ChatID)
	e.Message = &familyText{
		Text: m.Text, Direction: "sent", Origin: "Public API", UID: m.ID, Attachments: []familyAttach{},
		Sender: familyPerson{FullName: e.Account.FullName, Phone: e.Account.Phone}, Recipient: other,
	}
	if n := len(m.History); n > 0 {
		e.Message.Timestamp = familyTime(m.History[n-1].At)
	}
	if f := m.File; f != nil {
		e.Message.Attachments = append(e.Message.Attachments, familyAttach{URL: f.URL, Name: f.Name, Size: f.Size, Type: f.Type})
	}
	return e
}

func familyInbound(ctx context.Context, tx Tx, name EventType, m InboundMessage) (any, error) {
	ch, chat, err := familyRows(ctx, tx, m.Workspace, m.Channel, m.Recipient)
	return familyInboundOf(name, m, ch, chat), err
}

func familyInboundOf(name EventType, m InboundMessage, ch Channel, chat Chat) familyEvent {
	e, other := familyOf(name, ch, chat, m.Recipient, m.ChatID)
	if e.Chat.Group {
		other = familyPerson{FullName: m.AuthorName, Phone: phoneOf(m.Author)}
	}
	e.Message = &familyText{
		Text: m.Text, Direction: "received", Origin: "WhatsApp", Timestamp: familyTime(m.At), UID: m.ID, Attachments: []familyAttach{},
		Sender: other, Recipient: familyPerson{FullName: e.Account.FullName, Phone: e.Account.Phone},
	}
	for _, f := range InboundBodyOf(m).Files {
		a := familyAttach{Size: f.Size}
		for to, from := range map[*string]*string{&a.URL: f.URL, &a.Name: f.Name, &a.Type: f.Type} {
			if from != nil {
				*to = *from
			}
		}
		e.Message.Attachments = append(e.Message.Attachments, a)
	}
	return e
}

func familyChannel(name EventType, c Channel) familyEvent {
	return familyEvent{Type: name, Account: familyAccount{FullName: c.Name, Phone: c.Phone}}
}
