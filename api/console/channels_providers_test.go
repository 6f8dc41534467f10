package console_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"relevo/api"
	"relevo/relay"
	"relevo/relay/driver/infobip"
	"relevo/relay/driver/infobip/infobiptest"
	"relevo/relay/driver/twilio"
	"relevo/relay/driver/twilio/twiliotest"
	"relevo/relay/driver/vonage"
	"relevo/relay/driver/vonage/vonagetest"
)

const infobipKey = "0123456789abcdef0123456789abcdef-11111111"

// providerHouse has the other pretend providers, and for each kind what its
// owner fills in.
func providerHouse(t *testing.T) (*house, map[string]url.Values) {
	t.Helper()
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	v := vonagetest.New(vonagetest.Options{Number: "447700900001"})
	at := map[string]string{"twilio": serve(twiliotest.New(twiliotest.Options{From: "+15005550006"})), "vonage": serve(v),
		"infobip": serve(infobiptest.New(infobiptest.Options{Key: infobipKey, Sender: "441134960000", ViberSender: "CompanyName"}))}
	h := newHouse(t, func(_ *api.Config, drivers map[string]relay.Driver) {
		drivers["twilio"] = twilio.New(twilio.Options{Base: at["twilio"]})
		drivers["vonage"] = vonage.New(vonage.Options{Base: at["vonage"], MetaBase: at["vonage"] + vonagetest.MetaPath})
		drivers["infobip_whatsapp"] = infobip.New(infobip.Options{Base: at["infobip"]})
		drivers["infobip_viber"] = infobip.NewViber(infobip.Options{Base: at["infobip"]})
	})
	h.relay.Set.PublicURL = "https://relay.example"
	forms := map[string]url.Values{
		"twilio":           {"phone": {"+1 500 555 0006"}, "settings.account_sid": {twiliotest.AccountSID}, "settings.auth_token": {twiliotest.AuthToken}},
		"vonage":           {"phone": {"+44 7700 900001"}},
		"infobip_whatsapp": {"phone": {"+441134960000"}, "settings.base_url": {"xxxxx.api.infobip.com"}, "settings.api_key": {infobipKey}},
		"infobip_viber":    {"settings.base_url": {"https://xxxxx.api.infobip.com"}, "settings.api_key": {infobipKey}, "settings.sender": {"CompanyName"}, "settings.files_as": {"native"}},
	}
	var settings map[string]string
	if err := json.Unmarshal(v.Settings(), &settings); err != nil {
		t.Fatal(err)
	}
	delete(settings, "from")
	for name, value := range settings {
		forms["vonage"].Set("settings."+name, value)
	}
	return h, forms
}

func TestEveryProviderIsConnectedByItsOwnSteps(t *testing.T) {
	h, forms := providerHouse(t)
	b := h.operator()
	b.get(h.path("channels", "new")).is(200).has("Twilio (WhatsApp)", "Vonage (WhatsApp)", "Infobip (WhatsApp)", "Infobip (Viber)").hasNot("new/meta")
	for kind, want := range map[string][2]string{
		"twilio": {"Account SID and Auth Token", "/inbound#rc=5&rp=all"}, "vonage": {"Generate public and private key", "as Inbound URL and the second as Status URL"},
		"infobip_whatsapp": {"Channels > WhatsApp > Senders", "MO_OTT_CONTACT"}, "infobip_viber": {"Viber Business Messages > Senders", "MO_OTT_MSISDN"},
	} {
		b.get(h.path("channels", "new", kind)).is(200).has(want[0])
		b.post(h.path("channels", "new", kind), url.Values{}).is(422).has("This is missing.")
		made := b.post(h.path("channels", "new", kind), forms[kind]).is(200).has("is connected.", "URL for incoming messages", want[1])
		list, err := h.relay.Channels(t.Context(), h.ws.ID)
		if err != nil || list[0].Kind != kind {
			t.Fatalf("%s was not made: %v: %s", kind, err, made.text())
		}
		checked := b.post(h.path("channels", list[0].ID, "check"), url.Values{}).is(200)
		if s := checked.text(); !strings.Contains(s, "In order credentials") && !strings.Contains(s, "In order callback signature") {
			t.Errorf("%s: the credentials are not taken: %s", kind, s)
		}
		b.get(h.path("channels", list[0].ID, "edit")).is(200).has("Credentials").hasNot(infobipKey, `"`+twiliotest.AuthToken, "PRIVATE KEY-----")
	}
}

func TestANumberIsTheSendersToo(t *testing.T) {
	h, forms := providerHouse(t)
	b := h.operator()
	b.post(h.path("channels", "new", "twilio"), forms["twilio"]).is(200)
	list, _ := h.relay.Channels(t.Context(), h.ws.ID)
	ch := list[0]
	edit := url.Values{"name": {"T"}, "phone": {"+15005550007"}, "spacing_min": {"1"}, "spacing_max": {"2"}, "concurrency": {"1"}, "max_file": {"2"}, "files_out": {"1"}, "files_in": {"1"}}
	b.post(h.path("channels", ch.ID, "edit"), edit).is(200).has("+15005550007")
	shown := must(h.relay.ShownSettings(must(h.relay.Channel(t.Context(), h.ws.ID, ch.ID))))
	if shown["from"] != "+15005550007" {
		t.Errorf("the sender is %q", shown["from"])
	}
	form := url.Values{"settings.account_sid": {twiliotest.AccountSID}, "settings.api_key": {"SK0123456789abcdef0123456789abcdef"}, "settings.api_secret": {strings.Repeat("s", 32)}}
	b.post(h.path("channels", ch.ID, "credentials"), form).is(200)
	form.Del("settings.api_secret")
	form.Set("settings.api_key", "")
	form.Set("remove.api_secret", "1")
	b.post(h.path("channels", ch.ID, "credentials"), form).is(200)
	shown = must(h.relay.ShownSettings(must(h.relay.Channel(t.Context(), h.ws.ID, ch.ID))))
	if shown["api_key"]+shown["api_secret"] != "" || shown["auth_token"] == "" {
		t.Errorf("kept: %v", shown)
	}
	form.Set("settings.account_sid", "SK0123456789abcdef0123456789abcdef")
	if got := b.post(h.path("channels", ch.ID, "credentials"), form).is(422).wrongAt("settings.account_sid"); !strings.Contains(got, "looks like") || strings.Contains(got, "api_key") {
		t.Errorf("a value in another's place: %q", got)
	}
}
