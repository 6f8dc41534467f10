package meta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Where things are in Meta's consoles.
const (
	whereToken   = "Meta Business Suite > Settings > Users > System users: choose the user, Generate token, expiration Never, tick whatsapp_business_messaging and whatsapp_business_management; save the token in this channel."
	whereSecret  = "developers.facebook.com/apps > your app > App settings > Basic > App secret > Show."
	whereNumber  = "developers.facebook.com/apps > your app > WhatsApp > API Setup: choose the number under From and copy the phone number ID below it."
	whereAccount = "developers.facebook.com/apps > your app > WhatsApp > API Setup: copy the WhatsApp Business Account ID into the setting waba_id."
	whereAppID   = "developers.facebook.com/apps > your app > App settings > Basic: copy the App ID into the setting app_id."
	whereQuality = "business.facebook.com > WhatsApp Manager > Account tools > Phone numbers."
	whereFields  = "developers.facebook.com/apps > your app > WhatsApp > Configuration > Webhook fields: subscribe to messages, message_template_status_update, template_category_update and account_update."
)

// checking is one check of a channel.
type checking struct {
	*Driver
	settings
	ctx      context.Context
	ch       relay.Channel
	at       relay.Addresses
	findings []relay.Finding
	// appID is the app that the token belongs to; empty until known.
	appID string
	// callback reports whether the place to which Meta sends was found.
	callback bool
}

// Check asks Meta about the token, the app, the number, the account and where
// callbacks go. It changes nothing there.
func (d *Driver) Check(ctx context.Context, ch relay.Channel, at relay.Addresses) []relay.Finding {
	s, err := readSettings(ch.Settings)
	if err != nil {
		return []relay.Finding{{Subject: "credentials", State: relay.Trouble, Message: errNoSettings.Reason, Hint: whereToken}}
	}
	c := &checking{Driver: d, settings: s, ctx: ctx, ch: ch, at: at, appID: s.AppID}
	if c.number() {
		c.token()
		c.secret()
		c.account()
		c.subscribed()
	}
	c.arriving()
	return c.findings
}

func (c *checking) find(subject string, state relay.FindingState, message, hint string) {
	if state == relay.Well {
		hint = ""
	}
	c.findings = append(c.findings, relay.Finding{Subject: subject, State: state, Message: message, Hint: hint})
}

// failed says why a question was not answered; state is Doubt where the channel
// may be well all the same.
func (c *checking) failed(subject string, state relay.FindingState, err error, hint string) {
	message := "Meta could not be asked. Try again in a moment."
	if e := (*relay.SendError)(nil); errors.As(err, &e) {
		message = e.Reason
		if e.Verdict == relay.Unsure || e.Verdict == relay.Deferred {
			state, message = relay.Doubt, "Meta gave no clear answer to this question. Try again in a moment."
		}
	}
	c.find(subject, state, message, hint)
}

func (c *checking) get(path string, query url.Values, token string, answer any) (http.Header, error) {
	return c.call(c.ctx, request{method: http.MethodGet, path: path, query: query, token: token}, answer)
}

// number asks for the sending number, which is the cheapest test of token and
// ID: false where nothing else can be asked.
func (c *checking) number() bool {
	var n struct {
		Name    string `json:"verified_name"`
		Phone   string `json:"display_phone_number"`
		Quality string `json:"quality_rating"`
		Webhook struct {
			Number  string `json:"phone_number"`
			Account string `json:"whatsapp_business_account"`
			App     string `json:"application"`
		} `json:"webhook_configuration"`
	}
	fields := url.Values{"fields": {"verified_name,display_phone_number,quality_rating,throughput,webhook_configuration"}}
	h, err := c.get("/"+c.PhoneNumberID, fields, c.AccessToken, &n)
	if err = c.aboutNumber(err, 1); err != nil {
		subject, hint := "number", whereNumber
		if a := (*answered)(nil); errors.As(err, &a) && (a.Code == 190 || a.Code == 0) {
			subject, hint = "access token", whereToken
		}
		c.failed(subject, relay.Trouble, err, hint)
		return false
	}
	c.version(served(h))
	switch given := "+" + onlyDigits(n.Phone); {
	case c.ch.Phone != "" && onlyDigits(n.Phone) != "" && relay.Identity(given) != relay.Identity(c.ch.Phone):
		c.find("number", relay.Trouble, "The phone number ID belongs to another number than this channel's.", whereNumber)
	default:
		c.find("number", relay.Well, fmt.Sprintf("Meta knows the number; people see the name %q.", n.Name), "")
	}
	switch strings.ToUpper(n.Quality) {
	case "RED":
		c.find("quality", relay.Doubt, "The number's quality is low: people block or report its messages, and Meta may limit it.", whereQuality)
	case "YELLOW":
		c.find("quality", relay.Doubt, "The number's quality is medium.", whereQuality)
	case "GREEN":
		c.find("quality", relay.Well, "The number's quality is high.", "")
	}
	c.goesTo(n.Webhook.Number, n.Webhook.Account, n.Webhook.App)
	return true
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// version compares what was asked for with what answered: Meta answers with a
// newer version once one is over.
func (c *checking) version(answered string) {
	switch answered {
	case "":
	case c.Driver.version:
		c.find("API version", relay.Well, "Meta answers with version "+answered+".", "")
	default:
		c.find("API version", relay.Doubt, fmt.Sprintf("Relevo asks for version %s and Meta answers with another one: the old one is over.", c.Driver.version), "Update Relevo; its operator can do that.")
	}
}

// goesTo looks at where Meta sends what happens: to the number's own address,
// else to the account's, else to the app's.
func (c *checking) goesTo(number, account, app string) {
	for _, place := range []struct{ address, of string }{{number, "the number"}, {account, "the WhatsApp account"}, {app, "the app"}} {
		if place.address == "" {
			continue
		}
		c.callback = true
		if c.at.Reach(place.address) {
			c.find("callback", relay.Well, "Meta sends what happens to this channel's address, as set for "+place.of+".", "")
			return
		}
		c.find("callback", relay.Trouble, "Meta sends what happens to another address, which is set for "+place.of+".", c.whereCallback(place.of))
		return
	}
}

func (c *checking) whereCallback(of string) string {
	hint := "developers.facebook.com/apps > your app > WhatsApp > Configuration > Webhook > Edit: paste this channel's callback URL and its verify token (" + wire.Masked(c.at.VerifyToken) + "), then Verify and save."
	if of != "the app" {
		hint += " The address of " + of + " goes before the app's: whoever set it (webhook_configuration.override_callback_uri) has to change it or take it away."
	}
	return hint
}

// tokenInfo is what Meta knows of a token.
type tokenInfo struct {
	Data struct {
		AppID   word     `json:"app_id"`
		Valid   bool     `json:"is_valid"`
		Expires int64    `json:"expires_at"`
		Scopes  []string `json:"scopes"`
		Granted []struct {
			Scope   string `json:"scope"`
			Targets []word `json:"target_ids"`
		} `json:"granular_scopes"`
	} `json:"data"`
}

// soon is how long before its end a token is mentioned.
const soon = 14 * 24 * time.Hour

func (c *checking) token() {
	var t tokenInfo
	if _, err := c.get("/debug_token", url.Values{"input_token": {c.AccessToken}}, c.AccessToken, &t); err != nil {
		c.failed("access token", relay.Doubt, err, whereToken)
		return
	}
	if !t.Data.Valid {
		c.find("access token", relay.Trouble, "Meta says that the access token is not valid any more.", whereToken)
		return
	}
	if app := string(t.Data.AppID); app != "" {
		if c.AppID != "" && c.AppID != app {
			c.find("app", relay.Trouble, "The access token belongs to another app than the one in the setting app_id.", whereAppID)
		}
		c.appID = app
	}
	c.expiry(t.Data.Expires)
	for _, need := range []struct{ scope, use string }{
		{"whatsapp_business_messaging", "send and receive"},
		{"whatsapp_business_management", "read templates and the account's set-up"},
	} {
		if !slices.Contains(t.Data.Scopes, need.scope) {
			c.find("permission "+need.scope, relay.Trouble, "The access token lacks this permission; without it Relevo cannot "+need.use+".", whereToken)
		}
	}
	for _, g := range t.Data.Granted {
		if g.Scope == "whatsapp_business_messaging" && c.WABAID != "" && len(g.Targets) > 0 && !slices.Contains(g.Targets, word(c.WABAID)) {
			c.find("account", relay.Trouble, "The access token was not given this WhatsApp account.",
				"Meta Business Suite > Settings > Users > System users > your user > Assign assets > WhatsApp accounts: choose it with full control, then make a new token.")
		}
	}
}

func (c *checking) expiry(unix int64) {
	if unix == 0 {
		c.find("access token", relay.Well, "The access token is valid and never ends.", "")
		return
	}
	until := time.Unix(unix, 0).UTC()
	f := relay.Finding{Subject: "access token", State: relay.Well, Until: until, Message: "The access token is valid until " + until.Format("2 January 2006, 15:04") + " UTC."}
	switch left := time.Until(until); {
	case left <= 0:
		f.State, f.Hint, f.Message = relay.Trouble, whereToken, "The access token has ended."
	case left < soon:
		f.State, f.Hint = relay.Doubt, whereToken
	}
	c.findings = append(c.findings, f)
}
