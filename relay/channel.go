package relay

import (
	"encoding/json"
	"time"
)

// Channel is a connected WhatsApp or Viber account.
type Channel struct {
	// ID is ch_ and 20 characters.
	ID        string `json:"id"`
	Workspace string `json:"workspace"`
	// Kind names the driver: sandbox, meta, twilio …
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Phone is the account's number, + and digits; empty where the kind has
	// none (Viber).
	Phone string       `json:"phone"`
	State ChannelState `json:"state"`
	// Reason says in words why the channel is held or disconnected.
	Reason string `json:"reason,omitzero"`
	// Paused is the owner's switch: messages are accepted and wait.
	Paused bool `json:"paused"`
	// SpacingMin and SpacingMax bound the random pause between the end of
	// one call and the start of the next.
	SpacingMin time.Duration `json:"spacing_min"`
	SpacingMax time.Duration `json:"spacing_max"`
	// Concurrency is the number of sub-lanes; 1 for everything but official
	// APIs with spacing 0.
	Concurrency int `json:"concurrency"`
	// MaxFileBytes limits a file; the provider's own limit holds as well.
	MaxFileBytes int64 `json:"max_file_bytes"`
	// ConnectedAt decides the default channel: the latest wins.
	ConnectedAt time.Time `json:"connected_at"`
	CreatedAt   time.Time `json:"created_at"`
	// DeletedAt: nothing is accepted for it any more; what it sent stays in
	// the books.
	DeletedAt time.Time `json:"deleted_at,omitzero"`
	// Settings are the driver's, as JSON; sealed where it is a Connector.
	Settings json.RawMessage `json:"settings,omitzero"`
	// Account is whom the settings belong to at the provider; empty where the
	// kind has no settings.
	Account string `json:"account,omitzero"`
	// Fallback is sent in place of a text outside the session window; nil for
	// none.
	Fallback *TemplateRef `json:"fallback,omitzero"`
	// NoFilesOut refuses calls with a file, NoFilesIn leaves the files of what
	// people write at the provider.
	NoFilesOut bool `json:"no_files_out,omitzero"`
	NoFilesIn  bool `json:"no_files_in,omitzero"`
	// TemplatesAt is when the list of templates was last read whole, and
	// TemplatesFault why the last try failed.
	TemplatesAt    time.Time `json:"templates_at,omitzero"`
	TemplatesFault string    `json:"templates_fault,omitzero"`
	// CredentialsUntil is when the provider will take the credentials no more,
	// as the last check found; zero: never, or not known.
	CredentialsUntil time.Time `json:"credentials_until,omitzero"`
	// CredentialsWarned is how many days before that the owner was last
	// warned; 0 for never.
	CredentialsWarned int `json:"credentials_warned,omitzero"`
	// CallbackKey is the part of the callback address that nobody can guess,
	// VerifyToken what Meta asks for when the address is saved there.
	CallbackKey string `json:"callback_key,omitzero"`
	VerifyToken string `json:"verify_token,omitzero"`
	// CallbacksSince is since when callbacks that show that messages of people
	// would come too have been coming without a gap of a day, CallbackAt the
	// latest, to the hour. Zero: none came.
	CallbacksSince time.Time `json:"callbacks_since,omitzero"`
	CallbackAt     time.Time `json:"callback_at,omitzero"`
	// NamelessAt is when somebody last wrote of whom the provider told its own
	// id alone, to the hour.
	NamelessAt time.Time `json:"nameless_at,omitzero"`
	// AtLeastOnce sends a message of unknown outcome again. The owner's
	// choice; off by default.
	AtLeastOnce bool `json:"at_least_once,omitzero"`
}

// ChannelState says whether a channel can send.
type ChannelState string

// A channel is connected until its driver reports a channel fault; then it is
// held, until somebody resumes it. Disconnected: its account is gone.
const (
	Connected    ChannelState = "connected"
	Held         ChannelState = "held"
	Disconnected ChannelState = "disconnected"
)

// Defaults of a new channel. The pace is about two seconds between two
// messages of an account, as the product page promises; 2 MiB is the page's
// "2 MB" attachment limit.
const (
	DefaultSpacingMin   = 1500 * time.Millisecond
	DefaultSpacingMax   = 2500 * time.Millisecond
	DefaultMaxFileBytes = 2 << 20
)

// ChannelRef is what a workspace's roster keeps of a channel.
type ChannelRef struct {
	ID          string       `json:"id"`
	Phone       string       `json:"phone"`
	State       ChannelState `json:"state"`
	ConnectedAt time.Time    `json:"connected_at"`
}

// Chat is a conversation of a channel: with one person, or a group.
type Chat struct {
	Workspace string `json:"workspace"`
	Channel   string `json:"channel"`
	// Recipient is who or which group: the Identity of a number, or a JID.
	Recipient string `json:"recipient"`
	// Address is the form of the number that was written or, once Confirmed,
	// that the provider itself uses; empty where that is Recipient.
	Address   string `json:"address,omitzero"`
	Confirmed bool   `json:"confirmed,omitzero"`
	// LastOutboundAt is when a message to the recipient was last accepted, to
	// five minutes.
	LastOutboundAt time.Time `json:"last_outbound_at,omitzero"`
	// User is the provider's own id of the person, where it has told one.
	User string `json:"user,omitzero"`
	// Twin is set on a chat under a number once the same person has another
	// one, under User, from before the number was told: both have one session
	// window.
	Twin bool `json:"twin,omitzero"`
	// ID is a decimal string, unique in the workspace, from 10001 on.
	ID string `json:"id"`
	// Name is what chat_name finds, trimmed and in NFC; empty until known.
	Name      string    `json:"name,omitzero"`
	Group     bool      `json:"group,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	// LastInboundAt is when the other side last wrote.
	LastInboundAt time.Time `json:"last_inbound_at,omitzero"`
	// WaitsUntil is the latest due time among messages that were scheduled or
	// deferred for this recipient: later ones wait until then.
	WaitsUntil time.Time `json:"waits_until,omitzero"`
}

// Counts of one channel and period.
type Counts struct {
	Channel string `json:"channel_id"`
	// Sent counts what was handed over, failed or not; Failed is the part of
	// it that failed, Delivered the part of which a provider said that it was
	// delivered or read. All three count in the minute of the hand-over.
	Sent      int64 `json:"sent"`
	Failed    int64 `json:"failed"`
	Delivered int64 `json:"delivered"`
	Received  int64 `json:"received"`
}

// Add adds up what one channel sent in two periods.
func (c *Counts) Add(n Counts) {
	c.Sent, c.Failed, c.Delivered, c.Received = c.Sent+n.Sent, c.Failed+n.Failed, c.Delivered+n.Delivered, c.Received+n.Received
}
