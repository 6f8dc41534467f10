package infobip

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"relevo/relay"
	"relevo/relay/driver/wire"
)

// settings are a channel's, in the clear.
type settings struct {
	// BaseURL is https:// and a host, without a slash at its end.
	BaseURL string `json:"base_url"`
	APIKey  string `json:"api_key"`
	// Sender is digits for WhatsApp, a name for Viber.
	Sender string `json:"sender"`
	// Callbacks carry a user and a password, or a signature, or neither.
	CallbackUser     string `json:"callback_user,omitzero"`
	CallbackPassword string `json:"callback_password,omitzero"`
	CallbackSecret   string `json:"callback_secret,omitzero"`
	// CallbackHeader holds the signature; empty: one of signatureHeaders.
	CallbackHeader string `json:"callback_header,omitzero"`
	// FilesAs is link or native, for Viber alone.
	FilesAs string `json:"files_as,omitzero"`
}

// guarded reports whether callbacks carry more than the unguessable address.
func (s settings) guarded() bool { return s.CallbackUser != "" || s.CallbackSecret != "" }

// setting is one field as an owner gives it.
type setting struct {
	name     string
	at       func(*settings) *string
	required bool
	// read normalizes a value, or says in a sentence what is wrong with it.
	read func(string) (value, wrong string)
	hint string
}

func (d *shared) fields() []setting {
	fs := []setting{
		{name: "base_url", at: func(s *settings) *string { return &s.BaseURL }, required: true, read: readBase,
			hint: "Log in to portal.infobip.com and open Developer Tools > API Keys: the API base URL stands there, like https://xxxxx.api.infobip.com."},
		{name: "api_key", at: func(s *settings) *string { return &s.APIKey }, required: true, read: readKey,
			hint: "Make one in portal.infobip.com under Developer Tools > API Keys > Create API key, with scopes for messages, inbound messages and WhatsApp management."},
		{name: "sender", at: func(s *settings) *string { return &s.Sender }, required: true, read: readNumber,
			hint: "It is in portal.infobip.com under Channels and Numbers > Channels > WhatsApp > Senders, like 441134960000."},
		{name: "callback_user", at: func(s *settings) *string { return &s.CallbackUser }, read: readUser, hint: subscriptionHint},
		{name: "callback_password", at: func(s *settings) *string { return &s.CallbackPassword }, read: readLine, hint: subscriptionHint},
		{name: "callback_secret", at: func(s *settings) *string { return &s.CallbackSecret }, read: readLine, hint: subscriptionHint},
		{name: "callback_header", at: func(s *settings) *string { return &s.CallbackHeader }, read: readHeader, hint: subscriptionHint},
	}
	if d.flavor == onViber {
		fs[2].read, fs[2].hint = readName, "It is in portal.infobip.com under Channels and Numbers > Channels > Viber Business Messages > Senders: a name such as CompanyName."
		fs = append(fs, setting{name: "files_as", at: func(s *settings) *string { return &s.FilesAs }, read: readFilesAs,
			hint: "Write link to send a file's address in the text, or native to send pictures and documents as such."})
	}
	return fs
}

const subscriptionHint = "Set the same in portal.infobip.com under Developer Tools > Subscriptions Management > your subscription > Security. Leave it out where the webhook has none."

// Connect reads settings over those that are kept. A null or an empty text
// takes an optional one away. Its error is a *relay.Error with every fault.
func (d *shared) Connect(given, kept json.RawMessage) (json.RawMessage, error) {
	var s settings
	in, faults, err := wire.Settings(given, kept, &s, d.names(), `{"base_url": "…", "api_key": "…", "sender": "…"}`)
	if err != nil {
		return nil, err
	}
	add := func(code relay.Code, name, message, hint string) {
		faults = append(faults, *wire.SettingFault(name, code, message, hint))
	}
	for _, f := range d.fields() {
		if raw, ok := in[f.name]; ok {
			value, ok := wire.SettingText(raw)
			wrong := ""
			switch {
			case !ok:
				wrong = "is not a text."
			case value != "":
				value, wrong = f.read(value)
			}
			if wrong != "" {
				add(relay.CodeInvalidField, f.name, f.name+" "+wrong, f.hint)
				continue
			}
			*f.at(&s) = value
		}
		if f.required && *f.at(&s) == "" {
			add(relay.CodeMissingField, f.name, f.name+" is missing.", f.hint)
		}
	}
	if (s.CallbackUser == "") != (s.CallbackPassword == "") {
		add(relay.CodeInvalidField, "callback_password", "callback_user and callback_password go together.", subscriptionHint)
	}
	if s.CallbackUser != "" && s.CallbackSecret != "" {
		add(relay.CodeInvalidField, "callback_secret", "A webhook has either a user and a password or a signature.", subscriptionHint)
	}
	if s.CallbackHeader != "" && s.CallbackSecret == "" {
		add(relay.CodeInvalidField, "callback_header", "callback_header needs a callback_secret.", subscriptionHint)
	}
	if len(faults) > 0 {
		return nil, wire.RefuseSettings(faults)
	}
	if d.flavor == onViber && s.FilesAs == "" {
		s.FilesAs = asLink
	}
	return json.Marshal(s)
}

func (d *shared) names() (names []string) {
	for _, f := range d.fields() {
		names = append(names, f.name)
	}
	return names
}

// Show is settings as their owner sees them again.
func (d *shared) Show(raw json.RawMessage) map[string]string {
	return wire.ShownSettings(raw, "base_url", "sender", "callback_user", "callback_header", "files_as")
}

// Account is the host of an account's API and its sender.
func (d *shared) Account(raw json.RawMessage) string {
	var s settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return ""
	}
	return strings.TrimPrefix(s.BaseURL, "https://") + "/" + s.Sender
}

func readBase(v string) (value, wrong string) {
	if !strings.Contains(v, "://") {
		v = "https://" + v
	}
	u, err := url.Parse(v)
	switch {
	case err != nil:
		return "", "is not an address."
	case u.Scheme != "https":
		return "", "begins with something other than https://."
	case u.User != nil:
		return "", "holds a user name or a password."
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return "", "holds more than a host."
	case !hostForm.MatchString(u.Hostname()) || !portOf(u):
		return "", "holds no usable host."
	}
	return "https://" + strings.ToLower(u.Host), ""
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)

// portOf reports whether an address has a sound port, or none.
func portOf(u *url.URL) bool {
	p := u.Port()
	if p == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(p, 10, 16)
	return err == nil && n > 0
}

func readKey(v string) (value, wrong string) {
	if len(v) > 4 && strings.EqualFold(v[:4], "App ") {
		v = strings.TrimSpace(v[4:])
	}
	if len(v) < 16 || len(v) > 512 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "does not look like an API key."
	}
	return v, ""
}

func readNumber(v string) (value, wrong string) {
	v = strings.TrimPrefix(strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(v), "+")
	v = strings.TrimPrefix(v, "00")
	if len(v) < 5 || len(v) > 15 || strings.Trim(v, "0123456789") != "" {
		return "", "is not a phone number in international form."
	}
	return v, ""
}

// readName takes a Viber sender: 2 to 20 characters, as the API says.
// https://www.infobip.com/docs/api/channels/viber
func readName(v string) (value, wrong string) {
	if n := utf8.RuneCountInString(v); n < 2 || n > 20 || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", "is not a sender's name of 2 to 20 characters."
	}
	return v, ""
}

func readUser(v string) (value, wrong string) {
	if strings.Contains(v, ":") {
		return "", "holds a colon."
	}
	return readLine(v)
}

func readLine(v string) (value, wrong string) {
	if len(v) > 512 || strings.ContainsFunc(v, unicode.IsControl) {
		return "", "is too long or holds characters that cannot be sent."
	}
	return v, ""
}

var headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

func readHeader(v string) (value, wrong string) {
	if !headerForm.MatchString(v) {
		return "", "is not the name of a header."
	}
	return http.CanonicalHeaderKey(v), ""
}

// How a Viber channel sends files.
const (
	asLink   = "link"
	asNative = "native"
)

func readFilesAs(v string) (value, wrong string) {
	if v != asLink && v != asNative {
		return "", "is neither link nor native."
	}
	return v, ""
}
