package boltstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"relevo/quota"
	"relevo/relay"
	"relevo/relay/store/boltstore"
)

func openFile(t *testing.T, opt boltstore.Options) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(opt)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func fresh(t *testing.T) boltstore.Options {
	return boltstore.Options{Path: filepath.Join(t.TempDir(), "relevo.db"), NoSync: true}
}

func grant(t *testing.T, s *boltstore.Store, ws, ref string) error {
	return s.Update(t.Context(), func(tx relay.Tx) error { return quota.Grant(t.Context(), tx, ws, ref, 1, time.Now()) })
}

// violations is what Verify has to say.
func violations(t *testing.T, s *boltstore.Store) (all []string) {
	t.Helper()
	if _, err := s.Verify(t.Context(), func(v string) { all = append(all, v) }); err != nil {
		t.Fatalf("verify: %v", err)
	}
	return all
}

// edit changes the closed file behind the store's back.
func edit(t *testing.T, path string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedRecordIsFoundByVerifyAndByReaders(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	s := openFile(t, opt)
	if err := grant(t, s, ws, "g"); err != nil {
		t.Fatal(err)
	}
	if v := violations(t, s); len(v) > 0 {
		t.Fatalf("a sound file: %q", v)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, opt.Path, func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("account"))
		v := append([]byte(nil), b.Get([]byte(ws))...)
		v[len(v)-2] ^= 1
		return b.Put([]byte(ws), v)
	})
	s = openFile(t, opt)
	if v := violations(t, s); !strings.Contains(strings.Join(v, "\n"), "checksum") {
		t.Errorf("verify says %q, want a checksum that does not match", v)
	}
	err := s.View(t.Context(), func(tx relay.Tx) error { _, err := tx.Account(t.Context(), ws); return err })
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("read of a damaged record: %v", err)
	}
}

func TestARecordInTheWrongPlaceIsFound(t *testing.T) {
	opt, a, b := fresh(t), relay.NewID("ws_"), relay.NewID("ws_")
	s := openFile(t, opt)
	if err := errors.Join(grant(t, s, a, "g"), grant(t, s, b, "g"), s.Close()); err != nil {
		t.Fatal(err)
	}
	edit(t, opt.Path, func(tx *bolt.Tx) error {
		accounts := tx.Bucket([]byte("account"))
		return accounts.Put([]byte(a), append([]byte(nil), accounts.Get([]byte(b))...))
	})
	if v := violations(t, openFile(t, opt)); len(v) == 0 {
		t.Error("verify found nothing wrong")
	}
}

func TestABalanceThatDoesNotMatchItsEntriesIsFound(t *testing.T) {
	s, ws := openFile(t, fresh(t)), relay.NewID("ws_")
	err := s.Update(t.Context(), func(tx relay.Tx) error {
		return errors.Join(quota.Grant(t.Context(), tx, ws, "g", 5, time.Now()), tx.PutAccount(t.Context(), quota.Account{ID: ws, Granted: 6, Available: 6}))
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := violations(t, s); len(v) != 1 || !strings.Contains(v[0], ws) {
		t.Errorf("verify says %q, want one sentence about %s", v, ws)
	}
}

func TestAFileOfANewerSchemaIsRefused(t *testing.T) {
	opt := fresh(t)
	s := openFile(t, opt)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	boltstore.SetSchema(t, opt.Path, 99)
	for _, readOnly := range []bool{false, true} {
		opt.ReadOnly = readOnly
		s, err := boltstore.Open(opt)
		if err == nil {
			_ = s.Close()
			t.Fatalf("a file of schema 99 was opened (read-only %v)", readOnly)
		}
		if !strings.Contains(err.Error(), "newer program") {
			t.Errorf("read-only %v: %v", readOnly, err)
		}
	}
}

func TestAFileThatIsNotOursIsRefusedForReading(t *testing.T) {
	opt := fresh(t)
	edit(t, opt.Path, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err })
	opt.ReadOnly = true
	if _, err := boltstore.Open(opt); err == nil || !strings.Contains(err.Error(), "no Relevo data") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatAnotherProcessHoldsIsNamedInWords(t *testing.T) {
	opt := fresh(t)
	openFile(t, opt)
	_, err := boltstore.Open(opt)
	if err == nil || !strings.Contains(err.Error(), "another process has") || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("got %v", err)
	}
}

func TestOpeningAgainKeepsWhatIsThere(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	for n := range 3 { // the schema is made once; each further start leaves it be
		s := openFile(t, opt)
		if err := grant(t, s, ws, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	opt.ReadOnly = true
	s := openFile(t, opt)
	if v := violations(t, s); len(v) > 0 {
		t.Errorf("verify, reading only: %q", v)
	}
	err := s.View(t.Context(), func(tx relay.Tx) error {
		a, err := tx.Account(t.Context(), ws)
		if a.Granted != 3 {
			t.Errorf("granted %d, want 3", a.Granted)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := grant(t, s, ws, "more"); err == nil {
		t.Error("a store that only reads took a write")
	}
}

func TestASecretKeyIsBoundOnce(t *testing.T) {
	opt := fresh(t)
	s := openFile(t, opt)
	if err := errors.Join(s.BindSecret(t.Context(), "a"), s.BindSecret(t.Context(), "a"), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = openFile(t, opt)
	if err := s.BindSecret(t.Context(), "b"); err == nil || !strings.Contains(err.Error(), "secret key is not the one") {
		t.Errorf("another key: %v", err)
	}
}
