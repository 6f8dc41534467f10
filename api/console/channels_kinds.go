package console

import (
	"slices"

	"relevo/relay"
)

// channelKind is a kind of channel as the wizard asks for it: what to get
// where, in the order of doing it. Its texts are steps.<texts>_<step> and
// steps.<texts>_<step>_text, kinds.<texts> and fieldhints.<texts>_<field>.
type channelKind struct {
	Kind, Texts, Name string
	// Phone: channels of it have a number.
	Phone bool
	// From is the setting that is the channel's number; empty for none.
	From  string
	Steps []channelStep
	Back  channelBack
	// Reset is what takes an optional setting away: null or an empty text.
	Reset any
}

// channelStep is one thing to do at the provider. At is the menu path there,
// in English, as the provider writes it; Link is where it begins.
type channelStep struct {
	Name, At, Link string
	Fields         []channelField
}

// channelField is one setting.
type channelField struct {
	Name string
	// Secret ones are never shown again; Long ones have many lines.
	Secret, Required, Long bool
	// Example is shown where the field is empty, Options are all that may be
	// chosen.
	Example string
	Options []string
}

// channelBack is how the provider is told where to call.
type channelBack struct {
	At, Link string
	// Callback, Verify, Inbound and Status are the addresses that it asks for.
	Callback, Verify, Inbound, Status bool
	// Suffix goes behind the inbound address.
	Suffix string
	// Subscribe are the fields to tick, in the provider's own words.
	Subscribe []string
}

const (
	metaApps     = "https://developers.facebook.com/apps"
	metaBusiness = "https://business.facebook.com/settings"
	twilioHome   = "https://console.twilio.com"
	vonageHome   = "https://dashboard.vonage.com"
	infobipHome  = "https://portal.infobip.com"
)

// sandboxKind needs no account.
var sandboxKind = channelKind{Kind: "sandbox", Texts: "sandbox", Name: "Sandbox", Phone: true}

// channelKinds in the order of the page where one is chosen. Menu paths are
// those of the drivers' README.md.
var channelKinds = []channelKind{
	sandboxKind,
	{Kind: "meta", Texts: "meta", Name: "Meta (WhatsApp Cloud API)", Phone: true, Reset: "", Steps: []channelStep{
		{Name: "token", At: "business.facebook.com > Settings > Users > System users > Generate token", Link: metaBusiness, Fields: []channelField{{Name: "access_token", Secret: true, Required: true, Example: "EAAG…"}}},
		{Name: "ids", At: "developers.facebook.com/apps > your app > WhatsApp > API Setup > From", Link: metaApps, Fields: []channelField{{Name: "phone_number_id", Required: true, Example: "106540352242922"}, {Name: "waba_id", Example: "102290129340398"}}},
		{Name: "secret", At: "developers.facebook.com/apps > your app > App settings > Basic", Link: metaApps, Fields: []channelField{{Name: "app_secret", Secret: true, Required: true}, {Name: "app_id", Example: "670843887433847"}}},
	}, Back: channelBack{At: "developers.facebook.com/apps > your app > WhatsApp > Configuration > Webhook > Edit", Link: metaApps, Callback: true, Verify: true,
		Subscribe: []string{"messages", "message_template_status_update", "template_category_update", "account_update"}}},
	{Kind: "twilio", Texts: "twilio", Name: "Twilio (WhatsApp)", Phone: true, From: "from", Steps: []channelStep{
		{Name: "account", At: "console.twilio.com > Account Dashboard > Account Info", Link: twilioHome, Fields: []channelField{{Name: "account_sid", Required: true, Example: "AC…"}, {Name: "auth_token", Secret: true, Required: true}}},
		{Name: "key", At: "Admin > Account management > Keys & credentials > API keys & tokens > Create API key (Standard)", Link: twilioHome, Fields: []channelField{{Name: "api_key", Example: "SK…"}, {Name: "api_secret", Secret: true}, {Name: "secondary_auth_token", Secret: true}}},
		{Name: "sender", At: "Messaging > Senders > WhatsApp senders", Link: twilioHome, Fields: []channelField{{Name: "messaging_service_sid", Example: "MG…"}}},
	}, Back: channelBack{At: "Messaging > Senders > WhatsApp senders > your number > Webhook URL for incoming messages", Link: twilioHome, Inbound: true, Status: true, Suffix: "#rc=5&rp=all"}},
	{Kind: "vonage", Texts: "vonage", Name: "Vonage (WhatsApp)", Phone: true, From: "from", Reset: "", Steps: []channelStep{
		{Name: "key", At: "dashboard.vonage.com > API Settings", Link: vonageHome, Fields: []channelField{{Name: "api_key", Required: true, Example: "a1b2c3d4"}, {Name: "api_secret", Secret: true, Required: true}, {Name: "signature_secret", Secret: true, Required: true}}},
		{Name: "app", At: "Build > Applications > Create a new application > Generate public and private key", Link: vonageHome, Fields: []channelField{{Name: "application_id", Required: true, Example: "78d335fa-323d-4114-9c3d-d6f0d48968cf"}, {Name: "private_key", Secret: true, Required: true, Long: true}}},
		{Name: "link", At: "Build > Applications > your application > Link social channels > Link", Link: vonageHome},
		{Name: "templates", At: "Meta Business Suite > Settings > Users > System users > Generate token", Link: metaBusiness, Fields: []channelField{{Name: "waba_id", Example: "102290129340398"}, {Name: "user_token", Secret: true}}},
	}, Back: channelBack{At: "Build > Applications > your application > Edit > Capabilities > Messages", Link: vonageHome, Inbound: true, Status: true}},
	infobipKind(channelKind{Kind: "infobip_whatsapp", Name: "Infobip (WhatsApp)", Phone: true, From: "sender"}, channelStep{Name: "sender", At: "Channels and Numbers > Channels > WhatsApp > Senders", Link: infobipHome}),
	infobipKind(channelKind{Kind: "infobip_viber", Name: "Infobip (Viber)"}, channelStep{Name: "viber", At: "Channels and Numbers > Channels > Viber Business Messages > Senders", Link: infobipHome,
		Fields: []channelField{{Name: "sender", Required: true, Example: "CompanyName"}, {Name: "files_as", Options: []string{"link", "native"}}}}),
}

// infobipKind is one of the two that are alike but for their senders.
func infobipKind(k channelKind, sender channelStep) channelKind {
	k.Texts = "infobip"
	k.Steps = []channelStep{
		{Name: "key", At: "portal.infobip.com > Developer Tools > API Keys > Create API key", Link: infobipHome, Fields: []channelField{{Name: "base_url", Required: true, Example: "https://xxxxx.api.infobip.com"}, {Name: "api_key", Secret: true, Required: true}}},
		sender,
		{Name: "guard", At: "Developer Tools > Subscriptions Management > your subscription > Security", Link: infobipHome, Fields: []channelField{
			{Name: "callback_user"}, {Name: "callback_password", Secret: true}, {Name: "callback_secret", Secret: true}, {Name: "callback_header"}}},
	}
	k.Back = channelBack{At: "Channels and Numbers > Numbers > your sender > Keywords", Link: infobipHome, Inbound: true, Status: true}
	return k
}

// kindOf is a kind by its name; ok is false where the console knows no steps
// for it, or the server has no such driver.
func (c *Console) kindOf(name string) (k channelKind, ok bool) {
	i := slices.IndexFunc(channelKinds, func(k channelKind) bool { return k.Kind == name })
	if i < 0 {
		return channelKind{Kind: name, Name: name, Phone: true}, false
	}
	_, ok = c.Relay.Drivers[name]
	return channelKinds[i], ok
}

// kinds are those that the server has, without the sandbox.
func (c *Console) kinds() (list []channelKind) {
	for _, k := range channelKinds[1:] {
		if _, ok := c.Relay.Drivers[k.Kind]; ok {
			list = append(list, k)
		}
	}
	return list
}

// Fields are all settings of a kind, in their order.
func (k channelKind) Fields() (all []channelField) {
	for _, s := range k.Steps {
		all = append(all, s.Fields...)
	}
	return all
}

// Connects reports whether channels of the kind have settings.
func (k channelKind) Connects() bool { return len(k.Steps) > 0 }

func hasTemplates(r *relay.Relay, c relay.Channel) bool {
	_, ok := r.Drivers[c.Kind].(relay.Templater)
	return ok
}

func hasCheck(r *relay.Relay, c relay.Channel) bool {
	_, ok := r.Drivers[c.Kind].(relay.Checker)
	return ok
}
