package relay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
)

// TokenHash is the HMAC-SHA-256 that a secret is looked up by.
type TokenHash [32]byte

// MarshalText writes it in hexadecimal.
func (h TokenHash) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads hexadecimal.
func (h *TokenHash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return errors.New("a hash has 64 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// Secrets hashes and seals what must not lie about in the clear. All keys
// derive from one master secret. Methods may be called concurrently.
type Secrets struct {
	hook, key, check, link []byte
	aead                   cipher.AEAD
}

// NewSecrets derives the keys from a master secret of at least 32 bytes.
func NewSecrets(master []byte) (*Secrets, error) {
	if len(master) < 32 {
		return nil, fmt.Errorf("secret key has %d bytes; it needs at least 32", len(master))
	}
	s := &Secrets{}
	var seal []byte
	for _, k := range []struct {
		to   *[]byte
		info string
	}{{&s.hook, "relevo webhook token"}, {&s.key, "relevo api key"}, {&s.check, "relevo check value"}, {&s.link, "relevo file link"}, {&seal, "relevo sealing"}} {
		derived, err := hkdf.Key(sha256.New, master, nil, k.info, 32)
		if err != nil {
			return nil, fmt.Errorf("derive %s key: %w", k.info, err)
		}
		*k.to = derived
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, err
	}
	s.aead, err = cipher.NewGCMWithRandomNonce(block)
	return s, err
}

// CheckValue identifies the master secret without giving it away: a store
// keeps it and a node with another secret refuses to start.
func (s *Secrets) CheckValue() string {
	m := hmac.New(sha256.New, s.check)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// HashToken is what a webhook token is looked up by.
func (s *Secrets) HashToken(token string) TokenHash { return mac(s.hook, token) }

// HashLink marks the address of a file.
func (s *Secrets) HashLink(address string) TokenHash { return mac(s.link, address) }

// HashKey is what an API key is looked up by.
func (s *Secrets) HashKey(key string) TokenHash { return mac(s.key, key) }

// Seal encrypts a secret for its owner; the context must be given again to
// Open it.
func (s *Secrets) Seal(secret, context string) []byte {
	return s.aead.Seal(nil, nil, []byte(secret), []byte(context))
}

// Open decrypts what Seal made.
func (s *Secrets) Open(sealed []byte, context string) (string, error) {
	b, err := s.aead.Open(nil, nil, sealed, []byte(context))
	if err != nil {
		return "", errors.New("sealed with another secret key, or damaged")
	}
	return string(b), nil
}

func mac(key []byte, msg string) TokenHash {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(msg))
	return TokenHash(m.Sum(nil))
}

// The form of a webhook token: a prefix that scanners find, 256 random bits,
// and their checksum, which tells a real one from what only looks like it. The
// hook looks every token up, so that all unknown ones take the same path. The
// scheme is GitHub's:
// https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
const (
	tokenPrefix = "rlv_"
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	tokenRandom = 43
	tokenSum    = 6
)

// NewToken makes a webhook token.
func NewToken() string { return newSecret(tokenPrefix) }

// NewAPIKey makes a management key for a workspace.
func NewAPIKey() string { return newSecret("rlvk_") }

// NewOperatorKey makes the operator's management key.
func NewOperatorKey() string { return newSecret("rlvo_") }

// OperatorKey is the management key that follows from the master secret.
func (s *Secrets) OperatorKey() string {
	b := s.derived("operator key")
	return "rlvo_" + b + checksum(b)
}

// SetUpToken is the secret of the link that the first user of the console comes
// in by. It follows from the master secret, so that all nodes tell the same.
func (s *Secrets) SetUpToken() string { return s.derived("set-up link") }

// derived are 43 characters that follow from the master secret.
func (s *Secrets) derived(purpose string) string {
	sum := mac(s.check, purpose)
	var b strings.Builder
	for n, base := new(big.Int).SetBytes(sum[:]), big.NewInt(int64(len(base62))); b.Len() < tokenRandom; {
		var digit big.Int
		n.DivMod(n, base, &digit)
		b.WriteByte(base62[digit.Int64()])
	}
	return b.String()
}

// ValidToken reports whether token has the form and checksum of a webhook
// token.
func ValidToken(token string) bool {
	body, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok || len(body) != tokenRandom+tokenSum {
		return false
	}
	foreign := func(c rune) bool { return !strings.ContainsRune(base62, c) }
	return !strings.ContainsFunc(body, foreign) && checksum(body[:tokenRandom]) == body[tokenRandom:]
}

func newSecret(prefix string) string {
	var b [32]byte
	rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	body := encode62(new(big.Int).SetBytes(b[:]), tokenRandom)
	return prefix + body + checksum(body)
}

func checksum(body string) string {
	return encode62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), tokenSum)
}

// encode62 writes n in base 62 with leading zeros; 62^43 > 2^256.
func encode62(n *big.Int, digits int) string {
	out := make([]byte, digits)
	base, digit := big.NewInt(62), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}
