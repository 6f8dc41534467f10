package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// signed verifies X-Twilio-Signature: HMAC-SHA-1 by the account's auth token
// over the address as configured and, of a form, every name and value. A body
// that is no form is bound by its hash in the address.
// https://www.twilio.com/docs/usage/webhooks/webhooks-security
//
// form are the body's parameters; nil for a GET and for a body with a hash.
func signed(tokens []string, address string, form url.Values, signature string) bool {
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(given) != sha1.Size {
		return false
	}
	rest := concatenated(form)
	ok := false
	for _, token := range tokens {
		if token == "" {
			continue
		}
		for _, variant := range variants(address) {
			mac := hmac.New(sha1.New, []byte(token))
			mac.Write([]byte(variant))
			mac.Write([]byte(rest))
			ok = hmac.Equal(mac.Sum(nil), given) || ok
		}
	}
	return ok
}

// concatenated is the form as it is signed: names in the order of their bytes,
// each with its value; of a repeated name every value once, in order.
func concatenated(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			b.WriteString(name)
			b.WriteString(v)
		}
	}
	return b.String()
}

// variants are the forms of an address that Twilio may have signed: with and
// without the port, each also with its query written anew.
func variants(address string) []string {
	address, _, _ = strings.Cut(address, "#")
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		end = i
	}
	host, tail := rest[:end], rest[end:]
	bare := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexAny(host, "]@") {
		bare = host[:i]
	}
	hosts := []string{host, bare}
	if bare == host {
		hosts[1] = host + map[string]string{"https": ":443", "http": ":80"}[scheme]
	}
	var all []string
	for _, h := range hosts {
		for _, t := range []string{tail, rewritten(tail)} {
			if v := scheme + "://" + h + t; !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	return all
}

// rewritten is a path with its query decoded and encoded again, parameter by
// parameter in their order, as older parts of Twilio do.
func rewritten(tail string) string {
	path, query, ok := strings.Cut(tail, "?")
	if !ok || query == "" {
		return tail
	}
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return tail
		}
		parts = append(parts, escaped(n)+"="+escaped(v))
	}
	return path + "?" + strings.Join(parts, "&")
}

func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// hashed compares the body with the hash of it that the signed address names.
func hashed(body []byte, hash string) bool {
	sum := sha256.Sum256(body)
	given, err := hex.DecodeString(hash)
	return err == nil && hmac.Equal(sum[:], given)
}
