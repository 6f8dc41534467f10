package boltstore

import (
	"math"
	"os"
	"path/filepath"
	"time"

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

// freeEvery is how often the disk is asked: the reserve outlasts it.
const freeEvery = 100 * time.Millisecond

// Free is how many bytes may be written before the reserve is touched: of the
// disk and, where the file's size is bounded, of the file. What cannot be told
// counts as room: the commit itself refuses cleanly.
func (s *Store) Free() int64 {
	if s.opt.Reserve <= 0 {
		return math.MaxInt64
	}
	now := time.Now().UnixNano()
	if at := s.freeAt.Load(); now-at < int64(freeEvery) && at != 0 {
		return s.free.Load()
	}
	free := min(s.freeOfDisk(), s.freeOfFile())
	s.free.Store(free)
	s.freeAt.Store(now)
	return free
}

func (s *Store) freeOfDisk() int64 {
	free, err := freeBytes(filepath.Dir(s.opt.Path))
	if err != nil {
		return math.MaxInt64
	}
	return free - s.opt.Reserve
}

// freeOfFile is what fits into a bounded file: its free pages, and as many
// steps of growth as its bound allows. The reserve is at most a quarter of the
// bound, so that a small one leaves room for messages.
func (s *Store) freeOfFile() int64 {
	bound := int64(s.opt.MaxSize)
	file, used, err := s.Size()
	if bound <= 0 || err != nil {
		return math.MaxInt64
	}
	step := int64(s.db.AllocSize)
	most := file + max(0, bound-file)/step*step
	return most - used - min(s.opt.Reserve, bound/4)
}
