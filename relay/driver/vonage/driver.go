// Package vonage sends WhatsApp messages through Vonage's Messages API v1 and
// reads what Vonage calls back with.
//
// It knows Vonage's wire, its error codes and its signatures, and so much of
// Meta's Graph API as it takes to read and submit message templates. It knows
// no store and no lane: it makes one call per message, and repeats none.
//
// Vonage fetches files itself, by the address that the relay gives it.
//
// https://developer.vonage.com/en/api/messages
package vonage

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Kind is the word for channels of this driver.
const Kind = "vonage"

// Addresses of the two APIs, as Vonage and Meta publish them:
// https://developer.vonage.com/en/api/messages and
// https://developers.facebook.com/docs/graph-api/changelog/versions
const (
	DefaultBase     = "https://api.nexmo.com"
	DefaultMetaBase = "https://graph.facebook.com/v26.0"
)

// Options are what a Driver works with. The zero value is for production.
type Options struct {
	// HTTP makes the calls of the APIs; nil: wire.NewClient().
	HTTP *http.Client
	// Media fetches what people sent, from addresses in callbacks: a guarded
	// client; nil: the same as HTTP.
	Media *http.Client
	// Base is the address of Vonage's API without a path; empty: DefaultBase.
	Base string
	// MetaBase is the address of Meta's Graph API with its version; empty:
	// DefaultMetaBase.
	MetaBase string
	// Log takes what is noticed in callbacks; nil: nothing is logged.
	Log *slog.Logger
}

// Driver serves all Vonage channels of a process. Its methods may be called
// concurrently.
type Driver struct {
	http, media *http.Client
	base, meta  string
	host        string
	log         *slog.Logger
	bearers     bearers
}

// New makes a driver. It makes no call.
func New(o Options) *Driver {
	d := &Driver{http: o.HTTP, media: o.Media, base: o.Base, meta: o.MetaBase, log: o.Log}
	if d.http == nil {
		d.http = wire.NewClient()
	}
	if d.media == nil {
		d.media = d.http
	}
	if d.base == "" {
		d.base = DefaultBase
	}
	if d.meta == "" {
		d.meta = DefaultMetaBase
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.base, d.meta = strings.TrimRight(d.base, "/"), strings.TrimRight(d.meta, "/")
	if u, err := url.Parse(d.base); err == nil {
		d.host = u.Host
	}
	return d
}

// Captions reports that a text goes under an image, a video and a document.
// Audio takes none: https://developer.vonage.com/en/api/messages
func (*Driver) Captions(kind relay.FileKind) bool { return kind != relay.Audio }

// WhatsApp's limits for files, in bytes. Vonage publishes none of its own, and
// hands files on to Meta.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
const (
	maxImage    = 5 << 20
	maxAudio    = 16 << 20
	maxVideo    = 16 << 20
	maxDocument = 100 << 20
)

// MaxFileBytes is what WhatsApp takes: 5 MB for an image, 16 MB for audio and
// video, 100 MB for a document.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
func (*Driver) MaxFileBytes(kind relay.FileKind) int64 {
	switch kind {
	case relay.Image:
		return maxImage
	case relay.Audio:
		return maxAudio
	case relay.Video:
		return maxVideo
	}
	return maxDocument
}

// MaxTextRunes is Vonage's limit for a text on WhatsApp, in characters:
// https://developer.vonage.com/en/api/messages
func (*Driver) MaxTextRunes() int { return 4096 }

// MaxCaptionRunes is Meta's limit for a text under a file, in characters.
// Vonage itself takes 3000 and leaves the refusal to Meta.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
func (*Driver) MaxCaptionRunes() int { return 1024 }

// Window is how long a free text is taken after the recipient has written:
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages
func (*Driver) Window() time.Duration { return 24 * time.Hour }

// Rate is what WhatsApp takes from one number by default, in messages a
// second. Vonage has no published limit of its own, and answers 429.
// https://developers.facebook.com/docs/whatsapp/throughput
func (*Driver) Rate(relay.Channel) (perSecond int) { return 80 }

// Pair is how often WhatsApp lets one number write to one recipient: every six
// seconds, after a burst of 45.
// https://developers.facebook.com/docs/whatsapp/cloud-api/overview
func (*Driver) Pair() (every time.Duration, burst int) { return 6 * time.Second, 45 }

// NeedsLink reports that Vonage fetches files of every kind by their address.
func (*Driver) NeedsLink(relay.FileKind) bool { return true }
