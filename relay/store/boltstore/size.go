package boltstore

import (
	"os"

	bolt "go.etcd.io/bbolt"
)

// Size is how many bytes the file has, and how many of them are in use: the
// rest are free pages, taken again before the file grows. Compact gives them
// back to the disk.
func (s *Store) Size() (file, used int64, err error) {
	err = s.db.View(func(b *bolt.Tx) error { // its high-water mark is what was ever in use
		used = b.Size()
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	st, err := os.Stat(s.opt.Path)
	if err != nil {
		return 0, 0, err
	}
	return st.Size(), used - int64(s.db.Stats().FreeAlloc), nil
}
