package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a setting that must not be seen: whatever prints, logs or encodes
// it gets a mask. The zero value is an unset one.
type Secret struct{ value string }

// NewSecret hides a value; white space around it is no part of it.
func NewSecret(value string) Secret { return Secret{strings.TrimSpace(value)} }

// Reveal is the value itself; empty where it is unset.
func (s Secret) Reveal() string { return s.value }

// Set reports whether there is a value.
func (s Secret) Set() bool { return s.value != "" }

// String is "(set)" or "(not set)".
func (s Secret) String() string {
	if s.Set() {
		return "(set)"
	}
	return "(not set)"
}

// GoString masks the %#v form as well.
func (s Secret) GoString() string { return s.String() }

// LogValue masks it in the log.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks it in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes a value as it was typed.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = NewSecret(string(b))
	return nil
}

// minKeyBytes is what relay.NewSecrets asks of a master secret.
const minKeyBytes = 32

// MasterKey is the secret key in bytes: hexadecimal or base64 where the
// setting is one of these and long enough, else the characters themselves.
// It is nil where no key is set, and an error where the key is too short.
func (c Config) MasterKey() ([]byte, error) {
	if !c.SecretKey.Set() {
		return nil, nil
	}
	return decodeKey(c.SecretKey.Reveal())
}

func decodeKey(s string) ([]byte, error) {
	if b, err := hex.DecodeString(s); err == nil && len(b) >= minKeyBytes {
		return b, nil
	}
	plain := strings.TrimRight(s, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(plain); err == nil && len(b) >= minKeyBytes {
			return b, nil
		}
	}
	if len(s) < minKeyBytes {
		return nil, fmt.Errorf("has %d characters and needs at least %d bytes; make one with: openssl rand -base64 32", len(s), minKeyBytes)
	}
	return []byte(s), nil
}
