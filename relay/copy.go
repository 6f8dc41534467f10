package relay

import (
	"time"

	"relevo/queue"
	"relevo/quota"
)

// Record is one thing that a store holds, as one store gives it to another.
// One of its fields is set.
type Record struct {
	Workspace *WorkspaceRecord
	Channel   *Channel
	Chat      *Chat
	Token     *TokenRecord
	Callback  *CallbackRecord
	APIKey    *APIKey
	Attempt   *AttemptRecord
	Key       *KeyRecord
	Message   *MessageRecord
	Lane      *queue.Lane
	Fetch     *Fetch
	// Templates are all languages of one template of a channel.
	Templates []Template
	Inbound   *InboundMessage
	Person    *Person
	Card      *Card
	// Entry is a line of the ledger, also of what a message carries.
	Entry *LedgerLine
	Count *CountRecord
	Job   *JobRecord
	// Secret is the check value of the secret key.
	Secret string
}

// WorkspaceRecord is a workspace with its roster and account. Workspace is nil
// where only the account is there.
type WorkspaceRecord struct {
	ID        string
	Workspace *Workspace
	Roster    []ChannelRef
	Account   quota.Account
	// Attempts is how many it ever had.
	Attempts int64
}

// TokenRecord leads from a webhook's secret to its workspace.
type TokenRecord struct {
	Hash      TokenHash
	Workspace string
}

// CallbackRecord leads from a callback's id to its workspace.
type CallbackRecord struct{ ID, Workspace string }

// AttemptRecord is an attempt and its place among all of its workspace, from 0.
type AttemptRecord struct {
	Seq     int64
	Attempt Attempt
}

// KeyRecord is an idempotency key: the first 16 bytes of its SHA-256.
type KeyRecord struct {
	Workspace string
	Hash      [16]byte
	Use       KeyUse
}

// MessageRecord is a message with the entries that it carries, and its place
// on a lane while it has one.
type MessageRecord struct {
	Message Message
	Marks   []quota.Entry
	Item    *queue.Item
}

// CountRecord is a channel's counters of one minute since 1970.
type CountRecord struct {
	Workspace string
	Minute    int64
	Counts    Counts
}

// JobRecord is when a job last ended well.
type JobRecord struct {
	Name string
	Last time.Time
}
