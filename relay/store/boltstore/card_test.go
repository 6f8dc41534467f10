package boltstore_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

var cardDue = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fillCards writes a card of a workspace and one of none.
func fillCards(t *testing.T, s *boltstore.Store, ws string) []relay.Card {
	t.Helper()
	all := []relay.Card{
		{Kind: "note", Key: "a", Value: json.RawMessage(` {"a": 1}`)},
		{Kind: "note", Workspace: ws, Key: "a", Due: cardDue, Value: json.RawMessage(`{"a":"\u0000"}`)},
	}
	err := s.Update(t.Context(), func(tx relay.Tx) error {
		return errors.Join(tx.PutCard(t.Context(), all[0]), tx.PutCard(t.Context(), all[1]))
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// exported are the cards that a store gives to another, and lists.
func exported(t *testing.T, s *boltstore.Store, ws string) (out []relay.Card) {
	t.Helper()
	err := s.Export(t.Context(), func(r relay.Record) error {
		if r.Card != nil {
			out = append(out, *r.Card)
		}
		return nil
	})
	none, _, err2 := s.Cards(t.Context(), relay.CardFilter{Kind: "note"}, relay.Page{Limit: 10})
	own, _, err3 := s.Cards(t.Context(), relay.CardFilter{Kind: "note", Workspace: ws, Newest: true}, relay.Page{Limit: 10})
	due, next, err4 := s.CardsDue(t.Context(), "note", cardDue, 10)
	if err := errors.Join(err, err2, err3, err4); err != nil || len(none)+len(own) != len(out) || len(due) != len(own) || !next.IsZero() {
		t.Fatalf("%d exported, %d and %d listed, %d due (%v)", len(out), len(none), len(own), len(due), err)
	}
	return out
}

func TestAFileOfBeforeCardsIsReadAsItIsAndFilledOnceOpened(t *testing.T) {
	opt := boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db"), ReadOnly: true}
	unpack(t, "../../../testdata/store/schema2.db.gz", opt.Path)
	s, ws := openFile(t, opt), relay.NewID("ws_")
	if v, cards := violations(t, s), exported(t, s, ws); len(v)+len(cards) > 0 {
		t.Errorf("reading: %q, %d cards", v, len(cards))
	}
	err := s.View(t.Context(), func(tx relay.Tx) error {
		_, err := tx.Card(t.Context(), "note", ws, "a")
		return err
	})
	if !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("a card: %v, want ErrNotFound", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	opt.ReadOnly = false
	s = openFile(t, opt)
	want := fillCards(t, s, ws)
	if diff := cmp.Diff(want, exported(t, s, ws)); diff != "" {
		t.Errorf("filled (-want +got):\n%s", diff)
	}
	if v := violations(t, s); len(v) > 0 {
		t.Errorf("filled: %q", v)
	}
}

func TestABackupAndACompactedFileCarryCards(t *testing.T) {
	opt, ws, dir := fresh(t), relay.NewID("ws_"), t.TempDir()
	s := openFile(t, opt)
	want := fillCards(t, s, ws)
	copied, small := filepath.Join(dir, "copy.db"), filepath.Join(dir, "small.db")
	if err := errors.Join(s.Backup(t.Context(), copied), boltstore.Compact(copied, small)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{copied, small} {
		c := openFile(t, boltstore.Options{Path: path, ReadOnly: true})
		if diff := cmp.Diff(want, exported(t, c, ws)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		stats, err := c.Verify(t.Context(), func(v string) { t.Error(v) })
		if err != nil || stats.Cards != 2 {
			t.Errorf("verified %+v (%v)", stats, err)
		}
	}
}

func TestVerifyFindsWhatIsWrongWithCards(t *testing.T) {
	flip := func(b *bolt.Bucket, k, v []byte) error { v[len(v)/2] ^= 1; return b.Put(k, v) }
	lose := func(b *bolt.Bucket, k, _ []byte) error { return b.Delete(k) }
	for _, c := range []struct {
		what, table, want string
		due               int // that is told in spite of it
		change            func(b *bolt.Bucket, k, v []byte) error
	}{
		{"a damaged card", "card", "cannot be read", 0, flip},
		{"a lost card", "card", "which does not exist", 0, lose},
		{"a card in the wrong place", "card", "checksum", 1, func(b *bolt.Bucket, k, v []byte) error { return b.Put(append(k, 'x'), v) }},
		{"a lost time", "card_due", "is not in the index", 0, lose},
		{"a time in the wrong place", "card_due", "checksum", 1, func(b *bolt.Bucket, k, v []byte) error { return b.Put(append(k, 'x'), v) }},
		{"another time", "card_due", "at another time than its own", 1, func(b *bolt.Bucket, k, v []byte) error {
			k = bytes.Clone(k)
			k[len("note")+8]--
			return b.Put(k, v)
		}},
	} {
		opt, ws := fresh(t), relay.NewID("ws_")
		s := openFile(t, opt)
		fillCards(t, s, ws)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, opt.Path, func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(c.table))
			k, v := b.Cursor().Last()
			return c.change(b, bytes.Clone(k), bytes.Clone(v))
		})
		s = openFile(t, opt)
		if v := violations(t, s); !strings.Contains(strings.Join(v, "\n"), c.want) {
			t.Errorf("%s: verify says %q, want %q", c.what, v, c.want)
		}
		due, _, err := s.CardsDue(t.Context(), "note", cardDue, 10)
		if err != nil || len(due) != c.due {
			t.Errorf("%s: %d are due (%v), want %d", c.what, len(due), err, c.due)
		}
	}
}
