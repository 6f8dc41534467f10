package meta

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// settings are a channel's, in the clear.
type settings struct {
	// AccessToken is a system user's, with both permissions of WhatsApp.
	AccessToken string `json:"access_token"`
	// PhoneNumberID names the number that sends; it is not the number.
	PhoneNumberID string `json:"phone_number_id"`
	// WABAID is the WhatsApp Business Account; templates need it.
	WABAID string `json:"waba_id,omitempty"`
	// AppSecret signs callbacks.
	AppSecret string `json:"app_secret"`
	// AppID is needed to hand in templates with a file in the header.
	AppID string `json:"app_id,omitempty"`
}

// setting is how one of them is read.
type setting struct {
	name, what string
	// where is the place in Meta's console.
	where    string
	required bool
	form     *regexp.Regexp
	is       string
	of       func(*settings) *string
}

var (
	idForm     = regexp.MustCompile(`^[0-9]{5,20}$`)
	tokenForm  = regexp.MustCompile(`^[!-~]{8,1000}$`)
	secretForm = regexp.MustCompile(`^[!-~]{8,128}$`)
)

const (
	isID     = "It is a number of 5 to 20 digits."
	isToken  = "It is one long word without spaces."
	isSecret = "It is one word without spaces, mostly of 32 letters and digits."
)

var allSettings = []setting{
	{"access_token", "access token", "Meta Business Suite > Settings > Users > System users: choose the user, Generate token, tick whatsapp_business_messaging and whatsapp_business_management.",
		true, tokenForm, isToken, func(s *settings) *string { return &s.AccessToken }},
	{"phone_number_id", "phone number ID", "developers.facebook.com/apps > your app > WhatsApp > API Setup > From: it is under the number. It is not the number itself.",
		true, idForm, isID, func(s *settings) *string { return &s.PhoneNumberID }},
	{"waba_id", "WhatsApp Business Account ID", "developers.facebook.com/apps > your app > WhatsApp > API Setup: it is beside the phone number ID.",
		false, idForm, isID, func(s *settings) *string { return &s.WABAID }},
	{"app_secret", "app secret", "developers.facebook.com/apps > your app > App settings > Basic > App secret > Show.",
		true, secretForm, isSecret, func(s *settings) *string { return &s.AppSecret }},
	{"app_id", "app ID", "developers.facebook.com/apps > your app > App settings > Basic > App ID.",
		false, idForm, isID, func(s *settings) *string { return &s.AppID }},
}

// Connect reads settings over those that are kept. An empty optional value
// takes it away; an empty or shortened secret leaves the one that is kept.
func (*Driver) Connect(given, kept json.RawMessage) (json.RawMessage, error) {
	var s settings
	var names []string
	for _, k := range allSettings {
		names = append(names, k.name)
	}
	values, faults, err := wire.Settings(given, kept, &s, names, `{"access_token": "…", "phone_number_id": "…", "app_secret": "…"}`)
	if err != nil {
		return nil, err
	}
	for _, k := range allSettings {
		if f := k.read(values[k.name], k.of(&s)); f != nil {
			faults = append(faults, *f)
		}
	}
	if len(faults) == 0 {
		faults = sameSettings(s)
	}
	if len(faults) > 0 {
		return nil, wire.RefuseSettings(faults)
	}
	return json.Marshal(s)
}

// read takes a given value into to, or says what is wrong with it.
func (k setting) read(raw json.RawMessage, to *string) *relay.FieldError {
	v, ok := wire.SettingText(raw)
	if !ok {
		return k.fault(relay.CodeInvalidField, fmt.Sprintf("The %s is not a text.", k.what))
	}
	v = strings.TrimSpace(strings.TrimPrefix(v, "Bearer "))
	switch {
	case strings.HasPrefix(v, "•"), v == "" && (k.required || len(raw) == 0 || string(raw) == "null"):
		if *to == "" && (k.required || v != "") {
			return k.fault(relay.CodeMissingField, fmt.Sprintf("The %s is missing.", k.what))
		}
		return nil
	case v != "" && !k.form.MatchString(v):
		return k.fault(relay.CodeInvalidField, fmt.Sprintf("This is no %s. %s", k.what, k.is))
	}
	*to = v
	return nil
}

func (k setting) fault(code relay.Code, message string) *relay.FieldError {
	return wire.SettingFault(k.name, code, message, k.where)
}

// sameSettings finds an id that was pasted into the field of another.
func sameSettings(s settings) []relay.FieldError {
	ids := []string{s.PhoneNumberID, s.WABAID, s.AppID}
	for i, k := range []int{1, 2, 4} {
		if i > 0 && ids[i] != "" && slices.Contains(ids[:i], ids[i]) {
			return []relay.FieldError{*allSettings[k].fault(relay.CodeInvalidField, fmt.Sprintf("The %s is the same as another ID above.", allSettings[k].what))}
		}
	}
	return nil
}

// Show is the settings with both secrets shortened.
func (*Driver) Show(raw json.RawMessage) map[string]string {
	return wire.ShownSettings(raw, "phone_number_id", "waba_id", "app_id")
}

// Account is the WhatsApp account, where it is known, with the phone number ID.
func (*Driver) Account(raw json.RawMessage) string {
	s, err := readSettings(raw)
	if err != nil {
		return ""
	}
	return s.WABAID + "/" + s.PhoneNumberID
}

func readSettings(raw json.RawMessage) (s settings, err error) {
	if err := json.Unmarshal(raw, &s); err != nil || s.AccessToken == "" || s.PhoneNumberID == "" || s.AppSecret == "" {
		return settings{}, errNoSettings
	}
	return s, nil
}

// errNoSettings goes into every use of a channel that was never connected. Its
// cause is left out: it could quote a secret.
var errNoSettings = &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed,
	Reason: "This channel's credentials are not complete. Give its access token, phone number ID and app secret, then resume it."}
