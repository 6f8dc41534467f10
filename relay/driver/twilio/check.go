package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Check tests credentials, the sender, and whether Twilio calls this channel's
// addresses.
func (d *Driver) Check(ctx context.Context, ch relay.Channel, at relay.Addresses) []relay.Finding {
	s, err := settingsOf(ch)
	if err != nil {
		return []relay.Finding{trouble("credentials", reason(err), "Open the channel's settings.")}
	}
	found, well := d.credentials(ctx, s)
	if well || s.APIKey != "" { // else the auth token was just found wrong
		found = append(found, signatures(ctx, d, s))
	}
	if well && s.From != "" {
		found = append(found, d.senderSetUp(ctx, s, at)...)
	}
	if well && s.MessagingServiceSID != "" {
		found = append(found, d.service(ctx, s, at)...)
	}
	found = append(found, wire.OtherPhone(ch, s.From)...)
	return append(found, reachable(at)...)
}

func finding(subject string, state relay.FindingState, message, hint string) relay.Finding {
	return relay.Finding{Subject: subject, State: state, Message: message, Hint: hint}
}

func trouble(subject, message, hint string) relay.Finding {
	return finding(subject, relay.Trouble, message, hint)
}

func well(subject, message string) relay.Finding { return finding(subject, relay.Well, message, "") }

func doubt(subject, message, hint string) relay.Finding {
	return finding(subject, relay.Doubt, message, hint)
}

// reason is an error's sentence for the owner.
func reason(err error) string {
	if e := (*relay.SendError)(nil); errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	return "Twilio's answer cannot be read."
}

// credentials tries what calls are made with. A standard API key may not read
// the account, so that one message is asked for instead.
// https://www.twilio.com/docs/iam/api-keys
func (d *Driver) credentials(ctx context.Context, s Settings) ([]relay.Finding, bool) {
	if s.APIKey != "" {
		var list struct{}
		if err := d.read(ctx, s, d.account(s)+"/Messages.json?PageSize=1", &list); err != nil {
			return []relay.Finding{trouble("credentials", reason(err), "Make a new API key in "+inKeys+" and enter it with its secret.")}, false
		}
		return []relay.Finding{well("credentials", "Twilio accepts the API key.")}, true
	}
	return d.accountState(ctx, s, "credentials")
}

// accountState reads the account with its auth token.
func (d *Driver) accountState(ctx context.Context, s Settings, subject string) ([]relay.Finding, bool) {
	s.APIKey, s.APISecret = "", ""
	var a struct {
		Status string `json:"status"`
		Type   string `json:"type"`
	}
	if err := d.read(ctx, s, d.account(s)+".json", &a); err != nil {
		return []relay.Finding{trouble(subject, reason(err), "Copy account SID and auth token anew from Twilio Console > Account Dashboard > Account Info.")}, false
	}
	if a.Status != "active" {
		return []relay.Finding{trouble(subject, "The Twilio account is "+a.Status+".", "Open the Twilio Console: it says what has to be done.")}, false
	}
	found := []relay.Finding{well(subject, "Twilio accepts the auth token.")}
	if a.Type == "Trial" {
		found = append(found, doubt("account", "This is a trial account: it sends to verified numbers only.", "Upgrade in Twilio Console > Admin > Account billing."))
	}
	return found, true
}

// signatures says whether callbacks can be verified. The auth token was tried
// already where calls are made with it.
func signatures(ctx context.Context, d *Driver, s Settings) relay.Finding {
	const subject = "callback signature"
	if s.AuthToken == "" {
		return trouble(subject, "Without the auth token no callback can be verified: neither reports nor messages arrive.",
			"Copy it from Twilio Console > Account Dashboard > Account Info > Auth Token. Calls go on with the API key.")
	}
	if s.APIKey == "" {
		return well(subject, "Callbacks are verified with the auth token.")
	}
	found, _ := d.accountState(ctx, s, subject)
	return found[0]
}

// reachable looks at the address that messages name for their reports.
// https://www.twilio.com/docs/api/errors/21609
func reachable(at relay.Addresses) []relay.Finding {
	const subject = "public address"
	u, err := url.Parse(at.Status)
	switch {
	case at.Status == "":
		return nil
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return []relay.Finding{trouble(subject, "Twilio cannot call this server: it has no public address.", "Set public_url to the https address under which Relevo is reached.")}
	case strings.Contains(u.Hostname(), "_"):
		return []relay.Finding{trouble(subject, "Twilio does not call a host with an underscore in its name.", "Give the server a name without one and set public_url.")}
	case u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1":
		return []relay.Finding{trouble(subject, "Twilio cannot call this server: its public address is this machine's own.", "Set public_url to an https address that opens from outside.")}
	}
	return nil
}

// same reports whether an address in Twilio's set-up is one of ours, whatever
// fragment asks for retries.
func same(set string, ours ...string) bool {
	set, _, _ = strings.Cut(set, "#")
	for _, o := range ours {
		if o != "" && set == o {
			return true
		}
	}
	return false
}

// callback compares an address with what Twilio has. Of the two only the
// inbound one is needed: each message names where its reports go.
func callback(subject, set, method, click string, at relay.Addresses) relay.Finding {
	hint := fmt.Sprintf("Paste %s#rc=5&rp=all in %s, with method HTTP POST.", at.Inbound, click)
	switch {
	case at.Inbound == "":
		return doubt(subject, "This channel has no callback address yet.", "Save the channel once more.")
	case set == "":
		return trouble(subject, "Twilio has no address for inbound messages: what people write does not arrive.", hint)
	case !same(set, append([]string{at.Inbound, at.Callback}, at.Shared...)...):
		return trouble(subject, "Twilio sends inbound messages to another address than this channel's.", hint)
	case method != "" && !strings.EqualFold(method, "POST"):
		return doubt(subject, "Twilio calls the inbound address with "+method+".", "Choose HTTP POST in "+click+".")
	}
	return well(subject, "Inbound messages come to this channel.")
}
