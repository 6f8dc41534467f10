package relay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

// Connector is a driver whose channels need settings: credentials, account
// ids. The relay keeps them sealed and hands them to the driver in the clear,
// as Channel.Settings.
type Connector interface {
	// Connect reads settings as an owner gave them, over those that are kept
	// (nil for a new channel): what is not given stays. It returns what to
	// keep. An *Error names every fault, its fields as settings.name. It makes
	// no call over the network.
	Connect(given, kept json.RawMessage) (json.RawMessage, error)
	// Show is settings as their owner sees them again: secrets shortened to
	// their last four characters.
	Show(settings json.RawMessage) map[string]string
	// Account names whom the settings belong to at the provider: the account,
	// a slash, and the sender. It is no secret. An outage holds all channels
	// of an account, and no two channels of a workspace have the same sender.
	Account(settings json.RawMessage) string
}

// Checker tests a channel's credentials and the provider's own set-up, in
// words. It runs while a person waits: a minute at most.
type Checker interface {
	Check(ctx context.Context, ch Channel, at Addresses) []Finding
}

// Addresses are what an owner pastes into a provider's console.
type Addresses struct {
	// Callback is where the provider sends what happens; Status and Inbound
	// are the same for providers that take one address for each.
	Callback, Status, Inbound string
	// VerifyToken is what Meta asks for when the address is saved there.
	VerifyToken string
	// Shared are the addresses of the workspace's other channels of this kind:
	// what comes there is read for this one too. Check alone is given them.
	Shared []string
}

// Reach reports whether all that a provider sends to an address is read for
// the channel: the address of its callbacks, or one of another channel.
func (a Addresses) Reach(address string) bool {
	return address != "" && (address == a.Callback || slices.Contains(a.Shared, address))
}

// Finding is one line of a check.
type Finding struct {
	// Subject is what was looked at: credentials, number, callback …
	Subject string       `json:"subject"`
	State   FindingState `json:"state"`
	// Message says what was found, Hint where to click to change it.
	Message string `json:"message"`
	Hint    string `json:"hint,omitzero"`
	// Until is when what is well now ends, such as a token; zero: not known.
	Until time.Time `json:"until,omitzero"`
}

// FindingState says whether something has to be done.
type FindingState string

// States of a finding.
const (
	Well    FindingState = "ok"
	Doubt   FindingState = "warning"
	Trouble FindingState = "error"
)

// Receiver is a driver whose provider calls back.
type Receiver interface {
	// Receive verifies one call of the provider on the channel's address and
	// says what it tells. ErrForged where the signature is wrong or the call
	// is about another account: nothing of it may count. Any other error means
	// that it cannot be read; it is logged, and answered 400. Receive makes no
	// call over the network and keeps nothing.
	Receive(ch Channel, c Callback) (Received, error)
}

// ErrForged means that a callback is not the provider's, or not for this
// channel.
var ErrForged = errors.New("the callback is not signed by the provider, or not for this channel")

// ErrUnreadable means that a callback is the provider's and makes no sense.
var ErrUnreadable = errors.New("the callback cannot be read")

// Callback is one HTTP request of a provider.
type Callback struct {
	Method string
	// URL is the whole public address with its query, as the provider called
	// it: what signatures are made over.
	URL string
	// Part is what follows the channel's address: "", "status" or "inbound".
	Part   string
	Header http.Header
	// Body as received.
	Body []byte
	At   time.Time
	// VerifyToken is the channel's, as in Addresses.
	VerifyToken string
}

// Received is what a callback tells, and how it is answered.
type Received struct {
	Reports []Report
	Inbound []Inbound
	// Templates are those whose status changed.
	Templates []TemplateChange
	// Fault holds the channel where the provider says that nothing goes out
	// any more; empty for none.
	Fault string
	// Type and Reply are the body of the 200; both empty for none.
	Type  string
	Reply []byte
}

// InboundFile is an attachment of a message that somebody wrote.
type InboundFile struct {
	// URL or ID is where the provider keeps it; Auth says that fetching it
	// takes the channel's credentials.
	URL  string `json:"url,omitzero"`
	ID   string `json:"id,omitzero"`
	Auth bool   `json:"auth,omitzero"`
	Name string `json:"name,omitzero"`
	Type string `json:"type,omitzero"`
	// Caption is the text under it.
	Caption string `json:"caption,omitzero"`
}

// Windowed is a driver whose provider takes free text only for a while after
// the recipient has written.
type Windowed interface {
	// Window is that time.
	Window() time.Duration
}

// MediaSource is a driver that fetches the files of what people write.
type MediaSource interface {
	// Media opens one. Its type may be empty. The file came in a verified
	// callback of the channel. An error that is a *SendError with verdict
	// Refused means that it is gone for good; any other may be tried again.
	Media(ctx context.Context, ch Channel, f InboundFile) (body io.ReadCloser, mediaType string, err error)
}

// Rated is a driver whose provider limits how fast one channel may send.
type Rated interface {
	// Rate is how many messages a second the channel's sender takes, 0 for no
	// limit. Pair is how often one recipient may be written to in the long
	// run, after a first burst; zero for no limit.
	Rate(ch Channel) (perSecond int)
	Pair() (every time.Duration, burst int)
}

// Linked is a driver whose provider fetches files itself: Outgoing.File.Link
// has to be an address that opens from outside.
type Linked interface {
	NeedsLink(kind FileKind) bool
}
