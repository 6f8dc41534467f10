package vonage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"relevo/relay"
)

// How long a bearer lasts: 15 minutes, as in Vonage's own libraries. It is
// made anew when four fifths of that are over. Its beginning lies a little in
// the past, for clocks that differ.
// https://developer.vonage.com/en/getting-started/concepts/authentication
const (
	bearerLife  = 15 * time.Minute
	bearerRenew = bearerLife * 4 / 5
	bearerBack  = 30 * time.Second
)

// bearer is a signed token of one application.
type bearer struct {
	token string
	made  time.Time
}

// bearers keeps the tokens that are still good, by application and key. The
// zero value is ready; it may be used concurrently.
type bearers struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]bearer
}

func bearerKey(s Settings) [sha256.Size]byte {
	return sha256.Sum256([]byte(s.ApplicationID + "\n" + s.PrivateKey))
}

// of is a token for the settings' application. Its error is a fault of the
// channel.
func (b *bearers) of(s Settings, now time.Time) (bearer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := bearerKey(s)
	if t, ok := b.kept[k]; ok && t.good(now) {
		return t, nil
	}
	for old, t := range b.kept {
		if !t.good(now) {
			delete(b.kept, old)
		}
	}
	token, err := sign(s, now)
	if err != nil {
		return bearer{}, &relay.SendError{Verdict: relay.ChannelFault, Code: relay.CodeProviderFailed,
			Reason: "The private key of this channel cannot be used. Save it again.", Err: err}
	}
	if b.kept == nil {
		b.kept = map[[sha256.Size]byte]bearer{}
	}
	t := bearer{token: token, made: now}
	b.kept[k] = t
	return t, nil
}

func (t bearer) good(now time.Time) bool {
	age := now.Sub(t.made)
	return age >= 0 && age < bearerRenew
}

// drop forgets a token that Vonage no longer takes.
func (b *bearers) drop(s Settings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.kept, bearerKey(s))
}

// sign makes a token: RS256 over the claims that the Messages API asks for.
func sign(s Settings, now time.Time) (string, error) {
	key, fault := parseKey(s.PrivateKey)
	if fault != "" {
		return "", errors.New("vonage: the private key cannot be read")
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"application_id": s.ApplicationID,
		"iat":            now.Add(-bearerBack).Unix(),
		"exp":            now.Add(bearerLife).Unix(),
		"jti":            newUUID(),
	})
	return t.SignedString(key)
}

// newUUID is a random UUID: RFC 9562, section 5.4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
