package twilio

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Settings are what a channel needs of its owner's Twilio account. Calls are
// made with the API key where there is one, else with the auth token.
// https://www.twilio.com/docs/iam/api-keys
type Settings struct {
	// AccountSID is AC and 32 hexadecimal digits.
	AccountSID string `json:"account_sid"`
	// AuthToken is the account's primary token: what callbacks are signed with,
	// whatever calls are made with.
	AuthToken string `json:"auth_token,omitzero"`
	// SecondaryAuthToken is accepted on callbacks too, so that a rotation loses
	// none: enter it before it is promoted.
	SecondaryAuthToken string `json:"secondary_auth_token,omitzero"`
	// APIKey is SK and 32 hexadecimal digits, APISecret what Twilio showed once
	// with it.
	APIKey    string `json:"api_key,omitzero"`
	APISecret string `json:"api_secret,omitzero"`
	// From is the sender's number, + and digits.
	From string `json:"from,omitzero"`
	// MessagingServiceSID is MG and 32 hexadecimal digits: a pool of senders.
	MessagingServiceSID string `json:"messaging_service_sid,omitzero"`
}

// login is the user and password of API calls.
func (s Settings) login() (user, password string) {
	if s.APIKey != "" {
		return s.APIKey, s.APISecret
	}
	return s.AccountSID, s.AuthToken
}

func settingsOf(ch relay.Channel) (Settings, error) {
	var s Settings
	if err := json.Unmarshal(ch.Settings, &s); err != nil || s.AccountSID == "" {
		return s, &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed,
			Reason: "The channel has no Twilio settings that can be read. Enter them again."}
	}
	return s, nil
}

// field is one setting: how to reach it, what it must look like, and where its
// owner finds it.
type field struct {
	name   string
	of     func(*Settings) *string
	form   *regexp.Regexp
	wants  string
	find   string
	secret bool
}

const (
	inKeys    = "Twilio Console > Admin > Account management > Keys & credentials > API keys & tokens"
	inSenders = "Twilio Console > Messaging > Senders > WhatsApp senders; the sandbox's number is under Messaging > Try it out > Send a WhatsApp message"
)

// fields in the order in which a console asks for them.
// Forms of SIDs: https://www.twilio.com/docs/glossary/what-is-a-sid
var fields = []field{
	{"account_sid", func(s *Settings) *string { return &s.AccountSID }, sid("AC"), "AC and 32 hexadecimal digits", "Twilio Console > Account Dashboard > Account Info > Account SID", false},
	{"auth_token", func(s *Settings) *string { return &s.AuthToken }, regexp.MustCompile(`^[0-9a-fA-F]{32}$`), "32 hexadecimal digits", "Twilio Console > Account Dashboard > Account Info > Auth Token > Show", true},
	{"secondary_auth_token", func(s *Settings) *string { return &s.SecondaryAuthToken }, regexp.MustCompile(`^[0-9a-fA-F]{32}$`), "32 hexadecimal digits", inKeys + " > Secondary auth token", true},
	{"api_key", func(s *Settings) *string { return &s.APIKey }, sid("SK"), "SK and 32 hexadecimal digits", inKeys + " > Create API key (Standard)", false},
	{"api_secret", func(s *Settings) *string { return &s.APISecret }, regexp.MustCompile(`^[!-~]{16,128}$`), "the 32 characters shown once with the API key", inKeys + " > Create API key; the secret of an old key is not shown again, so make a new one", true},
	{"from", func(s *Settings) *string { return &s.From }, regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`), "the sender's number in international form, such as +14155238886", inSenders, false},
	{"messaging_service_sid", func(s *Settings) *string { return &s.MessagingServiceSID }, sid("MG"), "MG and 32 hexadecimal digits", "Twilio Console > Messaging > Services > your service > Messaging Service SID", false},
}

func sid(prefix string) *regexp.Regexp {
	return regexp.MustCompile(`^` + prefix + `[0-9a-fA-F]{32}$`)
}

// Connect reads settings as an owner gave them over those that are kept. What
// is not given or empty stays as it was; null removes it.
func (*Driver) Connect(given, kept json.RawMessage) (json.RawMessage, error) {
	var s Settings
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	values, faults, err := wire.Settings(given, kept, &s, names, `{"account_sid": "AC…", "auth_token": "…", "from": "+14155238886"}`)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		v, ok := values[f.name]
		if !ok {
			continue
		}
		if fault := f.read(&s, v); fault != nil {
			faults = append(faults, *fault)
		}
	}
	faults = append(faults, missing(s, faults)...)
	if len(faults) > 0 {
		return nil, refusal(faults)
	}
	return json.Marshal(s)
}

// read takes one value, or says what is wrong with it.
func (f field) read(s *Settings, v json.RawMessage) *relay.FieldError {
	var given *string
	if err := json.Unmarshal(v, &given); err != nil {
		return f.fault("It is not a string.")
	}
	if given == nil {
		*f.of(s) = ""
		return nil
	}
	value := strings.TrimSpace(*given)
	if value == "" {
		return nil
	}
	if f.name == "from" {
		value = number(value)
	}
	if !f.form.MatchString(value) {
		return f.fault(f.looksLike(value))
	}
	*f.of(s) = value
	return nil
}

func (f field) fault(message string) *relay.FieldError {
	return wire.SettingFault(f.name, relay.CodeInvalidField, message, "It is "+f.wants+". Find it in "+f.find+".")
}

// looksLike says what the value is, where it belongs into another field.
func (f field) looksLike(value string) string {
	for _, other := range fields {
		if len(value) == 34 && other.name != f.name && other.form.MatchString(value) && !other.secret {
			return "This looks like the value of " + other.name + "."
		}
	}
	return "This has not the form of one."
}

// number is a sender's number as + and digits, whatever prefix, spaces and
// marks it was written with.
func number(s string) string {
	s = strings.TrimPrefix(strings.ToLower(s), "whatsapp:")
	s = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "\u00a0", "").Replace(s)
	return "+" + strings.TrimPrefix(s, "+")
}

// missing says what is needed and was not given, once for each field.
func missing(s Settings, already []relay.FieldError) (faults []relay.FieldError) {
	need := func(name, message string) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if slices.ContainsFunc(already, func(e relay.FieldError) bool { return e.Field == "settings."+name }) {
			return
		}
		f := fields[i].fault(message)
		f.Code = relay.CodeMissingField
		faults = append(faults, *f)
	}
	if s.AccountSID == "" {
		need("account_sid", "The account SID is missing.")
	}
	switch {
	case s.APIKey != "" && s.APISecret == "":
		need("api_secret", "The API key has no secret.")
	case s.APIKey == "" && s.APISecret != "":
		need("api_key", "The API secret has no key.")
	case s.APIKey == "" && s.AuthToken == "":
		need("auth_token", "There is neither an auth token nor an API key.")
	}
	if s.From == "" && s.MessagingServiceSID == "" {
		need("from", "There is neither a sender's number nor a messaging service.")
	}
	return faults
}

func refusal(faults []relay.FieldError) *relay.Error {
	var said []string
	for _, f := range faults {
		said = append(said, f.Field+": "+f.Message+" "+f.Hint)
	}
	return &relay.Error{Code: faults[0].Code, Message: strings.Join(said, " "), Fields: faults}
}

// Show is the settings as their owner sees them again.
func (*Driver) Show(settings json.RawMessage) map[string]string {
	return wire.ShownSettings(settings, "account_sid", "api_key", "from", "messaging_service_sid")
}

// Account is the account's SID with the sender: its number, or its messaging
// service.
func (*Driver) Account(settings json.RawMessage) string {
	var s Settings
	if err := json.Unmarshal(settings, &s); err != nil {
		return ""
	}
	if s.From != "" {
		return s.AccountSID + "/" + s.From
	}
	return s.AccountSID + "/" + s.MessagingServiceSID
}
