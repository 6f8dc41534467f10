package infobip

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"regexp"

	"relevo/relay"
)

// verify checks what a callback carries beside the address that nobody can
// guess: nothing, a user with a password, or a signature of the body, as the
// channel's settings say.
// https://www.infobip.com/docs/cpaas-x/subscriptions-management
func (s settings) verify(c relay.Callback) error {
	switch {
	case s.CallbackUser != "":
		r := http.Request{Header: c.Header}
		user, password, ok := r.BasicAuth()
		same := equal(user, s.CallbackUser) & equal(password, s.CallbackPassword)
		if !ok || same != 1 {
			return relay.ErrForged
		}
	case s.CallbackSecret != "":
		if !s.signed(c) {
			return relay.ErrForged
		}
	}
	return nil
}

// equal compares in a time that tells nothing, not even of the length.
func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// signatureHeaders are where a signature is looked for. Infobip documents
// none, so that a channel may name another.
var signatureHeaders = []string{"X-Hub-Signature-256", "X-Hub-Signature", "X-Infobip-Signature", "X-Signature"}

// sums are the algorithms that Infobip offers, by the length of what they
// make; MD5 is not among them.
var sums = map[int]func() hash.Hash{
	sha1.Size: sha1.New, sha256.Size224: sha256.New224, sha256.Size: sha256.New, sha512.Size384: sha512.New384, sha512.Size: sha512.New,
}

var algorithm = regexp.MustCompile(`^(?i:hmac[-_]?)?(?i:sha)[-_]?[0-9]{1,3}=`)

// signed reports whether a header holds the HMAC of the body, in hexadecimal
// or base64.
func (s settings) signed(c relay.Callback) bool {
	names := signatureHeaders
	if s.CallbackHeader != "" {
		names = []string{s.CallbackHeader}
	}
	for _, name := range names {
		v := c.Header.Get(name)
		if v == "" {
			continue
		}
		for _, mac := range macs(v[len(algorithm.FindString(v)):]) {
			h := hmac.New(sums[len(mac)], []byte(s.CallbackSecret))
			h.Write(c.Body)
			if hmac.Equal(h.Sum(nil), mac) {
				return true
			}
		}
	}
	return false
}

// macs are the readings of a signature that have the length of one.
func macs(v string) (found [][]byte) {
	if len(v) > 256 {
		return nil
	}
	for _, read := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if b, err := read(v); err == nil && sums[len(b)] != nil {
			found = append(found, b)
		}
	}
	return found
}
