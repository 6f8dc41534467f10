package boltstore

import (
	"runtime"
	"strconv"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// SetSchema makes a closed file look like one of another schema.
func SetSchema(t *testing.T, path string, v int) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(b *bolt.Tx) error {
		return b.Bucket(bMeta.name()).Put([]byte("schema"), seal(bMeta, "schema", []byte(strconv.Itoa(v))))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// AwaitWaiting returns once n transactions wait for the writer.
func AwaitWaiting(s *Store, n int) {
	for len(s.in) < n {
		runtime.Gosched()
	}
}
