package relay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// InboundMessage is what somebody wrote to a channel, as it is kept.
type InboundMessage struct {
	// ID is ours, of the same form and order as a Message's.
	ID        string `json:"id"`
	Workspace string `json:"workspace"`
	Channel   string `json:"channel"`
	ChatID    string `json:"chat_id"`
	// Recipient is the other side of the chat: who wrote, or the group.
	Recipient string `json:"recipient"`
	// Author is who wrote in a group, + and digits or the provider's id, and
	// AuthorName their profile name, as far as it is told; empty outside groups.
	Author     string `json:"author,omitzero"`
	AuthorName string `json:"author_name,omitzero"`
	// ProviderID is the provider's id for it; empty without one.
	ProviderID string `json:"provider_id,omitzero"`
	// Kind is the provider's word for what it is: text, image, location …
	Kind  string         `json:"kind"`
	Text  string         `json:"text,omitzero"`
	Files []ReceivedFile `json:"files,omitzero"`
	// At is when the person wrote, by the provider's clock.
	At time.Time `json:"at"`
}

// ReceivedFile is an attachment of an InboundMessage: first a reference to
// where the provider keeps it, then what was fetched from there.
type ReceivedFile struct {
	InboundFile
	// Key and Size are set once it was fetched; Missing says why it will not
	// be.
	Key     string `json:"key,omitzero"`
	Size    int64  `json:"size,omitzero"`
	Missing string `json:"missing,omitzero"`
}

// Shelf is the templates of a channel's account, what people wrote to it, and
// under which recipient it knows them.
type Shelf interface {
	// TemplatesByName are all languages of a template of a channel, in the
	// order of their languages; none is no error.
	TemplatesByName(ctx context.Context, workspace, channel, name string) ([]Template, error)
	// PutTemplate writes one, DeleteTemplate forgets it: known by workspace,
	// channel, name and language.
	PutTemplate(ctx context.Context, t Template) error
	DeleteTemplate(ctx context.Context, t Template) error
	// InboundMessage finds one by our id. ErrNotFound.
	InboundMessage(ctx context.Context, workspace, id string) (InboundMessage, error)
	PutInbound(ctx context.Context, m InboundMessage) error
	// DeleteInbound forgets one; one that is not there is no error.
	DeleteInbound(ctx context.Context, m InboundMessage) error
	// RecipientOfUser is the recipient of the chat with a person of whom the
	// provider tells its own id: their number or, while that is not known, the
	// id itself. ErrNotFound.
	RecipientOfUser(ctx context.Context, workspace, channel, user string) (recipient string, err error)
	PutUser(ctx context.Context, workspace, channel, user, recipient string) error
	// DeleteUser forgets it; an id that is not known is no error.
	DeleteUser(ctx context.Context, workspace, channel, user string) error
}

// Shelves are lists of what is on a Shelf.
type Shelves interface {
	// Templates are all of a channel, by name, then language.
	Templates(ctx context.Context, workspace, channel string) ([]Template, error)
	// Inbounds are what one recipient wrote, newest first; of everybody on
	// the channel with an empty recipient, of all channels with an empty
	// channel too.
	Inbounds(ctx context.Context, workspace, channel, recipient string, p Page) ([]InboundMessage, string, error)
}

// Inbound takes a message that somebody wrote to a channel: it finds or makes
// the chat, learns its name, keeps the message and counts it. One that the
// provider tells of again changes nothing.
func (r *Relay) Inbound(ctx context.Context, workspace, channel string, in Inbound) (Chat, error) {
	return r.inbounds(ctx, workspace, channel, []Inbound{in})
}

// inbounds takes a batch, in few transactions, and returns the last one's chat.
// Where the disk is short of room it takes nothing: what is left is for calls in
// flight, and the provider calls again.
func (r *Relay) inbounds(ctx context.Context, workspace, channel string, all []Inbound) (last Chat, err error) {
	if len(all) > 0 && r.Store.Free() < 0 {
		return last, ErrDiskFull
	}
	told := len(all)
	if all = slices.DeleteFunc(slices.Clone(all), Inbound.endless); len(all) < told {
		r.Log.Warn("inbound messages left out: an id in them is too long", "channel", channel, "messages", told-len(all))
	}
	now, files := time.Now(), false
	var out []OptOut
	for some := range slices.Chunk(all, batch) {
		ids := make([]string, len(some)) // a transaction may run again
		for i := range ids {
			ids[i] = r.ids.New(now)
		}
		err = r.update(ctx, workspace, func(tx Tx) error {
			out = nil
			for i, in := range some {
				// what came of the one before may have moved all of these
				w, ch, err := liveChannel(ctx, tx, workspace, channel)
				if err != nil {
					return err
				}
				t := intake{tx: tx, w: w, ch: ch, in: in, id: ids[i], now: now}
				if last, err = t.take(ctx); err != nil {
					return err
				}
				files = files || len(in.Files) > 0
				if t.out != nil {
					out = append(out, *t.out)
				}
			}
			return nil
		})
		if err != nil {
			return last, err
		}
		for _, o := range out {
			r.leaveAlone(ctx, o)
		}
	}
	if files {
		r.wakeFetch()
	}
	return last, nil
}

// maxSender bounds what a provider calls a person or a message, in bytes: no
// store finds anything by a longer name.
const maxSender = 512

// endless reports whether a message cannot be kept.
func (in Inbound) endless() bool {
	return max(len(in.ID), len(in.From), len(in.User)) > maxSender
}

// intake is one message on its way in.
type intake struct {
	tx  Tx
	w   Workspace
	ch  Channel
	in  Inbound
	id  string
	now time.Time
	// known is the recipient under which the person's own id is known; empty
	// where it is not, or none is told.
	known string
	// out is set where the message put its author on the opt-out list.
	out *OptOut
}

func (t *intake) take(ctx context.Context) (Chat, error) {
	if t.in.At.IsZero() || t.in.At.After(t.now) {
		t.in.At = t.now // a provider's clock may be wrong
	}
	again, err := t.seenBefore(ctx)
	if err != nil {
		return Chat{}, err
	}
	if again {
		t.in.At = time.Time{} // a repetition, which may come late, opens no window
	}
	chat, err := t.chat(ctx)
	if err != nil || again {
		return chat, err
	}
	m := InboundMessage{
		ID: t.id, Workspace: t.w.ID, Channel: t.ch.ID, ChatID: chat.ID, Recipient: chat.Recipient,
		ProviderID: t.in.ID, Kind: t.in.Kind, Text: t.in.Text, At: t.in.At.UTC(),
	}
	if chat.Group {
		m.Author, m.AuthorName = clip(t.in.Author, maxChatName), ChatName(clip(t.in.AuthorName, maxChatName))
	}
	for _, f := range t.in.Files {
		m.Files = append(m.Files, ReceivedFile{InboundFile: f})
	}
	if len(m.Files) > 0 && t.ch.NoFilesIn {
		for i := range m.Files {
			m.Files[i].Missing = "Files of what people write are switched off for this channel."
		}
	} else if len(m.Files) > 0 {
		if err := t.tx.PutFetch(ctx, Fetch{MessageID: m.ID, Workspace: m.Workspace, Next: t.now}); err != nil {
			return chat, err
		}
	}
	if err := t.tx.PutInbound(ctx, m); err != nil {
		return chat, err
	}
	if m.toFetch() < 0 { // else it is told once its files are here
		if err := emitReceived(ctx, t.tx, t.w, m, t.now); err != nil {
			return chat, err
		}
	}
	if err := t.wishes(ctx, chat); err != nil {
		return chat, err
	}
	return chat, t.tx.Count(ctx, t.w.ID, t.in.At, Counts{Channel: t.ch.ID, Received: 1})
}

// chat is the conversation, made or brought up to date. A person of whom only
// the provider's own id is told has the chat under the number that was told
// with it before; where none was, a chat under the id.
func (t *intake) chat(ctx context.Context) (Chat, error) {
	from := Address{JID: t.in.From}.recipient()
	if t.in.Group || isGroup(from) {
		return t.open(ctx, from) // who wrote there has a chat of their own
	}
	if err := t.lookUp(ctx); err != nil {
		return Chat{}, err
	}
	if from == "" {
		from = cmp.Or(t.known, t.in.User)
		if from == t.in.User && t.in.Kind != KindSystem {
			if err := t.noteNameless(ctx); err != nil {
				return Chat{}, err
			}
		}
	}
	return t.open(ctx, from)
}

// open finds or makes the chat with a recipient.
func (t *intake) open(ctx context.Context, from string) (Chat, error) {
	chat, err := chatOf(ctx, t.tx, t.w.ID, t.ch.ID, from)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return chat, err
	}
	if err != nil {
		chat = chatWith(t.w.ID, t.ch.ID, from, t.in.At)
		chat.Group = chat.Group || t.in.Group
	}
	if t.in.From != "" || t.known == "" {
		chat.confirm(from) // else it is what was told some time before
	}
	if name := ChatName(clip(t.in.Name, maxChatName)); name != "" && !chat.Group {
		chat.Name = name
	}
	if t.in.Kind != KindSystem {
		if err := t.wrote(ctx, &chat); err != nil {
			return chat, err
		}
	}
	if chat.ID != "" {
		return chat, t.tx.PutChat(ctx, chat)
	}
	if t.w, err = t.tx.Workspace(ctx, t.w.ID); err != nil {
		return chat, err
	}
	return newChat(ctx, t.tx, t.w, chat)
}

// seenBefore remembers the message, and reports whether the provider told of
// it already. That is kept like keys of calls, 72 hours.
func (t *intake) seenBefore(ctx context.Context) (bool, error) {
	if t.in.ID == "" {
		return false, nil
	}
	key := "\x00in:" + t.ch.ID + ":" + t.in.ID // cannot be anybody's idempotency key: those are printable
	_, err := t.tx.Key(ctx, t.w.ID, key)
	if !errors.Is(err, ErrNotFound) {
		return err == nil, err
	}
	return false, t.tx.PutKey(ctx, t.w.ID, key, KeyUse{At: t.now})
}

// noteNameless remembers that somebody wrote whose number is not known: of
// nobody is it certain now that they have not written.
func (t *intake) noteNameless(ctx context.Context) error {
	if t.in.At.Sub(t.ch.NamelessAt) < callbackEvery {
		return nil
	}
	t.ch.NamelessAt = t.in.At.UTC()
	return t.tx.PutChannel(ctx, t.ch)
}
