package boltstore_test

import (
	"path/filepath"
	"testing"

	"relevo/relay"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/storetest"
)

func open(t *testing.T, dir string) relay.Store {
	t.Helper()
	s, err := boltstore.Open(boltstore.Options{Path: filepath.Join(dir, "relevo.db"), NoSync: true})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, open)
}

func TestStoreCold(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Cold(open))
}

func TestProperty(t *testing.T) {
	t.Parallel()
	storetest.Property(t, open)
}
