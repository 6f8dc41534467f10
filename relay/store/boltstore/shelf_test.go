package boltstore_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

const shelfChannel = "ch_00000000000000000000"

// fillShelf writes two languages of a template, a message of a person and their
// id.
func fillShelf(t *testing.T, s *boltstore.Store, ws string) (in relay.InboundMessage) {
	t.Helper()
	ctx := t.Context()
	in = relay.InboundMessage{ID: relay.FormatMessageID([9]byte{0, 0, 1}), Workspace: ws, Channel: shelfChannel, Recipient: "+1", Kind: "text", At: time.Now().UTC()}
	err := s.Update(ctx, func(tx relay.Tx) error {
		en := relay.Template{Workspace: ws, Channel: shelfChannel, Name: "hello", Language: "en", Status: relay.TemplateApproved}
		de := en
		de.Language = "de"
		return errors.Join(tx.PutTemplate(ctx, en), tx.PutTemplate(ctx, de), tx.PutInbound(ctx, in), tx.PutUser(ctx, ws, shelfChannel, "US.1", "+1"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// onShelf counts what a store lists, and what it exports.
func onShelf(t *testing.T, s *boltstore.Store, ws string) (templates, inbounds int) {
	t.Helper()
	list, err := s.Templates(t.Context(), ws, shelfChannel)
	in, _, err2 := s.Inbounds(t.Context(), ws, shelfChannel, "+1", relay.Page{Limit: 10})
	all, _, err3 := s.Inbounds(t.Context(), ws, "", "", relay.Page{Limit: 10})
	exported, people := 0, 0
	err4 := s.Export(t.Context(), func(r relay.Record) error {
		if exported += len(r.Templates); r.Inbound != nil {
			exported++
		}
		if r.Person != nil {
			people++
		}
		return nil
	})
	if err := errors.Join(err, err2, err3, err4); err != nil || len(in) != len(all) || exported != len(list)+len(all) {
		t.Fatalf("%d templates, %d of one, %d of all, %d exported (%v)", len(list), len(in), len(all), exported, err)
	}
	if people != len(in) { // each was written by one
		t.Errorf("%d people exported, want %d", people, len(in))
	}
	return len(list), len(in)
}

// TestAFileOfBeforeTheShelfIsReadAsItIsAndFilledOnceOpened opens a file of this
// schema that was made before two of its tables: reading, as a copy is checked,
// and then to work with it. The program of before must still open it after.
func TestAFileOfBeforeTheShelfIsReadAsItIsAndFilledOnceOpened(t *testing.T) {
	opt := boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db"), ReadOnly: true}
	unpack(t, "../../../testdata/store/schema2.db.gz", opt.Path)
	s := openFile(t, opt)
	if v := violations(t, s); len(v) > 0 {
		t.Errorf("reading: %q", v)
	}
	list, _, err := s.Workspaces(t.Context(), relay.Page{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d workspaces (%v)", len(list), err)
	}
	ws := list[0].ID
	if n, m := onShelf(t, s, ws); n+m != 0 {
		t.Errorf("%d templates and %d inbound messages in a file without them", n, m)
	}
	err = s.View(t.Context(), func(tx relay.Tx) error {
		if _, err := tx.RecipientOfUser(t.Context(), ws, shelfChannel, "US.1"); !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("a person: %v, want ErrNotFound", err)
		}
		_, err := tx.InboundMessage(t.Context(), ws, relay.FormatMessageID([9]byte{}))
		return err
	})
	if !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("an inbound message: %v, want ErrNotFound", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	opt.ReadOnly = false
	s = openFile(t, opt)
	fillShelf(t, s, ws)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openFile(t, opt)
	if n, m := onShelf(t, s, ws); n != 2 || m != 1 {
		t.Errorf("%d templates and %d inbound messages, want 2 and 1", n, m)
	}
	if v := violations(t, s); len(v) > 0 {
		t.Errorf("filled: %q", v)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, opt.Path, func(tx *bolt.Tx) error {
		if v := tx.Bucket([]byte("meta")).Get([]byte("schema")); !bytes.HasSuffix(v, []byte("2")) {
			t.Errorf("the schema is %q now: the program of before refuses the file", v)
		}
		return nil
	})
}

func TestABackupCarriesTheShelf(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	s := openFile(t, opt)
	fillShelf(t, s, ws)
	copied := boltstore.Options{Path: filepath.Join(t.TempDir(), "copy.db"), ReadOnly: true}
	if err := s.Backup(t.Context(), copied.Path); err != nil {
		t.Fatal(err)
	}
	c := openFile(t, copied)
	if n, m := onShelf(t, c, ws); n != 2 || m != 1 {
		t.Errorf("the copy has %d templates and %d inbound messages, want 2 and 1", n, m)
	}
	stats, err := c.Verify(t.Context(), func(v string) { t.Error(v) })
	if err != nil || stats.Templates != 2 || stats.Inbounds != 1 {
		t.Errorf("verified %+v (%v)", stats, err)
	}
}

// Ids that are made later must sort after what somebody wrote, too.
func TestTheLatestMessageMayBeOneThatSomebodyWrote(t *testing.T) {
	s, w := openFile(t, fresh(t)), relay.Workspace{ID: relay.NewID("ws_")}
	if id, err := s.LatestMessage(); id != "" || err != nil {
		t.Errorf("of an empty file: %q, %v", id, err)
	}
	err := s.Update(t.Context(), func(tx relay.Tx) error {
		return errors.Join(tx.PutWorkspace(t.Context(), w), tx.PutWorkspace(t.Context(), relay.Workspace{ID: relay.NewID("ws_")}),
			tx.PutMessage(t.Context(), relay.Message{ID: relay.FormatMessageID([9]byte{0, 0, 0, 9}), Workspace: w.ID, Status: relay.Queued}))
	})
	if err != nil {
		t.Fatal(err)
	}
	in := fillShelf(t, s, w.ID)
	if id, err := s.LatestMessage(); id != in.ID || err != nil {
		t.Errorf("got %q (%v), want %q", id, err, in.ID)
	}
}

func TestVerifyFindsWhatIsWrongOnTheShelf(t *testing.T) {
	for _, c := range []struct {
		what, table, want string
		change            func(b *bolt.Bucket, k, v []byte) error
	}{
		{"a lost index", "inbound_by", "is not in the index", func(b *bolt.Bucket, k, _ []byte) error { return b.Delete(k) }},
		{"a lost message", "inbound", "which does not exist", func(b *bolt.Bucket, k, _ []byte) error { return b.Delete(k) }},
		{"a damaged message", "inbound", "checksum", func(b *bolt.Bucket, k, v []byte) error { v[len(v)/2] ^= 1; return b.Put(k, v) }},
		{"a damaged template", "template", "cannot be read", func(b *bolt.Bucket, k, v []byte) error { v[len(v)/2] ^= 1; return b.Put(k, v) }},
		{"a damaged person", "person", "cannot be read", func(b *bolt.Bucket, k, v []byte) error { v[len(v)/2] ^= 1; return b.Put(k, v) }},
		{"a person in the wrong place", "person", "checksum", func(b *bolt.Bucket, k, v []byte) error { return b.Put(append(k, 'x'), v) }},
		{"a template in the wrong place", "template", "checksum", func(b *bolt.Bucket, k, v []byte) error { return b.Put(append(k, 'x'), v) }},
	} {
		opt, ws := fresh(t), relay.NewID("ws_")
		s := openFile(t, opt)
		fillShelf(t, s, ws)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, opt.Path, func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(c.table))
			k, v := b.Cursor().First()
			return c.change(b, bytes.Clone(k), bytes.Clone(v))
		})
		if v := violations(t, openFile(t, opt)); !strings.Contains(strings.Join(v, "\n"), c.want) {
			t.Errorf("%s: verify says %q, want %q", c.what, v, c.want)
		}
	}
}
