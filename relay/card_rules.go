package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a Card, bytes.
const (
	maxCardKind      = 32
	maxCardWorkspace = 64
	maxCardKey       = 300
	maxCardValue     = 1 << 20
)

// ValidCardKey is false for what no card has: a store need not look for it.
func ValidCardKey(kind, workspace, key string) bool {
	return checkCardKey(kind, workspace, key) == nil
}

// Kept is a card as every store gives it back: its time in whole microseconds,
// in UTC, and a value of its own. It refuses what no store takes; its error
// tells neither key nor value, which may be somebody's number.
func (r Card) Kept() (Card, error) {
	if err := checkCardKey(r.Kind, r.Workspace, r.Key); err != nil {
		return r, err
	}
	if r.Due = r.Due.UTC().Truncate(time.Microsecond); r.Due.Year() < 1 || r.Due.Year() > 9999 {
		return r, fmt.Errorf("a card of kind %s is due in year %d", r.Kind, r.Due.Year())
	}
	if len(r.Value) > maxCardValue {
		return r, fmt.Errorf("a card of kind %s has a value of %d bytes; %d is the most", r.Kind, len(r.Value), maxCardValue)
	}
	if !utf8.Valid(r.Value) || !json.Valid(r.Value) {
		return r, fmt.Errorf("a card of kind %s has a value that is not JSON", r.Kind)
	}
	r.Value = slices.Clone(r.Value)
	return r, nil
}

func checkCardKey(kind, workspace, key string) error {
	if kind == "" || len(kind) > maxCardKind || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return errors.New("the kind of a card is 1 to 32 of a–z and _")
	}
	if len(workspace) > maxCardWorkspace || !plainText(workspace) {
		return fmt.Errorf("a card of kind %s is of what is no workspace", kind)
	}
	if key == "" || len(key) > maxCardKey || !plainText(key) {
		return fmt.Errorf("the key of a card of kind %s has %d bytes; it is 1 to %d of UTF-8 without NUL", kind, len(key), maxCardKey)
	}
	return nil
}

func plainText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
