package boltstore

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"relevo/relay"
)

// tx is a relay.Tx: reads fall through the overlays to the file; writes stay
// in the function's own overlay. Without one it only reads.
type tx struct {
	s *Store
	b *bolt.Tx
	o *overlay
}

var _ relay.Tx = (*tx)(nil)

var errReadOnly = errors.New("write in a View")

// raw finds a row's sealed bytes; nil where there is none.
func (t *tx) raw(b bucket, key string) []byte {
	if v, found := t.o.row(b, key); found {
		return v
	}
	if bk := t.b.Bucket(b.name()); bk != nil {
		return bk.Get([]byte(key))
	}
	return nil // a file of before this table, opened for reading
}

func (t *tx) write(b bucket, key string, v []byte) error {
	if t.o == nil {
		return errReadOnly
	}
	if key == "" || len(key) > bolt.MaxKeySize {
		return fmt.Errorf("table %s takes no key of %d bytes", bucketNames[b], len(key)) // of this function alone, not of its group
	}
	t.o.put(b, key, v)
	return nil
}

func (t *tx) delete(b bucket, key string) error { return t.write(b, key, nil) }

// get decodes a row. relay.ErrNotFound where there is none.
func get[T any](t *tx, b bucket, key string) (T, error) {
	v := t.raw(b, key)
	if v == nil {
		var none T
		return none, relay.ErrNotFound
	}
	return decode[T](b, key, v)
}

func put[T any](t *tx, b bucket, key string, v T) error {
	enc, err := encode(b, key, v)
	if err != nil {
		return err
	}
	return t.write(b, key, enc)
}

// orZero is get, with the zero value where there is no row.
func orZero[T any](t *tx, b bucket, key string) (T, error) {
	v, err := get[T](t, b, key)
	if errors.Is(err, relay.ErrNotFound) {
		return v, nil
	}
	return v, err
}
