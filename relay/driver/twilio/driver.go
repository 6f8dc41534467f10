// Package twilio sends through Twilio's Programmable Messaging for WhatsApp and
// reads what Twilio calls back.
//
// It knows Twilio's addresses, forms, error codes and signatures. It keeps
// nothing between calls, starts nothing and waits for nothing: each Send is one
// call, preceded by one look at the template where its values have to be sorted
// to more than a body.
//
// A message carries our id in the query of its status callback, so that a
// report finds it even where Twilio's answer, and with it Twilio's id, was lost.
package twilio

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Options are what a Driver is made of. The zero value talks to Twilio.
type Options struct {
	// HTTP makes API calls; nil: wire.NewClient().
	HTTP *http.Client
	// Media fetches files of inbound messages and should be guarded, because
	// their addresses redirect to hosts that Twilio chooses; nil: HTTP.
	Media *http.Client
	// Base stands for all of Twilio's API hosts, for tests; empty: the real
	// ones.
	Base string
	// Log takes what nobody else is told of; nil: nowhere.
	Log *slog.Logger
}

// Driver serves all Twilio channels of a process. Its methods may be called
// concurrently.
type Driver struct {
	http, media *http.Client
	// hosts without a slash at their end.
	api, content, messaging string
	log                     *slog.Logger
}

// Twilio's API hosts: https://www.twilio.com/docs/usage/api and
// https://www.twilio.com/docs/content/content-api-resources
const (
	apiHost       = "https://api.twilio.com"
	contentHost   = "https://content.twilio.com"
	messagingHost = "https://messaging.twilio.com"
)

// New makes a driver. It makes no call.
func New(o Options) *Driver {
	d := &Driver{http: o.HTTP, media: o.Media, api: apiHost, content: contentHost, messaging: messagingHost, log: o.Log}
	if d.http == nil {
		d.http = wire.NewClient()
	}
	if d.media == nil {
		d.media = d.http
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if base := strings.TrimRight(o.Base, "/"); base != "" {
		d.api, d.content, d.messaging = base, base, base
	}
	return d
}

// Captions reports that a text goes under an image. Under every other kind
// Twilio drops or refuses it.
// https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
func (*Driver) Captions(kind relay.FileKind) bool { return kind == relay.Image }

// MaxFileBytes is 5 MB for an image and 16 MB for everything else.
// https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages
func (*Driver) MaxFileBytes(kind relay.FileKind) int64 {
	if kind == relay.Image {
		return 5 << 20
	}
	return 16 << 20
}

// MaxTextRunes is the limit of the parameter Body.
// https://www.twilio.com/docs/api/errors/21617
func (*Driver) MaxTextRunes() int { return 1600 }

// MaxCaptionRunes is WhatsApp's limit for a text under an image.
// https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
func (*Driver) MaxCaptionRunes() int { return 1024 }

// Window is how long after the recipient's last message free text is taken.
// https://www.twilio.com/docs/api/errors/63016
func (*Driver) Window() time.Duration { return 24 * time.Hour }

// The sandbox is one number for all of Twilio's customers; it takes a message
// every three seconds. https://www.twilio.com/docs/whatsapp/sandbox
const sandboxNumber = "+14155238886"

// Rate is 80 messages a second for a sender, and 1 for the sandbox, whose real
// limit of one in three seconds its lane's spacing has to keep.
// https://www.twilio.com/docs/api/errors/63018
func (*Driver) Rate(ch relay.Channel) int {
	if s, err := settingsOf(ch); err == nil && s.From == sandboxNumber {
		return 1
	}
	return 80
}

// Pair is no limit: Twilio documents none for one recipient.
func (*Driver) Pair() (every time.Duration, burst int) { return 0, 0 }

// NeedsLink is true for every kind: Twilio fetches MediaUrl itself.
func (*Driver) NeedsLink(relay.FileKind) bool { return true }

// account is the address of the channel's account in the 2010 API.
func (d *Driver) account(s Settings) string {
	return d.api + "/2010-04-01/Accounts/" + s.AccountSID
}

// post sends a form.
func (d *Driver) post(ctx context.Context, s Settings, address string, form url.Values) (wire.Result, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return wire.Result{}, notSendable(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(ctx, s, req)
}

// get asks for a resource.
func (d *Driver) get(ctx context.Context, s Settings, address string) (wire.Result, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return wire.Result{}, notSendable(err)
	}
	return d.do(ctx, s, req)
}

// do makes a call with the channel's credentials.
func (d *Driver) do(ctx context.Context, s Settings, req *http.Request) (wire.Result, error) {
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(s.login())
	return wire.Do(ctx, d.http, req)
}

func notSendable(error) error { // its text may hold the address
	return &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed,
		Reason: "Twilio's address cannot be made from the channel's settings. Enter them again."}
}
