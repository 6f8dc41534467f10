package boltstore

import (
	"errors"
	"strings"

	"relevo/relay"
)

// cards checks that each can be kept, and stands in the index of times.
func (v *verification) cards() error {
	return v.each(bCard, func(key string, val []byte) error {
		r, err := decodeCard(key, val)
		if err != nil {
			v.say("a card of key %x cannot be read", key)
			return nil
		}
		v.stats.Cards++
		if _, err := r.Kept(); err != nil {
			v.say("key %x: %v", key, err)
		}
		if !r.Due.IsZero() && v.t.raw(bCardDue, cardDueKey(r.Kind, r.Due, key)) == nil {
			v.say("a card of kind %s, key %x, is not in the index of what is due", r.Kind, key)
		}
		return nil
	})
}

// cardsDue checks that the index of times leads to cards of that time.
func (v *verification) cardsDue() error {
	return v.each(bCardDue, func(at string, _ []byte) error {
		kind, rest, _ := strings.Cut(at, "\x00")
		if len(rest) < 8 {
			v.say("the index of what is due has a key %x that cannot be read", at)
			return nil
		}
		r, err := v.t.cardAt(rest[8:])
		switch {
		case errors.Is(err, relay.ErrNotFound):
			v.say("the index of what is due names a card of kind %s, key %x, which does not exist", kind, rest[8:])
		case err == nil && (r.Due.IsZero() || cardDueKey(r.Kind, r.Due, rest[8:]) != at):
			v.say("the index of what is due names a card of kind %s, key %x, at another time than its own", kind, rest[8:])
		}
		return nil
	})
}
