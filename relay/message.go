package relay

import "time"

// Message is one thing to send to one recipient, and its story so far.
type Message struct {
	// ID is wa_backend:3EB0 and 18 hexadecimal digits; it sorts by time.
	ID        string `json:"id"`
	Workspace string `json:"workspace"`
	Channel   string `json:"channel"`
	// ChatID is the conversation's number in the workspace.
	ChatID    string `json:"chat_id"`
	Recipient string `json:"recipient"`
	// Address is the form of the recipient's number that is handed to the
	// provider; empty where that is Recipient.
	Address string `json:"address,omitzero"`
	// Lane is where it waits; fixed at accept.
	Lane   string `json:"lane"`
	Status Status `json:"status"`
	// Units that it costs: 1, or 2 for a text with a file in one call.
	Units int64 `json:"units"`
	// Charge counts how often it was paid for: 1 by the debit, one more by
	// each redebit.
	Charge   int           `json:"charge"`
	Text     string        `json:"text,omitzero"`
	File     *File         `json:"file,omitzero"`
	Template *TemplateCall `json:"template,omitzero"`
	// CreatedAt is when it was accepted.
	CreatedAt time.Time `json:"created_at"`
	// SendAt is when it may leave at the earliest; zero: at once.
	SendAt    time.Time `json:"send_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at"`
	// Tries counts hand-overs to the provider.
	Tries int `json:"tries,omitzero"`
	// ProviderID is the provider's name for it, once known.
	ProviderID string `json:"provider_id,omitzero"`
	// Failure says why it failed, expired or was canceled.
	Failure *Failure `json:"failure,omitzero"`
	// PartOf is the first part's id, on the second of two; Parts are both
	// ids, on the first.
	PartOf  string   `json:"part_of,omitzero"`
	Parts   []string `json:"parts,omitzero"`
	History []Change `json:"history"`
	// Nonce is the request that made it: after a lost commit a row is ours
	// only if its nonce is.
	Nonce uint64 `json:"nonce,omitzero"`
	// HandedAt is when the first call of a provider ended that may have sent
	// it; counters count it in that minute.
	HandedAt time.Time `json:"handed_at,omitzero"`
	// UnknownAt is when its outcome last became unknown.
	UnknownAt time.Time `json:"unknown_at,omitzero"`
	// Doubted is set while it is queued again after a try that may have gone
	// out, as an at-least-once channel does.
	Doubted bool `json:"doubted,omitzero"`
	// ResendOf is the message that it repeats.
	ResendOf string `json:"resend_of,omitzero"`
	// ResentAs is the message that repeats it: there is one at most, unless
	// that one is not sent either.
	ResentAs string `json:"resent_as,omitzero"`
	// Erased is set once the person was erased: what it said and to whom is
	// gone, and no provider's report finds it any more.
	Erased bool `json:"erased,omitzero"`
}

// Failure is why a message was not sent, as its owner may read it.
type Failure struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Change is one line of a message's history.
type Change struct {
	At time.Time `json:"at"`
	// Status is the status that began or, with Applied false, that was
	// reported and changed nothing.
	Status  Status `json:"status"`
	Applied bool   `json:"applied"`
	// Try that it belongs to, where it belongs to one.
	Try  int    `json:"try,omitzero"`
	Note string `json:"note,omitzero"`
	// Failure goes with a reported failure.
	Failure *Failure `json:"failure,omitzero"`
}

// File is an attachment: first a link, then what was fetched from it.
type File struct {
	URL  string   `json:"url"`
	Name string   `json:"name"`
	Kind FileKind `json:"kind"`
	// Key, Type, Size are set once it was fetched: where it is kept, its
	// sniffed media type, its length in bytes.
	Key  string `json:"key,omitzero"`
	Type string `json:"type,omitzero"`
	Size int64  `json:"size,omitzero"`
}

// FileKind is how WhatsApp shows a file. It is fixed at accept, from the
// file name's extension.
type FileKind string

// The kinds; an unknown extension is a document.
const (
	Image    FileKind = "image"
	Video    FileKind = "video"
	Audio    FileKind = "audio"
	Document FileKind = "document"
)

// TemplateCall asks for a template message. The file of its header is the
// message's.
type TemplateCall struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	// Variables are values: of the header first, then of the body, by number
	// or in the order in which they appear. Names go with them where the
	// caller named them.
	Variables []string `json:"variables,omitzero"`
	Names     []string `json:"names,omitzero"`
	// Buttons are values of the buttons that take one, in their order; an
	// empty one leaves its button as it is.
	Buttons []string `json:"buttons,omitzero"`
}
