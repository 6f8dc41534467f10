package boltstore

import (
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// compactTx is how many bytes one transaction of a compaction carries.
const compactTx = 64 << 20

// Compact writes the live rows of one database into a new file, which never
// had a free page: bbolt's files do not shrink by themselves
// (https://github.com/etcd-io/bbolt/issues/401). The source must not be open
// elsewhere; it is not changed.
func Compact(from, to string) (err error) {
	src, err := bolt.Open(from, 0o600, &bolt.Options{ReadOnly: true, Timeout: openTimeout})
	if errors.Is(err, berrors.ErrTimeout) {
		return inUse(from)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", from, err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("%s exists already", to)
	}
	dst, err := bolt.Open(to, 0o600, &bolt.Options{Timeout: openTimeout, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, NoSync: true})
	if err != nil {
		return fmt.Errorf("make %s: %w", to, err)
	}
	err = bolt.Compact(dst, src, compactTx)
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return errors.Join(fmt.Errorf("compact %s: %w", from, err), os.Remove(to))
	}
	return nil
}
