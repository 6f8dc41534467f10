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

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
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
	whatsapp.Limits
	whatsapp.Pace
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
