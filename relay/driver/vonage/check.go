package vonage

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"time"

	"relevo/relay"
	"relevo/relay/driver/whatsapp"
	"relevo/relay/driver/wire"
)

// Where an owner clicks to mend what a check found.
const (
	atSettings    = "Vonage dashboard: API Settings (dashboard.vonage.com/settings)."
	atApplication = "Vonage dashboard: Build > Applications > your application > Edit"
	atNumbers     = "Vonage dashboard: Build > Applications > your application > Link social channels, then Link beside the number."
)

// Check tests the account's credentials, the application's key, version and
// callback addresses, and whether the number is linked to it; of templates,
// Meta's token. It makes up to five calls and changes nothing.
func (d *Driver) Check(ctx context.Context, ch relay.Channel, at relay.Addresses) []relay.Finding {
	s, err := settingsOf(ch)
	if err != nil {
		return []relay.Finding{{Subject: "settings", State: relay.Trouble, Message: "The settings of this channel are not whole.", Hint: "Save them again."}}
	}
	app, findings := d.checkAccount(ctx, s)
	if app != nil {
		findings = append(findings, checkKey(s, *app))
		findings = append(findings, checkVersion(*app))
		findings = append(findings, checkCallbacks(*app, at)...)
	}
	findings = append(findings, d.checkNumber(ctx, s))
	findings = append(findings, wire.OtherPhone(ch, "+"+s.From)...)
	findings = append(findings, checkSignature(ch))
	return append(findings, d.checkTemplates(ctx, s)...)
}

// application is what Vonage tells of one.
// https://developer.vonage.com/en/api/application.v2#getApplication
type application struct {
	Keys struct {
		Public string `json:"public_key"`
	} `json:"keys"`
	Capabilities struct {
		Messages *struct {
			Version  string `json:"version"`
			Webhooks struct {
				Inbound webhook `json:"inbound_url"`
				Status  webhook `json:"status_url"`
			} `json:"webhooks"`
		} `json:"messages"`
	} `json:"capabilities"`
}

type webhook struct {
	Address string `json:"address"`
	Method  string `json:"http_method"`
}

func basic(s Settings) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(s.APIKey+":"+s.APISecret))
}

// checkAccount reads the application with the account's key and secret.
func (d *Driver) checkAccount(ctx context.Context, s Settings) (*application, []relay.Finding) {
	const subject = "credentials"
	res, err := d.call(ctx, http.MethodGet, d.base+"/v2/applications/"+s.ApplicationID, nil, basic(s))
	var app application
	switch {
	case err != nil:
		return nil, []relay.Finding{unreachable(subject)}
	case res.Status == http.StatusUnauthorized, res.Status == http.StatusForbidden:
		return nil, []relay.Finding{{Subject: subject, State: relay.Trouble, Message: "Vonage does not take the API key and secret.", Hint: "Copy both again from " + atSettings}}
	case res.Status == http.StatusNotFound:
		return nil, []relay.Finding{{Subject: "application", State: relay.Trouble, Message: "The account has no application with this ID.", Hint: "Copy the Application ID again from the Vonage dashboard: Build > Applications."}}
	case res.Status != http.StatusOK || json.Unmarshal(res.Body, &app) != nil:
		return nil, []relay.Finding{unclear(subject, res)}
	}
	return &app, []relay.Finding{{Subject: subject, State: relay.Well, Message: "Vonage takes the API key and secret, and has the application."}}
}

func unreachable(subject string) relay.Finding {
	return relay.Finding{Subject: subject, State: relay.Doubt, Message: "Vonage could not be reached.", Hint: "Check that this server may call api.nexmo.com, then check again."}
}

func unclear(subject string, res wire.Result) relay.Finding {
	return relay.Finding{Subject: subject, State: relay.Doubt, Message: fmt.Sprintf("Vonage gave no clear answer (status %d).", res.Status), Hint: "Check again in a few minutes."}
}

// checkKey compares the application's public key with the private one.
func checkKey(s Settings, app application) relay.Finding {
	f := relay.Finding{Subject: "private key", State: relay.Well, Message: "The private key belongs to the application."}
	private, fault := parseKey(s.PrivateKey)
	if fault != "" {
		f.State, f.Message, f.Hint = relay.Trouble, fault, atApplication+" > Generate public and private key, Save, and paste the downloaded file here."
		return f
	}
	block, _ := pem.Decode([]byte(app.Keys.Public))
	if block == nil {
		f.State, f.Message, f.Hint = relay.Doubt, "Vonage does not show the application's public key, so that the private key is not proved.", "Send a message to yourself."
		return f
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if key, ok := public.(*rsa.PublicKey); err == nil && ok && key.Equal(&private.PublicKey) {
		return f
	}
	f.State, f.Message, f.Hint = relay.Trouble, "The private key belongs to another application, or to an older key of this one.",
		atApplication+" > Generate public and private key, Save, and paste the downloaded file here."
	return f
}

// checkVersion looks whether the application does messages, in version v1.
func checkVersion(app application) relay.Finding {
	m := app.Capabilities.Messages
	switch {
	case m == nil:
		return relay.Finding{Subject: "version", State: relay.Trouble, Message: "The application does not do messages.", Hint: atApplication + " > Capabilities: switch Messages on, then Save."}
	case m.Version != "" && m.Version != version:
		return relay.Finding{Subject: "version", State: relay.Trouble, Message: "The application uses an old version of the Messages API, not v1.", Hint: atApplication + " > Capabilities > Messages > Version: choose v1, then Save."}
	}
	return relay.Finding{Subject: "version", State: relay.Well, Message: "The application uses version v1 of the Messages API."}
}

// checkCallbacks compares the application's addresses with ours.
func checkCallbacks(app application, at relay.Addresses) []relay.Finding {
	m := app.Capabilities.Messages
	if m == nil || at.Callback == "" {
		return nil
	}
	one := func(name, label string, w webhook, want string) relay.Finding {
		hint := atApplication + " > Capabilities > Messages > " + label + ": paste " + want + " and Save."
		switch {
		case w.Address == "":
			return relay.Finding{Subject: name, State: relay.Trouble, Message: "The application has no " + label + ".", Hint: hint}
		case w.Address != want && !at.Reach(w.Address):
			return relay.Finding{Subject: name, State: relay.Trouble, Message: "The application's " + label + " leads elsewhere.", Hint: hint}
		case w.Method != "" && !strings.EqualFold(w.Method, http.MethodPost):
			return relay.Finding{Subject: name, State: relay.Trouble, Message: "The application's " + label + " is not called with POST.", Hint: atApplication + " > Capabilities > Messages > " + label + ": choose POST and Save."}
		}
		return relay.Finding{Subject: name, State: relay.Well, Message: "The application's " + label + " is this channel's."}
	}
	return []relay.Finding{
		one("inbound callback", "Inbound URL", m.Webhooks.Inbound, at.Inbound),
		one("status callback", "Status URL", m.Webhooks.Status, at.Status),
	}
}

// checkNumber looks whether the number is linked to the application. The call
// is made with the application's token, and so proves that it is taken.
// https://developer.vonage.com/en/api/external-accounts
func (d *Driver) checkNumber(ctx context.Context, s Settings) relay.Finding {
	const subject = "number"
	trouble := func(message, hint string) relay.Finding {
		return relay.Finding{Subject: subject, State: relay.Trouble, Message: message, Hint: hint}
	}
	b, err := d.bearers.of(s, time.Now())
	if err != nil {
		return trouble("The private key cannot be used.", "Save it again.")
	}
	res, err := d.call(ctx, http.MethodGet, d.base+"/beta/chatapp-accounts/whatsapp/"+s.From, nil, "Bearer "+b.token)
	var account struct {
		Applications []string `json:"applications"`
		APIKey       string   `json:"api_key"`
	}
	switch {
	case err != nil:
		return unreachable(subject)
	case res.Status == http.StatusUnauthorized, res.Status == http.StatusForbidden:
		d.bearers.drop(s)
		return trouble("Vonage does not take the application's token.", "Check the private key, and that the clock of this server is right.")
	case res.Status == http.StatusNotFound:
		return trouble("The account has no WhatsApp number like the one of this channel.", "Compare it with the Vonage dashboard: Channels > External accounts.")
	case res.Status != http.StatusOK || json.Unmarshal(res.Body, &account) != nil:
		return unclear(subject, res)
	case account.APIKey != "" && account.APIKey != s.APIKey:
		return trouble("The WhatsApp number belongs to another Vonage account.", "Use that account's API key and secret, or another number.")
	}
	for _, id := range account.Applications {
		if strings.EqualFold(id, s.ApplicationID) {
			return relay.Finding{Subject: subject, State: relay.Well, Message: "The WhatsApp number is linked to the application."}
		}
	}
	return trouble("The WhatsApp number is not linked to the application.", atNumbers)
}

// checkSignature says whether a signed callback has proved the secret, which
// nothing else can.
func checkSignature(ch relay.Channel) relay.Finding {
	const subject = "signature secret"
	if ch.CallbackAt.IsZero() {
		return relay.Finding{Subject: subject, State: relay.Doubt, Message: "No signed callback has come yet, so that the signature secret is not proved.",
			Hint: "Write to the number from your phone. If nothing arrives, copy the Signature secret again from " + atSettings}
	}
	return relay.Finding{Subject: subject, State: relay.Well, Message: "Signed callbacks have come."}
}

// checkTemplates tests Meta's token, where one is given.
func (d *Driver) checkTemplates(ctx context.Context, s Settings) []relay.Finding {
	const subject = "templates"
	if m := missing(s); m != nil {
		if s.WABAID == "" && s.UserToken == "" {
			return []relay.Finding{{Subject: subject, State: relay.Well, Message: "Templates are not read from Meta: neither waba_id nor user_token is set.", Hint: "Set both to list and submit templates here."}}
		}
		return []relay.Finding{{Subject: subject, State: relay.Doubt, Message: m.Reason, Hint: "Set both, or none."}}
	}
	token, err := d.debugToken(ctx, s)
	if err == nil && !token.Valid {
		return []relay.Finding{{Subject: subject, State: relay.Trouble, Message: "Meta does not take the user token any more.", Hint: tokenHint}}
	}
	if err == nil {
		err = d.templatePage(ctx, s, whatsapp.Query(1), &struct{}{})
	}
	if err != nil {
		return []relay.Finding{{Subject: subject, State: stateOf(err), Message: reasonOf(err), Hint: tokenHint}}
	}
	f := relay.Finding{Subject: subject, State: relay.Well, Message: "Meta takes the user token, and has the templates."}
	if token.ExpiresAt > 0 {
		f.Until = time.Unix(token.ExpiresAt, 0).UTC()
	}
	return []relay.Finding{f}
}
