package relay

import (
	"net/netip"
	"time"
)

// Action is a call to the hook that was understood: what to send, to whom.
// Whoever makes one has checked every field's form; Accept checks what only
// the store knows.
type Action struct {
	// Text is empty, or has more than white space.
	Text string
	// FileURL is an absolute http or https URL without credentials, FileName
	// a cleaned name; both or neither.
	FileURL, FileName string
	Template          *TemplateCall
	To                Address
	// AccountPhone chooses the channel: + and digits, or empty. Ignored with
	// a chat id.
	AccountPhone string
	// SendAt is zero for at once. ExpiresIn is zero for the default.
	SendAt    time.Time
	ExpiresIn time.Duration
	// Key is the idempotency key, empty without one.
	Key string
	// Fingerprint is the SHA-256 of the decoded document in canonical JSON,
	// without the key.
	Fingerprint [32]byte
}

// Address is whom an action is for. Exactly one field is set.
type Address struct {
	// ChatID is a chat's number, as decimal digits.
	ChatID string
	// Phone is + and 7 to 15 digits.
	Phone string
	// JID is a user's, hidden or group id with its server.
	JID string
	// ChatName is trimmed and in NFC.
	ChatName string
}

// Call is one POST to a known hook.
type Call struct {
	// Workspace and Hook are what View said of the token. ReadBy is the webhook
	// that the call was read by; nil where none of its settings count.
	Workspace string
	Hook      TokenHash
	ReadBy    *Hook
	At        time.Time
	RequestID string
	RemoteIP  netip.Addr
	// UserAgent is what the tool calls itself, as sent; Tool the name of the
	// one that was recognised, and Fix what to do there about a refusal, in
	// its own words. Fix may be nil; it is called inside the transaction.
	UserAgent string
	Tool      string
	Fix       func(*Error) string
	// Body as received, for the attempt.
	Body []byte
	// Warnings are what was ignored or mended, one sentence each.
	Warnings []string

	// Named is whom a call names that could not be understood, for its attempt;
	// zero where nobody could be read. It is not looked at by Accept.
	Named Address

	challenge bool
}

// Accepted is what a 200 says.
type Accepted struct {
	// MessageID is the first part's id.
	MessageID string
	// Replayed: this call repeated an earlier one and moved nothing.
	Replayed bool
	// Test: the webhook is in test mode. Captured: the call was waited for, to
	// be looked at. Nothing was sent in either case, and the id leads nowhere.
	Test, Captured bool
	// Available is the quota left after it.
	Available int64
	// Position is its place on its lane, 1 for the next; 0 on a replay.
	Position int
	// Warnings are the call's and what accept adds.
	Warnings []string
}

// Attempt is one call of a webhook, accepted or not, as its owner sees it.
type Attempt struct {
	// ID is att_ and digits; it sorts by time.
	ID        string    `json:"id"`
	Workspace string    `json:"workspace"`
	At        time.Time `json:"at"`
	RemoteIP  string    `json:"remote_ip"`
	// Sender is the User-Agent.
	Sender string `json:"sender"`
	// ErrorCode is why it was refused; empty where it was accepted. What HTTP
	// status that was is the api's table's to say.
	ErrorCode Code   `json:"error_code,omitzero"`
	Field     string `json:"field,omitzero"`
	Message   string `json:"message,omitzero"`
	MessageID string `json:"message_id,omitzero"`
	// Recipient is whom the call was for, as a number or a provider's id; empty
	// where nobody could be read.
	Recipient string `json:"recipient,omitzero"`
	// Units debited.
	Units    int64 `json:"units,omitzero"`
	Replayed bool  `json:"replayed,omitzero"`
	// Count is how many equal refusals this line stands for, and LastAt the
	// latest of them.
	Count    int       `json:"count"`
	LastAt   time.Time `json:"last_at,omitzero"`
	Warnings []string  `json:"warnings,omitzero"`
	// Excerpt shows the place of the fault: a line of the body, and a caret
	// under it.
	Excerpt string `json:"excerpt,omitzero"`
	// Line and Column are that place, as in FieldError.
	Line   int `json:"line,omitzero"`
	Column int `json:"column,omitzero"`
	// Tool is the name of the tool that was recognised, Fix what to do there.
	Tool string `json:"tool,omitzero"`
	Fix  string `json:"fix,omitzero"`
	// Test and Captured are as in Accepted.
	Test     bool `json:"test,omitzero"`
	Captured bool `json:"captured,omitzero"`
	// PreviousURL: it came by the URL before the present one, in its grace.
	PreviousURL bool   `json:"previous_url,omitzero"`
	Body        []byte `json:"body"`
	RequestID   string `json:"request_id,omitzero"`
}
