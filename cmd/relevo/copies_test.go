package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"relevo/cmd/relevo/config"
	"relevo/quota"
	"relevo/relay"
	"relevo/relay/store/boltstore"
)

// copying is a server that keeps three nightly copies of an empty database.
func copying(t *testing.T) *server {
	t.Helper()
	c := config.Default()
	c.Data, c.Retention.Backups = t.TempDir(), 3
	store, err := boltstore.Open(boltstore.Options{Path: filepath.Join(c.Data, databaseFile), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &server{p: &program{stdout: io.Discard}, c: c, log: quiet, store: store}
}

// copies are the files in the folder of nightly copies.
func copies(t *testing.T, data string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "backups", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheNightlyCopyIsMadeWhenItIsDueAndTheNewestAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := copying(t)
		run := func(want int) {
			t.Helper()
			for range 2 { // running it twice changes nothing
				if err := s.nightlyCopy(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := copies(t, s.c.Data); len(got) != want {
				t.Errorf("%d copies, want %d: %v", len(got), want, got)
			}
		}
		run(0) // the first start has missed nothing
		time.Sleep(24 * time.Hour)
		run(1)
		time.Sleep(time.Hour)
		run(1)
		time.Sleep(72 * time.Hour) // three missed nights are made up for by one copy
		run(2)
		for range 5 {
			time.Sleep(24 * time.Hour)
			if err := s.nightlyCopy(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		run(3)
		for _, path := range copies(t, s.c.Data) {
			if err := verifyFile(t.Context(), path); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", path, st.Mode(), err)
			}
		}
	})
}

func TestABadCopyTakesTheRoomOfOneAndNoneOfTheGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := copying(t)
		night := func() error {
			time.Sleep(24 * time.Hour)
			return s.nightlyCopy(t.Context())
		}
		if err := errors.Join(s.nightlyCopy(t.Context()), night(), night()); err != nil {
			t.Fatal(err)
		}
		err := s.store.Update(t.Context(), func(tx relay.Tx) error { // books that do not balance
			return tx.PutAccount(t.Context(), quota.Account{ID: "ws_broken", Granted: 1})
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := night(); err == nil {
				t.Error("a copy that does not verify passed")
			}
		}
		got := copies(t, s.c.Data)
		if len(got) != 3 || filepath.Base(got[2]) != "relevo-latest.bad" {
			t.Errorf("%v, want the two good copies and the latest bad one", got)
		}
	})
}

func TestUnfinishedCopiesAreSweptAtTheStart(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	if err := os.Mkdir(filepath.Join(c.Data, "backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"backups/relevo-1.db", "backups/relevo-2.db.part", "backup-123", "relevo.db"} {
		if err := os.WriteFile(filepath.Join(c.Data, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&server{c: c}).sweep(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"backups/relevo-1.db": true, "backups/relevo-2.db.part": false, "backup-123": false, "relevo.db": true} {
		if exists(filepath.Join(c.Data, name)) != want {
			t.Errorf("%s: there is %v, want %v", name, !want, want)
		}
	}
}
