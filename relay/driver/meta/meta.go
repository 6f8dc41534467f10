// Package meta sends and receives WhatsApp messages through Meta's Cloud API.
//
// It knows Meta's addresses, fields, signatures and error codes. It makes one
// try of a call, keeps nothing between calls, and knows no lane and no store.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp
package meta

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// What Options mean where they are left out. Meta supports a version for about
// two years: https://developers.facebook.com/docs/graph-api/changelog
const (
	DefaultBase    = "https://graph.facebook.com"
	DefaultVersion = "v26.0"
)

// Options say how the driver reaches Meta.
type Options struct {
	// HTTP makes the calls of the API; nil: wire.NewClient().
	HTTP *http.Client
	// Media fetches what people sent from the addresses that Meta names; it
	// should be guarded. Nil: the same as HTTP.
	Media *http.Client
	// Base is the API's address without a version, Version the one to use;
	// empty: DefaultBase and DefaultVersion.
	Base, Version string
	// Log tells what was left out of callbacks; nil: nothing is logged.
	Log *slog.Logger
}

// Driver serves all channels of kind "meta". Its methods may be called
// concurrently.
type Driver struct {
	http, media *http.Client
	host, base  string
	version     string
	log         *slog.Logger
}

var _ interface {
	relay.Driver
	relay.Connector
	relay.Captioner
	relay.Limiter
	relay.Windowed
	relay.Rated
	relay.Receiver
	relay.MediaSource
	relay.Checker
	relay.Templater
} = (*Driver)(nil)

// New makes a driver. It calls nobody.
func New(o Options) *Driver {
	d := &Driver{http: o.HTTP, media: o.Media, host: strings.TrimRight(o.Base, "/"), version: strings.Trim(o.Version, "/"), log: o.Log}
	if d.http == nil {
		d.http = wire.NewClient()
	}
	if d.media == nil {
		d.media = d.http
	}
	if d.host == "" {
		d.host = DefaultBase
	}
	if d.version == "" {
		d.version = DefaultVersion
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.base = d.host + "/" + d.version
	return d
}

// Captions reports that a text goes under an image, a video and a document.
// WhatsApp shows none under audio.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (*Driver) Captions(kind relay.FileKind) bool { return kind != relay.Audio }

// MaxFileBytes is 5 MB for an image, 16 MB for audio and video and 100 MB for
// a document.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
func (*Driver) MaxFileBytes(kind relay.FileKind) int64 {
	switch kind {
	case relay.Image:
		return 5 << 20
	case relay.Audio, relay.Video:
		return 16 << 20
	}
	return 100 << 20
}

// MaxTextRunes is the longest body of a text message.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages
func (*Driver) MaxTextRunes() int { return 4096 }

// MaxCaptionRunes is the longest text under a file.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (*Driver) MaxCaptionRunes() int { return 1024 }

// Window is the customer service window: 24 hours from the last message or
// call of the recipient.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (*Driver) Window() time.Duration { return 24 * time.Hour }

// Rate is 80 messages a second of a business number, in and out together. Meta
// raises it to 1,000 by itself; a number that also lives in the WhatsApp
// Business app has 20 and is told so by error 130429.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
func (*Driver) Rate(relay.Channel) int { return 80 }

// Pair is one message in 6 seconds to one user, after a burst of 45.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/about-the-platform
func (*Driver) Pair() (every time.Duration, burst int) { return 6 * time.Second, 45 }
