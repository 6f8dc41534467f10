package boltstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"relevo/relay"
)

// cardKey has its parts in the order of lists. No part has a NUL in it.
func cardKey(kind, workspace, key string) string { return workspace + "\x00" + kind + "\x00" + key }

// cardDueKey leads from a kind and a time to the key of a card.
func cardDueKey(kind string, due time.Time, card string) string {
	return kind + "\x00" + dueBytes(due) + card
}

// dueBytes sort as the time does, the zero time before all others.
func dueBytes(due time.Time) string {
	if due.IsZero() {
		return be(0)
	}
	return be(due.UnixMicro() ^ math.MinInt64)
}

func dueOf(b string) time.Time {
	if n := fromBE(b); n != 0 {
		return time.UnixMicro(n ^ math.MinInt64).UTC()
	}
	return time.Time{}
}

// decodeCard reads a row: its time and then its value as it was given, which
// is what keeps the value's bytes.
func decodeCard(key string, v []byte) (relay.Card, error) {
	payload, err := unseal(bCard, key, v)
	if err != nil {
		return relay.Card{}, err
	}
	parts := strings.SplitN(key, "\x00", 3)
	if len(payload) < 8 || len(parts) != 3 {
		return relay.Card{}, errors.New("decode from card: too short")
	}
	return relay.Card{
		Workspace: parts[0], Kind: parts[1], Key: parts[2],
		Due: dueOf(string(payload[:8])), Value: json.RawMessage(bytes.Clone(payload[8:])),
	}, nil
}

func (t *tx) cardAt(key string) (relay.Card, error) {
	v := t.raw(bCard, key)
	if v == nil {
		return relay.Card{}, relay.ErrNotFound
	}
	return decodeCard(key, v)
}

// Card finds one. One writer runs everything: it is held by that.
func (t *tx) Card(_ context.Context, kind, workspace, key string) (relay.Card, error) {
	if !relay.ValidCardKey(kind, workspace, key) {
		return relay.Card{}, relay.ErrNotFound
	}
	return t.cardAt(cardKey(kind, workspace, key))
}

// PutCard writes one and keeps the index of times in step.
func (t *tx) PutCard(_ context.Context, r relay.Card) error {
	r, err := r.Kept()
	if err != nil {
		return err
	}
	key := cardKey(r.Kind, r.Workspace, r.Key)
	if err := t.deleteCardDue(key, r.Due); err != nil {
		return err
	}
	if !r.Due.IsZero() {
		at := cardDueKey(r.Kind, r.Due, key)
		if err := t.write(bCardDue, at, seal(bCardDue, at, nil)); err != nil {
			return err
		}
	}
	return t.write(bCard, key, seal(bCard, key, append([]byte(dueBytes(r.Due)), r.Value...)))
}

// DeleteCard forgets one.
func (t *tx) DeleteCard(_ context.Context, kind, workspace, key string) error {
	switch {
	case t.o == nil:
		return errReadOnly
	case !relay.ValidCardKey(kind, workspace, key):
		return nil
	}
	return t.deleteCard(cardKey(kind, workspace, key))
}

func (t *tx) deleteCard(key string) error {
	if t.raw(bCard, key) == nil {
		return nil
	}
	return errors.Join(t.deleteCardDue(key, time.Time{}), t.delete(bCard, key))
}

// deleteCardDue forgets where a card stood in the index of times, unless it
// still stands there.
func (t *tx) deleteCardDue(key string, still time.Time) error {
	old, err := t.cardAt(key)
	switch {
	case errors.Is(err, relay.ErrNotFound), err == nil && (old.Due.IsZero() || old.Due.Equal(still)):
		return nil
	case errors.Is(err, errDamaged):
		return nil // it may be written over; what is left of it in the index is for Verify to find
	case err != nil:
		return err
	}
	return t.delete(bCardDue, cardDueKey(old.Kind, old.Due, key))
}

// Cards are those of one kind and workspace.
func (s *Store) Cards(ctx context.Context, f relay.CardFilter, p relay.Page) (out []relay.Card, next string, err error) {
	prefix := cardKey(f.Kind, f.Workspace, f.Prefix)
	take := func(key string, v []byte) (bool, error) {
		r, err := decodeCard(key, v)
		out = append(out, r)
		return len(out) < limit(p), err
	}
	err = s.view(func(t *tx) error {
		switch {
		case t.b.Bucket(bCard.name()) == nil:
			return nil
		case f.Newest:
			next, err = t.walk(ctx, bCard, prefix, p, take)
		default:
			next, err = t.stroll(ctx, bCard, prefix, p, take)
		}
		return err
	})
	return out, next, err
}

// stroll is walk the other way round: from the smallest key to the largest.
func (t *tx) stroll(ctx context.Context, b bucket, prefix string, p relay.Page, fn func(key string, v []byte) (more bool, err error)) (next string, err error) {
	from := prefix
	if p.Cursor != "" {
		at, ok := openCursor(b, prefix, p.Cursor)
		if !ok {
			return "", errForeignCursor()
		}
		from = prefix + string(at) + "\x00" // behind that key
	}
	c := t.b.Bucket(b.name()).Cursor()
	for k, v := c.Seek([]byte(from)); bytes.HasPrefix(k, []byte(prefix)); {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		more, err := fn(string(k), v)
		if err != nil {
			return "", err
		}
		at := newCursor(b, prefix, string(k[len(prefix):]))
		k, v = c.Next()
		switch {
		case more:
		case bytes.HasPrefix(k, []byte(prefix)):
			return at, nil
		default:
			return "", nil
		}
	}
	return "", nil
}

// CardsDue are those whose time has come. See relay.CardLists.
func (s *Store) CardsDue(ctx context.Context, kind string, now time.Time, n int) (due []relay.Card, next time.Time, err error) {
	err = s.view(func(t *tx) error {
		return t.eachDue(ctx, kind, func(at time.Time, key string) (bool, error) {
			if len(due) >= n || at.After(now) {
				next = at
				return false, nil
			}
			r, err := t.cardAt(key)
			switch {
			case err != nil:
				s.opt.Log.Error("ALARM: a card that is due cannot be used; stop the server and run relevo verify", "kind", kind, "error", err)
			case r.Due.Equal(at):
				due = append(due, r)
			}
			return true, nil // what is wrong with one keeps no other waiting
		})
	})
	return due, next, err
}

// eachDue goes through the index of one kind by time, until fn returns false.
func (t *tx) eachDue(ctx context.Context, kind string, fn func(at time.Time, key string) (more bool, err error)) error {
	b, prefix := t.b.Bucket(bCardDue.name()), []byte(kind+"\x00")
	if b == nil {
		return nil
	}
	c := b.Cursor()
	for k, _ := c.Seek(prefix); len(k) > len(prefix)+8 && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := fn(dueOf(string(k[len(prefix):][:8])), string(k[len(prefix)+8:]))
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// PruneCards forgets cards of a kind that were due before a time.
func (s *Store) PruneCards(ctx context.Context, kind string, before time.Time, n int) (removed int, err error) {
	var old []string
	before = before.Truncate(time.Microsecond)
	err = s.view(func(t *tx) error {
		return t.eachDue(ctx, kind, func(at time.Time, key string) (bool, error) {
			if len(old) >= n || !at.Before(before) {
				return false, nil
			}
			old = append(old, key)
			return true, nil
		})
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	err = s.do(ctx, &request{fn: func(t *tx) error {
		removed = 0
		for _, key := range old {
			r, err := t.cardAt(key)
			if errors.Is(err, relay.ErrNotFound) || err == nil && (r.Due.IsZero() || !r.Due.Before(before)) {
				continue // put off meanwhile
			}
			if err != nil {
				return err
			}
			removed++
			if err := t.deleteCard(key); err != nil {
				return err
			}
		}
		return nil
	}})
	return removed, err
}
