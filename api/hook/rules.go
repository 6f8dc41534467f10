package hook

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"

	"relevo/relay"
)

// farthest is how far ahead a message may be scheduled.
const farthest = 365 * 24 * time.Hour

// maxURL bounds file_url, in bytes. It is what old browsers and many proxies
// carry: https://www.sitemaps.org/protocol.html
const maxURL = 2048

// newRules prepares the rules of a call: the tags of its fields, and those of
// several fields together.
func newRules() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("field") })
	for tag, valid := range map[string]func(string) bool{
		"phone":             plainPhone,
		"jid":               validJID,
		"chat_id":           validChatID,
		"file_url":          func(s string) bool { return urlFault(s) == "" },
		"template_name":     relay.ValidTemplateName,
		"template_language": relay.ValidLanguage,
		"printable":         printableASCII,
		"no_nul":            func(s string) bool { return strings.IndexByte(s, 0) < 0 },
	} {
		// An error means a bad tag: it cannot happen for these.
		_ = v.RegisterValidation(tag, func(fl validator.FieldLevel) bool { return valid(fl.Field().String()) })
	}
	v.RegisterStructValidation(together, call{})
	return v
}

// maxKey bounds an idempotency key, in bytes.
const maxKey = 255

func printableASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// together checks what several fields say together.
func together(sl validator.StructLevel) {
	c, ok := sl.Top().Interface().(*call)
	if !ok {
		return
	}
	report := func(f field, tag string) { sl.ReportError(nil, f.canonical(), f.canonical(), tag, "") }
	switch {
	case !c.given[text] && !c.given[template] && !c.given[fileURL]:
		report(text, "content")
	case c.given[template] && c.given[text]:
		report(template, "without_text")
	}
	if c.FileURL != "" && c.FileName == "" {
		report(fileName, "with_file_url")
	}
	recipients := 0
	for _, f := range [...]field{chatID, jid, phone, chatName} {
		if c.given[f] {
			recipients++
		}
	}
	switch {
	case recipients == 0:
		report(chatID, "recipient")
	case recipients > 1:
		report(chatID, "one_recipient")
	}
	if c.sendAt.IsZero() {
		return
	}
	if c.sendAt.After(c.now.Add(farthest)) {
		report(sendAt, "far")
		return
	}
	// Compared in seconds: expires_in may be too large for a Duration.
	if c.ExpiresIn != nil && *c.ExpiresIn <= int64(c.sendAt.Sub(c.now)/time.Second) {
		report(expiresIn, "before_send_at")
	}
}

// urlFault says what keeps a URL from being fetched; empty for nothing.
func urlFault(s string) string {
	if len(s) > maxURL {
		return "is longer than 2048 bytes"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "does not start with http:// or https://"
	case u.Hostname() == "":
		return "has no host"
	case !validPort(u.Port()):
		return "has a port that is not from 1 to 65535"
	case u.User != nil:
		return "carries a user name or password"
	}
	return ""
}

// validPort reports whether a port that was written can be dialled.
func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}
