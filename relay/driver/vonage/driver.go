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

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
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
//
// Vonage publishes no limits of its own for files, which it hands on to Meta,
// and none for a number but that it answers 429. Of a text under a file it
// takes 3000 characters and leaves the refusal to Meta.
// https://developer.vonage.com/en/api/messages
type Driver struct {
	whatsapp.Limits
	whatsapp.Pace
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

// NeedsLink reports that Vonage fetches files of every kind by their address.
func (*Driver) NeedsLink(relay.FileKind) bool { return true }
