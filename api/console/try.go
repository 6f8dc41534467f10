package console

import (
	"strings"
	"time"

	"relevo/relay"
)

// TryCall is a call to be looked at.
type TryCall struct {
	// Body is the call's, ContentType its header's value.
	Body        []byte
	ContentType string
	// Mapping is used in place of the webhook's own; a pointer to nil for none.
	Mapping **relay.Mapping
}

// Leaf is a value in a call, and the path by which a mapping finds it.
type Leaf struct{ Path, Value string }

// Tried is what would come of a call.
type Tried struct {
	// Status and Code are those of the answer; Code and Message are empty
	// where it would be accepted.
	Status        int
	Code, Message string
	Faults        []Fault
	Warnings      []string
	// To, Text and the like are what would be sent.
	To, Text, File, Template, Channel string
	Messages                          int
	Units, Available                  int64
	Position                          int
	// Replays is the message whose call this one repeats; empty for a new one.
	Replays string
	SendAt  time.Time
	// Paths lead to what a mapping may use.
	Paths []Leaf
}

// Fault is one thing that is wrong with a call.
type Fault struct {
	Field, Message, Hint string
	// Line and Column are where it is, from 1; 0 where that is not known.
	Line, Column int
	// Excerpt is the line with a caret under the fault; empty where there is
	// none.
	Excerpt string
}

// PostCall is a call of a webhook made from the console.
type PostCall struct {
	Body        []byte
	ContentType string
	// Key is its idempotency key; empty for none.
	Key string
	// RequestID and RemoteAddr are those of the page's request.
	RequestID, RemoteAddr string
}

// Posted is the answer to it.
type Posted struct {
	Status int
	Body   []byte
	// MessageID is of the message that it became; empty where it was refused.
	MessageID string
	// Code, Message and Faults are those of a refusal.
	Code, Message string
	Faults        []Fault
}

// Preset is a mapping for what a tool sends on its own.
type Preset struct {
	ID, Name string
	// Note says which of the tool's calls it is for, in English.
	Note   string
	Fields map[string]relay.MappedField
}

// Snippet is what one pastes into a tool; ID names the tool.
type Snippet struct{ ID, Name, Code string }

// Key is of the text that says where it goes.
func (s Snippet) Key() string { return "snippet." + strings.ReplaceAll(s.ID, "-", "_") }
