package guard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// MaxURL is how long an address may be, in bytes.
const MaxURL = 2048

// URLError says in a sentence for a person what is wrong with an address, and
// what to type instead. It does not repeat the address.
type URLError struct{ Message string }

func (e *URLError) Error() string { return e.Message }

// Sentences about an address.
const (
	notAnAddress   = "This is not a web address. Give a full one, like https://example.com/logo.png."
	noScheme       = "The address does not begin with http:// or https://. Give a full one, like https://example.com/logo.png."
	otherScheme    = "The address begins with neither http:// nor https://, and nothing else can be fetched. Use a link that any browser opens."
	hasCredentials = "The address holds a user name or a password. Use a link that works without them."
	noHost         = "The address has no usable host or port. Give a full one, like https://example.com/logo.png."
)

// CheckURL reads an address that a user typed: absolute, http or https, with
// a host, without user name and password, no longer than MaxURL. The fragment
// is dropped, as it is never sent. Every error is a *URLError. It looks
// nothing up: whether the host is public shows when it is dialed.
func CheckURL(raw string) (*url.URL, error) {
	switch {
	case raw == "":
		return nil, &URLError{"The address is empty. Give a full one, like https://example.com/logo.png."}
	case len(raw) > MaxURL:
		return nil, &URLError{fmt.Sprintf("The address is %d bytes long, the limit is %d. Use a shorter link.", len(raw), MaxURL)}
	case raw != strings.TrimSpace(raw):
		return nil, &URLError{"The address begins or ends with a space or a line break. Remove it."}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &URLError{notAnAddress} // the parser's own words quote it
	}
	if u.Scheme == "" {
		return nil, &URLError{noScheme}
	}
	switch broken(u) {
	case Scheme:
		return nil, &URLError{otherScheme}
	case Credentials:
		return nil, &URLError{hasCredentials}
	case Host:
		return nil, &URLError{noHost}
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// broken is the rule that a URL breaks by its form alone; empty for none.
func broken(u *url.URL) Rule {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return Scheme
	case u.User != nil:
		return Credentials
	case u.Opaque != "" || !usable(u.Hostname()):
		return Host
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return Host
		}
	}
	return ""
}

// usable reports whether a host can be shown and looked up: a host may arrive
// percent-encoded and hide characters that turn a sentence around.
func usable(host string) bool {
	return host != "" && len(host) <= 253 && !strings.ContainsFunc(host, func(r rune) bool {
		return r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}
