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
	if len(kept) > 0 {
		if err := json.Unmarshal(kept, &s); err != nil {
			return nil, fmt.Errorf("kept settings of a channel: %w", err)
		}
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(given, &values); err != nil {
		return nil, relay.RefuseField(relay.CodeInvalidField, "settings", "The settings are no JSON object.",
			`Write them as {"access_token": "…", "phone_number_id": "…", "app_secret": "…"}.`)
	}
	var faults []relay.FieldError
	for _, k := range allSettings {
		if f := k.read(values[k.name], k.of(&s)); f != nil {
			faults = append(faults, *f)
		}
	}
	faults = append(faults, unknownSettings(values)...)
	if len(faults) == 0 {
		faults = sameSettings(s)
	}
	if len(faults) > 0 {
		return nil, refuseSettings(faults)
	}
	return json.Marshal(s)
}

// read takes a given value into to, or says what is wrong with it.
func (k setting) read(raw json.RawMessage, to *string) *relay.FieldError {
	v, ok := settingText(raw)
	if !ok {
		return k.fault(relay.CodeInvalidField, fmt.Sprintf("The %s is not a text.", k.what))
	}
	v = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(v), "Bearer "))
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
	return &relay.FieldError{Field: "settings." + k.name, Code: code, Message: message, Hint: k.where}
}

// settingText is a JSON string, or the digits of a JSON number: people write
// ids without quotes.
func settingText(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", true
	}
	if idForm.Match(raw) {
		return string(raw), true
	}
	var v string
	err := json.Unmarshal(raw, &v)
	return v, err == nil
}

func unknownSettings(values map[string]json.RawMessage) (faults []relay.FieldError) {
	var names []string
	for _, k := range allSettings {
		names = append(names, k.name)
	}
	for name := range values {
		if !slices.Contains(names, name) {
			faults = append(faults, relay.FieldError{Field: "settings." + name, Code: relay.CodeInvalidField,
				Message: "Channels of kind meta have no such setting.", Hint: "They have " + strings.Join(names, ", ") + "."})
		}
	}
	slices.SortFunc(faults, func(a, b relay.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return faults
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

func refuseSettings(faults []relay.FieldError) *relay.Error {
	e := &relay.Error{Code: faults[0].Code, Message: faults[0].Message + " " + faults[0].Hint, Fields: faults}
	if n := len(faults); n > 1 {
		e.Message = fmt.Sprintf("%d settings have to be mended. %s", n, e.Message)
	}
	return e
}

// Show is the settings with both secrets shortened.
func (*Driver) Show(raw json.RawMessage) map[string]string {
	s, err := readSettings(raw)
	if err != nil {
		return nil
	}
	shown := map[string]string{}
	for _, k := range allSettings {
		v := *k.of(&s)
		if k.form != idForm {
			v = wire.Masked(v)
		}
		if v != "" {
			shown[k.name] = v
		}
	}
	return shown
}

// Account is the phone number ID, which Meta gives out once.
func (*Driver) Account(raw json.RawMessage) string {
	s, err := readSettings(raw)
	if err != nil {
		return ""
	}
	return s.PhoneNumberID
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
