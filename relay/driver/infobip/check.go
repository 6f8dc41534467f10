package infobip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Hints of a check.
const (
	keyHint     = "In portal.infobip.com open Developer Tools > API Keys, make a key and paste it together with the API base URL into the channel's settings."
	scopeHint   = "In portal.infobip.com open Developer Tools > API Keys > your key > Scopes."
	numberHint  = "In portal.infobip.com open Channels and Numbers > Channels > WhatsApp > Senders."
	keywordHint = "In portal.infobip.com open Channels and Numbers > Numbers > your sender > Keywords, add a keyword that is left blank, choose Forward to HTTP, method POST, format MO_OTT_CONTACT (WhatsApp) or MO_OTT_MSISDN (Viber), and paste the channel's inbound address."
	reportHint  = "In portal.infobip.com open Developer Tools > Subscriptions Management, subscribe this channel's address to delivery, seen, inbound and template events, and set its security to the user and password, or the secret, of the channel's settings."
)

// Check tests an account's credentials, its sender, and where Infobip sends
// what happens.
func (d *shared) Check(ctx context.Context, ch relay.Channel, at relay.Addresses) []relay.Finding {
	s, err := open(ch)
	if err != nil {
		return []relay.Finding{{Subject: "settings", State: relay.Trouble, Message: "The channel has no usable settings.", Hint: keyHint}}
	}
	findings, ok := d.checkKey(ctx, s)
	if !ok {
		return findings
	}
	if d.flavor == onWhatsApp {
		findings = append(findings, d.checkSender(ctx, s), checkPhone(s, ch))
	}
	return append(findings, d.checkInbound(ctx, s, at), checkReports(s, ch))
}

// checkKey makes a harmless call; ok says that others make sense after it.
func (d *shared) checkKey(ctx context.Context, s settings) (fs []relay.Finding, ok bool) {
	f := relay.Finding{Subject: "credentials", State: relay.Trouble, Hint: keyHint}
	r, err := d.call(ctx, s, http.MethodGet, d.logs+"?limit=1", nil)
	switch {
	case err != nil:
		f.Message = "Infobip could not be reached at the channel's base_url."
	case r.Status == http.StatusUnauthorized:
		f.Message = "Infobip does not accept the API key."
	case r.Status == http.StatusForbidden:
		f.State, f.Hint, ok = relay.Doubt, scopeHint, true
		f.Message = "Infobip knows the API key, but it may not read logs: what became of a message without an answer cannot be looked up. Add the scopes of " + d.name + "."
	case r.Status == http.StatusOK:
		f = relay.Finding{Subject: "credentials", State: relay.Well, Message: "Infobip accepts the API key."}
		ok = true
	default:
		f.Message = fmt.Sprintf("Infobip answered with status %d. The base_url may be that of another service.", r.Status)
	}
	return []relay.Finding{f}, ok
}

// quality is how Meta rates a sender.
type quality struct {
	Sender        text `json:"sender"`
	QualityRating text `json:"qualityRating"`
	Status        text `json:"status"`
	CurrentLimit  text `json:"currentLimit"`
}

func (d *shared) checkSender(ctx context.Context, s settings) relay.Finding {
	f := relay.Finding{Subject: "number", State: relay.Trouble, Hint: numberHint}
	r, err := d.call(ctx, s, http.MethodGet, "/whatsapp/1/senders/quality?senders="+url.QueryEscape(s.Sender), nil)
	if f, open := undecided(f, r, err); open {
		return f
	}
	var in struct {
		Results []quality `json:"results"`
		Senders []quality `json:"senders"`
	}
	if r.Status == http.StatusOK {
		if err := json.Unmarshal(r.Body, &in); err != nil {
			f.State, f.Message = relay.Doubt, "Infobip's answer about the sender cannot be read."
			return f
		}
	}
	for _, q := range append(in.Results, in.Senders...) {
		if !d.ours(s, q.Sender) {
			continue
		}
		f.Message = "The sender is " + strings.ToLower(word(string(q.Status))) + ", its quality " + strings.ToLower(word(string(q.QualityRating))) + "."
		switch {
		case !strings.EqualFold(string(q.Status), "CONNECTED") && q.Status != "":
			f.State = relay.Trouble
		case strings.EqualFold(string(q.QualityRating), "LOW") || strings.EqualFold(string(q.QualityRating), "RED"):
			f.State = relay.Doubt
		default:
			f.State, f.Hint = relay.Well, ""
		}
		return f
	}
	f.Message = "Your Infobip account has no WhatsApp sender with this number."
	return f
}

// undecided is a finding where a call tells nothing of its subject.
func undecided(f relay.Finding, r wire.Result, err error) (relay.Finding, bool) {
	var e *relay.SendError
	switch {
	case errors.As(err, &e):
		f.State, f.Message = relay.Doubt, "Infobip did not answer: "+e.Reason+"."
	case r.Status == http.StatusForbidden:
		f.State, f.Hint, f.Message = relay.Doubt, scopeHint, "The API key may not read this, so that it was not checked."
	case r.Status >= 300 && r.Status != http.StatusNotFound && r.Status != http.StatusBadRequest:
		f.State, f.Message = relay.Doubt, fmt.Sprintf("Infobip answered with status %d, so that it was not checked.", r.Status)
	default:
		return f, false
	}
	return f, true
}

// checkPhone compares the channel's number with its sender.
func checkPhone(s settings, ch relay.Channel) relay.Finding {
	if ch.Phone == "" || ch.Phone == "+"+s.Sender {
		return relay.Finding{Subject: "phone", State: relay.Well, Message: "The channel's number is its sender's."}
	}
	return relay.Finding{Subject: "phone", State: relay.Doubt, Message: "The channel's number is not that of its sender.", Hint: "Change one of them in the channel's settings."}
}

// configuration is where messages to a sender go.
type configuration struct {
	Keyword    *text `json:"keyword"`
	Forwarding *struct {
		Type   text `json:"type"`
		URL    text `json:"url"`
		Format text `json:"format"`
	} `json:"forwarding"`
}

// checkInbound looks for the configuration that forwards what people write:
// https://www.infobip.com/docs/api/platform/numbers
func (d *shared) checkInbound(ctx context.Context, s settings, at relay.Addresses) relay.Finding {
	f := relay.Finding{Subject: "callback", State: relay.Trouble, Hint: keywordHint}
	if s.guarded() {
		return relay.Finding{Subject: "callback", State: relay.Doubt, Hint: reportHint,
			Message: "Callbacks have to carry credentials, which only a subscription sends. Whether there is one cannot be looked up."}
	}
	q := url.Values{"channel": {d.resource}, d.named: {s.Sender}}
	r, err := d.call(ctx, s, http.MethodGet, "/resource-management/1/inbound-message-configurations?"+q.Encode(), nil)
	if f, open := undecided(f, r, err); open {
		return f
	}
	var configurations []configuration
	if r.Status == http.StatusOK {
		if err := json.Unmarshal(r.Body, &configurations); err != nil {
			f.State, f.Message = relay.Doubt, "Infobip's answer about forwarding cannot be read."
			return f
		}
	}
	f.Message = "Nothing that people write to this sender is forwarded to this channel's address."
	for _, c := range configurations {
		if c.Forwarding == nil || c.Keyword != nil && *c.Keyword != "" {
			continue
		}
		to := string(c.Forwarding.URL)
		switch format := string(c.Forwarding.Format); {
		case to != at.Inbound && !at.Reach(to):
			f.Message = "What people write to this sender is forwarded to another address."
		case format != "" && !strings.HasPrefix(format, "MO_OTT_"):
			f.Message = "What people write is forwarded in a format that this channel does not read."
		default:
			return relay.Finding{Subject: "callback", State: relay.Well, Message: "What people write is forwarded to this channel's address."}
		}
	}
	return f
}

// checkReports says how delivery reports come.
func checkReports(s settings, ch relay.Channel) relay.Finding {
	f := relay.Finding{Subject: "reports", State: relay.Well, Message: "Delivery reports are asked for with every message. Template updates need a subscription."}
	if s.guarded() {
		f = relay.Finding{Subject: "reports", State: relay.Doubt, Hint: reportHint,
			Message: "Delivery reports come through the subscription alone, as callbacks have to carry credentials."}
	}
	if !ch.CallbackAt.IsZero() {
		f.Message += " The latest callback came on " + ch.CallbackAt.UTC().Format("2 January 2006 at 15:04") + " UTC."
	}
	return f
}
