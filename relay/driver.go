package relay

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Driver hands one message to one provider.
//
// Send makes one try and never retries. It returns the provider's id for the
// message, or an error: a *SendError says what the error means, any other
// error counts as Unsure. It runs concurrently for different lanes.
type Driver interface {
	Send(ctx context.Context, out Outgoing) (providerID string, err error)
}

// Captioner is a driver whose channel carries a text under a file of some
// kinds, so that text and file go as one call.
type Captioner interface {
	Captions(kind FileKind) bool
}

// Resolver looks up what became of a message of unknown outcome. Known false
// means that the provider cannot tell.
type Resolver interface {
	Resolve(ctx context.Context, out Outgoing) (r Report, known bool, err error)
}

// Limiter is a driver whose provider limits what a message may hold.
type Limiter interface {
	// MaxFileBytes is the provider's limit for a kind of file; 0 for none.
	MaxFileBytes(kind FileKind) int64
	// MaxTextRunes is the longest text, and MaxCaptionRunes the longest text
	// under a file; 0 for no limit.
	MaxTextRunes() int
	MaxCaptionRunes() int
}

// Outgoing is what a driver is given: one message, ready to go.
type Outgoing struct {
	Channel   Channel
	MessageID string
	Recipient string
	Group     bool
	Try       int
	Text      string
	File      *OutgoingFile
	Template  *OutgoingTemplate
	// Callbacks are the channel's addresses; empty where it has none.
	Callbacks Addresses
}

// OutgoingFile is a fetched attachment.
type OutgoingFile struct {
	Name string
	Kind FileKind
	Type string
	Size int64
	Open func() (io.ReadCloser, error)
	// Link opens the file from outside for 72 hours; empty where the driver
	// is not Linked.
	Link string
}

// Verdict says what an error of a provider call means for the message.
type Verdict int

// The zero verdict assumes least.
const (
	// Unsure: it may or may not have gone out. Never sent again by default.
	Unsure Verdict = iota
	// Refused: it did not go out and never will.
	Refused
	// Deferred: it did not go out; try again later.
	Deferred
	// ChannelFault: it did not go out, and nothing of this channel will until
	// somebody acts.
	ChannelFault
)

func (v Verdict) String() string {
	return [...]string{"unsure", "refused", "deferred", "channel_fault"}[v]
}

// SendError is a driver's error with its meaning.
type SendError struct {
	Verdict Verdict
	// After is how long to wait before the next try of a deferred message;
	// zero for the relay's own schedule.
	After time.Duration
	// Code is ours (not_on_whatsapp, refused …); Reason is a sentence for the
	// owner, without a phone number, text or credential.
	Code   Code
	Reason string
	// Outage says that the provider could not be reached or says that it is
	// out of order: nothing that this message did. Many in a row hold the
	// account.
	Outage bool
	// Err is for the operator's log.
	Err error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("%s: %s (%s)", e.Verdict, e.Code, e.Reason)
}

func (e *SendError) Unwrap() error { return e.Err }

// Report is what a provider says later of a message.
type Report struct {
	// MessageID is ours, where the provider gave it back; else ProviderID
	// finds the message on its channel.
	MessageID, ProviderID string
	// Status is sent, delivered, read or failed.
	Status  Status
	At      time.Time
	Failure *Failure
}

// Inbound is a message that somebody wrote to a channel.
type Inbound struct {
	// ID is the provider's, by which a repetition is known; empty without one.
	ID string
	// From is + and digits, or a JID; Name the profile name, may be empty.
	From, Name string
	// User is the provider's own id of the person, where it has one: Meta's
	// business-scoped user id. From may be empty then.
	User  string
	Text  string
	Files []InboundFile
	// Kind is the provider's word for what it is: text, image, location … Of
	// KindSystem it is WhatsApp's own notice, such as of a changed number, and
	// nobody wrote.
	Kind  string
	At    time.Time
	Group bool
	// Author is who wrote in a group, + and digits or the provider's id, and
	// AuthorName their profile name; both may be empty, and are outside groups.
	Author, AuthorName string
}

// KindSystem is the Kind of a notice that the provider made by itself: it opens
// no session window.
const KindSystem = "system"
