package pgstore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
	"relevo/relay/store/storetest"
)

// opener opens stores on one server: a folder of the suite is a database.
func opener(t *testing.T) storetest.Open {
	t.Helper()
	c := pgtest.New(t, pgtest.Options{})
	template, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := pgstore.Migrate(t.Context(), c.URL(template)); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, dir string) relay.Store {
		t.Helper()
		ctx := context.WithoutCancel(t.Context())
		at := filepath.Join(dir, "database")
		name, err := os.ReadFile(at)
		if errors.Is(err, fs.ErrNotExist) {
			var fresh string
			if fresh, err = c.Create(ctx, template); err == nil {
				name, err = []byte(fresh), os.WriteFile(at, []byte(fresh), 0o600)
				t.Cleanup(func() {
					if err := c.Drop(ctx, fresh); err != nil {
						t.Errorf("drop %s: %v", fresh, err)
					}
				})
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := pgstore.Open(ctx, pgstore.Options{URL: c.URL(string(name)), OwnClock: true, Connections: 6})
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		return s
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, opener(t))
}

func TestStoreTwice(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Twice(opener(t)))
}

func TestProperty(t *testing.T) {
	t.Parallel()
	storetest.Property(t, opener(t))
}
