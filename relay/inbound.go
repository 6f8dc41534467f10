package relay

import (
	"context"
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

// Shelf is the templates of a channel's account and what people wrote to it.
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
