package vonage

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// Settings of a channel, in the clear.
type Settings struct {
	// APIKey and APISecret are the account's.
	APIKey    string `json:"api_key"`
	APISecret string `json:"api_secret"`
	// ApplicationID is the application that the number is linked to, a UUID in
	// small letters; PrivateKey is its key, as PEM.
	ApplicationID string `json:"application_id"`
	PrivateKey    string `json:"private_key"`
	// SignatureSecret is what Vonage signs callbacks with.
	SignatureSecret string `json:"signature_secret"`
	// From is the WhatsApp number in digits, without a +.
	From string `json:"from"`
	// WABAID and UserToken are for templates, which are kept at Meta; both may
	// be empty.
	WABAID    string `json:"waba_id,omitzero"`
	UserToken string `json:"user_token,omitzero"`
}

// setting is one field of the settings, as an owner gives it.
type setting struct {
	name     string
	at       func(*Settings) *string
	optional bool
	// read brings a value into the form that is kept, or says what is wrong
	// with it.
	read func(string) (value, fault string)
	hint string
}

// settings are all fields, in the order in which an owner meets them.
// The menu paths are those of the dashboard: https://dashboard.vonage.com
var settings = []setting{
	{name: "api_key", at: func(s *Settings) *string { return &s.APIKey },
		read: form(`^[0-9A-Za-z]{4,12}$`, "The API key is a short word of letters and digits, mostly eight; the API secret is longer."),
		hint: "In the Vonage dashboard: API Settings (dashboard.vonage.com/settings), field API key."},
	{name: "api_secret", at: func(s *Settings) *string { return &s.APISecret },
		read: form(`^[!-~]{8,128}$`, "The API secret has 8 characters or more and no spaces."),
		hint: "In the Vonage dashboard: API Settings, Account secret."},
	{name: "application_id", at: func(s *Settings) *string { return &s.ApplicationID }, read: readUUID,
		hint: "In the Vonage dashboard: Build > Applications > your application, field Application ID."},
	{name: "private_key", at: func(s *Settings) *string { return &s.PrivateKey }, read: readKey,
		hint: "In the Vonage dashboard: Build > Applications > your application > Edit > Generate public and private key, then Save. Paste the whole file private.key that is downloaded."},
	{name: "signature_secret", at: func(s *Settings) *string { return &s.SignatureSecret },
		read: form(`^[!-~]{8,256}$`, "The signature secret has 8 characters or more and no spaces."),
		hint: "In the Vonage dashboard: API Settings, Signed webhooks, field Signature secret. It is not the API secret."},
	{name: "from", at: func(s *Settings) *string { return &s.From }, read: readNumber,
		hint: "In the Vonage dashboard: Channels > External accounts, the number of your WhatsApp account, with its country code."},
	{name: "waba_id", at: func(s *Settings) *string { return &s.WABAID }, optional: true,
		read: form(`^[0-9]{5,32}$`, "The WABA ID is a number."),
		hint: "In Meta Business Suite: Settings > Accounts > WhatsApp accounts > your account, field ID."},
	{name: "user_token", at: func(s *Settings) *string { return &s.UserToken }, optional: true,
		read: form(`^[!-~]{20,1000}$`, "The user token is one long word without spaces."),
		hint: "In Meta Business Suite: Settings > Users > System users > Generate token, with the permission whatsapp_business_management."},
}

// Connect reads settings as an owner gave them, over those that are kept. An
// empty optional one is forgotten. It makes no call.
func (*Driver) Connect(given, kept json.RawMessage) (json.RawMessage, error) {
	var s Settings
	var names []string
	for _, f := range settings {
		names = append(names, f.name)
	}
	fields, faults, err := wire.Settings(given, kept, &s, names, `{"api_key": "…", "api_secret": "…"}`)
	if err != nil {
		return nil, err
	}
	for _, f := range settings {
		if fault := f.take(&s, fields[f.name]); fault != nil {
			faults = append(faults, *fault)
		}
	}
	if len(faults) > 0 {
		return nil, wire.RefuseSettings(faults)
	}
	return json.Marshal(s)
}

// take reads one field into s; what is not given stays.
func (f setting) take(s *Settings, raw json.RawMessage) *relay.FieldError {
	at := f.at(s)
	fault := func(code relay.Code, message string) *relay.FieldError {
		return wire.SettingFault(f.name, code, message, f.hint)
	}
	missing := func() *relay.FieldError {
		return fault(relay.CodeMissingField, "The setting "+f.name+" is missing.")
	}
	if raw == nil || bytes.Equal(raw, []byte("null")) {
		if *at == "" && !f.optional {
			return missing()
		}
		return nil
	}
	value, ok := wire.SettingText(raw)
	if !ok {
		return fault(relay.CodeInvalidField, "The setting "+f.name+" is not a text.")
	}
	if value == "" && !f.optional {
		return missing()
	}
	if value == "" {
		*at = ""
		return nil
	}
	value, wrong := f.read(value)
	if wrong != "" {
		return fault(relay.CodeInvalidField, wrong)
	}
	*at = value
	return nil
}

// form reads a value of a certain form as it is.
func form(pattern, otherwise string) func(string) (value, fault string) {
	re := regexp.MustCompile(pattern)
	return func(v string) (string, string) {
		if !re.MatchString(v) {
			return "", otherwise
		}
		return v, ""
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func readUUID(v string) (value, fault string) {
	if v = strings.ToLower(v); !uuidForm.MatchString(v) {
		return "", "The application ID is five groups of hexadecimal digits with hyphens between them."
	}
	return v, ""
}

// numberForm is a phone number as Vonage writes it: without a + or 00.
// https://developer.vonage.com/en/concepts/guides/glossary#e-164-format
var numberForm = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

func readNumber(v string) (value, fault string) {
	v = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(v)
	v = strings.TrimPrefix(strings.TrimPrefix(v, "+"), "00")
	if !numberForm.MatchString(v) {
		return "", "The number has 7 to 15 digits and begins with its country code."
	}
	return v, ""
}

// keyForm finds the key in what was pasted, also where its lines were joined.
var keyForm = regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]+)-----(.*?)-----END ([A-Z ]+)-----`)

// readKey brings a private key into PEM with real line ends. Forms and
// environments often join its lines, or write \n between them.
func readKey(v string) (value, fault string) {
	v = strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(v)
	m := keyForm.FindStringSubmatch(v)
	switch {
	case m == nil:
		return "", "The private key is not whole: it begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----."
	case strings.Contains(m[1], "PUBLIC"):
		return "", "This is the public key; the private one is needed."
	case strings.Contains(m[1], "ENCRYPTED"), strings.Contains(m[2], "ENCRYPTED"):
		return "", "The private key is locked with a password; one without is needed."
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m[2]), ""))
	if err != nil {
		return "", "The private key is damaged: a part of it is missing or was changed."
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: m[1], Bytes: der}))
	_, fault = parseKey(text)
	return text, fault
}

// minKeyBits is the shortest key that signs: https://pkg.go.dev/crypto/rsa
// refuses shorter ones for RS256. Vonage makes them with 2048 bits.
const minKeyBits = 1024

// parseKey reads an RSA key in either of the two forms that Vonage's tools
// write, PKCS #8 and PKCS #1.
func parseKey(text string) (key *rsa.PrivateKey, fault string) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, "The private key is not whole."
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		other, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, "The private key is damaged: a part of it is missing or was changed."
		}
		var ok bool
		if key, ok = other.(*rsa.PrivateKey); !ok {
			return nil, "The private key is not an RSA key."
		}
	}
	if key.N.BitLen() < minKeyBits {
		return nil, "The private key is too short to sign with."
	}
	return key, ""
}

// Show is settings as their owner sees them again, secrets shortened.
func (*Driver) Show(kept json.RawMessage) map[string]string {
	shown := wire.ShownSettings(kept, "api_key", "application_id", "from", "waba_id")
	if shown["private_key"] != "" { // its end is the same in all keys
		shown["private_key"] = "••••"
	}
	return shown
}

// Account is the API key with the number.
func (*Driver) Account(kept json.RawMessage) string {
	var s Settings
	if err := json.Unmarshal(kept, &s); err != nil || s.APIKey == "" {
		return ""
	}
	return s.APIKey + "/" + s.From
}

// settingsOf reads a channel's settings. Its error is a fault of the channel.
func settingsOf(ch relay.Channel) (Settings, error) {
	var s Settings
	if err := json.Unmarshal(ch.Settings, &s); err != nil || s.APIKey == "" || s.ApplicationID == "" || s.From == "" {
		return s, &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed,
			Reason: "The settings of this channel are not whole. Save them again.", Err: errors.New("vonage: settings cannot be read")}
	}
	return s, nil
}
