package vonage

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"relevo/relay"
)

// How old a callback's token may be: Vonage repeats a callback for 24 hours,
// and does not say whether with a new token. It may lie in the future by as
// much as clocks differ.
// https://api.support.vonage.com/hc/en-us/articles/360028543292
const (
	maxTokenAge  = 25 * time.Hour
	maxTokenSkew = 10 * time.Minute
)

// signed are the claims of a callback's token. There is no exp.
// https://developer.vonage.com/en/getting-started/concepts/webhooks
type signed struct {
	IssuedAt      *jwt.NumericDate `json:"iat"`
	PayloadHash   string           `json:"payload_hash"`
	APIKey        string           `json:"api_key"`
	ApplicationID string           `json:"application_id"`
}

// The methods are what the library asks of claims. It checks none of them:
// verify does, which knows when the callback came.

// GetExpirationTime is none.
func (*signed) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuedAt is the claim iat.
func (c *signed) GetIssuedAt() (*jwt.NumericDate, error) { return c.IssuedAt, nil }

// GetNotBefore is none.
func (*signed) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuer is not looked at.
func (*signed) GetIssuer() (string, error) { return "", nil }

// GetSubject is none.
func (*signed) GetSubject() (string, error) { return "", nil }

// GetAudience is none.
func (*signed) GetAudience() (jwt.ClaimStrings, error) { return nil, nil }

// unsigned is the error of a callback without a token: Vonage's own faults
// make some, and a 5xx makes it call again with one.
// https://developer.vonage.com/en/getting-started/concepts/webhooks
func unsigned() error {
	return &relay.Error{Code: relay.CodeUnavailable, Message: "This call is not signed. Send it again with its signature."}
}

// verify checks a callback's token: HS256 under the signature secret, over
// this account and application, over these bytes, and not too old. Everything
// secret is compared in constant time.
func verify(s Settings, c relay.Callback) error {
	scheme, token, _ := strings.Cut(strings.TrimSpace(c.Header.Get("Authorization")), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return unsigned()
	}
	if s.SignatureSecret == "" {
		return forged("the channel has no signature secret")
	}
	var claims signed
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return []byte(s.SignatureSecret), nil }); err != nil {
		return forged("the signature is wrong")
	}
	switch {
	case !equal(claims.APIKey, s.APIKey):
		return forged("it is signed for another account")
	case claims.ApplicationID != "" && !equal(strings.ToLower(claims.ApplicationID), s.ApplicationID):
		return forged("it is signed for another application")
	case claims.IssuedAt == nil, c.At.Sub(claims.IssuedAt.Time) > maxTokenAge, claims.IssuedAt.Sub(c.At) > maxTokenSkew:
		return forged("its time is not now")
	case !overBody(claims.PayloadHash, c.Body):
		return forged("it is signed over another body")
	}
	return nil
}

func forged(why string) error { return fmt.Errorf("vonage: %s: %w", why, relay.ErrForged) }

// overBody compares the hash of the bytes as they came; Vonage may have made
// it before it wrote them with white space.
func overBody(hash string, body []byte) bool {
	hash = strings.ToLower(hash)
	if equal(hash, hashOf(body)) {
		return true
	}
	var c bytes.Buffer
	return json.Compact(&c, body) == nil && equal(hash, hashOf(c.Bytes()))
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
