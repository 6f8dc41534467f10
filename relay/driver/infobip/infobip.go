// Package infobip hands messages to Infobip: WhatsApp (Driver) and Viber
// Business Messages (Viber).
//
// It knows Infobip's addresses, fields, codes and callbacks. It knows no
// store, no lane and no schedule: a call is made once, and what an answer
// means is said by one table of codes that both channels share. Nothing is
// remembered between calls.
//
// Infobip fetches files itself, so that every file goes as its address. A
// message goes out under our own id, which comes back in reports.
package infobip

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
	"relevo/relay/driver/wire"
)

// Kinds of channels that this package serves.
const (
	Kind      = "infobip_whatsapp"
	ViberKind = "infobip_viber"
)

// Options are what a driver needs from outside.
type Options struct {
	// HTTP makes the API calls. The address of an account is typed by its
	// owner, so this has to be a guarded client; nil is wire.NewClient(),
	// for tests.
	HTTP *http.Client
	// Media fetches the files of what people write; nil is HTTP.
	Media *http.Client
	// Base takes the place of every channel's base_url, scheme included, for
	// tests; empty: each channel's own.
	Base string
	// Log takes what is noteworthy and no error; nil: nowhere.
	Log *slog.Logger
}

// Driver serves WhatsApp channels of Infobip. Its methods may be called
// concurrently.
//
// Infobip names WhatsApp's limits for files as its own, and itself takes 4,000
// messages a second.
// https://www.infobip.com/docs/api/channels/whatsapp
// https://www.infobip.com/docs/whatsapp/message-types-and-templates/free-form-messages
type Driver struct {
	whatsapp.Limits
	whatsapp.Pace
	shared
}

// Viber serves Viber Business channels of Infobip. Its methods may be called
// concurrently.
type Viber struct{ shared }

// New makes the driver of WhatsApp channels.
func New(o Options) *Driver { return &Driver{shared: newShared(o, onWhatsApp)} }

// NewViber makes the driver of Viber channels.
func NewViber(o Options) *Viber { return &Viber{newShared(o, onViber)} }

// flavor is what differs between the two in what they share.
type flavor struct {
	// name is for sentences.
	name string
	// integration is integrationType of what people write.
	integration string
	// resource and named say how configurations of inbound messages call a
	// sender: https://www.infobip.com/docs/api/platform/numbers
	resource, named string
	// logs is where sent messages can be looked up for 48 hours.
	logs string
}

var (
	onWhatsApp = flavor{"WhatsApp", "WHATSAPP", "WHATSAPP", "number", "/whatsapp/2/logs"}
	onViber    = flavor{"Viber", "VIBER", "VIBER_BM", "resource", "/viber/2/logs"}
)

// shared is what both drivers do alike.
type shared struct {
	flavor
	http, media *http.Client
	base        string
	log         *slog.Logger
}

func newShared(o Options, f flavor) shared {
	s := shared{flavor: f, http: o.HTTP, media: o.Media, base: strings.TrimRight(o.Base, "/"), log: o.Log}
	if s.http == nil {
		s.http = wire.NewClient()
	}
	if s.media == nil {
		s.media = s.http
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// root is the address of a channel's API, without a slash at its end.
func (d *shared) root(s settings) string {
	if d.base != "" {
		return d.base
	}
	return s.BaseURL
}

// call makes one call of the API. Its error is a *relay.SendError.
func (d *shared) call(ctx context.Context, s settings, method, path string, body any) (wire.Result, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return wire.Result{}, refused(relay.CodeRefused, "The message cannot be written as JSON.", err)
		}
	}
	req, err := wire.NewJSON(ctx, method, d.root(s)+path, raw)
	if err != nil {
		return wire.Result{}, fault("The channel's base_url is not an address. Correct it in the channel's settings.", err)
	}
	if body == nil {
		req.Header.Del("Content-Type")
	}
	req.Header.Set("Authorization", "App "+s.APIKey)
	return wire.Do(ctx, d.http, req)
}

// open reads a channel's settings.
func open(ch relay.Channel) (settings, error) {
	var s settings
	if err := json.Unmarshal(ch.Settings, &s); err != nil || s.APIKey == "" || s.Sender == "" {
		return s, fault("The channel has no usable settings. Connect it again with base_url, api_key and sender.", errors.New("settings cannot be read"))
	}
	return s, nil
}

func refused(code relay.Code, reason string, err error) *relay.SendError {
	return &relay.SendError{Verdict: relay.Refused, Code: code, Reason: reason, Err: err}
}

func fault(reason string, err error) *relay.SendError {
	return &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed, Reason: reason, Err: err}
}

// recipient is a phone number as Infobip takes it: digits alone.
func recipient(out relay.Outgoing) (string, error) {
	if out.Group || strings.Contains(out.Recipient, "@") {
		return "", refused(relay.CodeRefused, "Infobip sends to phone numbers only. Use a channel with groups for this chat.", nil)
	}
	n := strings.TrimPrefix(out.Recipient, "+")
	if n == "" || strings.Trim(n, "0123456789") != "" {
		return "", refused(relay.CodeInvalidPhone, "The recipient is not a phone number. Give one in international form.", nil)
	}
	return n, nil
}

// link is the address under which Infobip fetches a file, max bytes at most.
func link(f *relay.OutgoingFile, max int) (string, error) {
	switch {
	case f.Link == "":
		return "", refused(relay.CodeFileUnreachable, "The file has no address that Infobip could fetch it from. Set public_url.", nil)
	case len(f.Link) > max:
		return "", refused(relay.CodeInvalidFileURL, "The file's address is too long for Infobip. Give the file a shorter name.", nil)
	}
	return f.Link, nil
}

// NeedsLink is true of every kind: Infobip fetches files itself.
func (*shared) NeedsLink(relay.FileKind) bool { return true }
