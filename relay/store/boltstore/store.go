// Package boltstore keeps everything in one bbolt file: the embedded default.
//
// One writer goroutine takes every transaction that waits, runs them one
// after the other over one bbolt transaction, and makes them durable with one
// commit. A function writes into an overlay of its own, so that one that fails
// leaves nothing behind. What decides the speed is how many pages a group
// dirties; messages, items and idempotency-free accepts therefore append, and
// the rows of one workspace lie beside each other.
//
// The lanes and their items are also held in memory, in the order in which
// they leave; the file holds the same rows, and Open rebuilds the memory from
// them. The package holds no rule: those are in quota, queue and relay.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"relevo/relay"
)

// Options say where and how. Only Path is needed.
type Options struct {
	// Path of the database file. Its folder must exist.
	Path string
	// Reserve is how many bytes of the disk stay free for calls in flight to
	// settle: accepts and claims stop below it.
	Reserve int64
	// InitialMmap is how much address space to map at once, so that a growing
	// file does not stall readers; bytes.
	InitialMmap int
	// MaxSize bounds the file, bytes; 0 does not.
	MaxSize int
	// NoSync leaves durability to chance. For tests that do not crash.
	NoSync bool
	// ReadOnly opens without writing, for offline checks.
	ReadOnly bool
	// OnCommit is told of each commit: how long it took and how many
	// transactions it made durable. It may be nil.
	OnCommit func(took time.Duration, group int)
	Log      *slog.Logger
}

// Store is a relay.Store on bbolt.
type Store struct {
	db    *bolt.DB
	opt   Options
	lanes *index

	in      chan *request
	closing chan struct{}
	ended   chan struct{}
	failed  chan struct{}

	free, freeAt atomic.Int64
	pruning      sync.Mutex // guards prunedTo: where PruneKeys goes on
	prunedTo     string
	once         sync.Once
}

var _ relay.Store = (*Store)(nil)

// openTimeout is how long to wait for another process to let go of the file.
const openTimeout = time.Second

// Open opens or makes the database. It refuses, in words, a file that another
// process holds, a file on a network file system, and one of a newer schema.
func Open(opt Options) (*Store, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if err := refuseNetwork(filepath.Dir(opt.Path)); err != nil {
		return nil, err
	}
	_, statErr := os.Stat(opt.Path)
	db, err := bolt.Open(opt.Path, 0o600, &bolt.Options{
		Timeout: openTimeout, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, NoSync: opt.NoSync, ReadOnly: opt.ReadOnly,
		InitialMmapSize: opt.InitialMmap, MaxSize: opt.MaxSize,
	})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, inUse(opt.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", opt.Path, err)
	}
	if errors.Is(statErr, os.ErrNotExist) {
		if err := syncDir(filepath.Dir(opt.Path)); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	s := &Store{
		db: db, opt: opt, lanes: newIndex(),
		in: make(chan *request, maxGroup), closing: make(chan struct{}), ended: make(chan struct{}), failed: make(chan struct{}),
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", opt.Path, err), db.Close())
	}
	go s.write()
	return s, nil
}

// ErrInUse means that another process holds the file.
var ErrInUse = errors.New("another process has the database open")

func inUse(path string) error {
	return fmt.Errorf("%w: stop it first, if `relevo serve` is running with %s", ErrInUse, filepath.Dir(path))
}

// prepare brings the schema up to date and fills the memory.
func (s *Store) prepare() error {
	if s.opt.ReadOnly {
		return s.db.View(checkSchema)
	}
	if err := s.db.Update(migrate); err != nil {
		return err
	}
	if err := s.indexChats(); err != nil {
		return err
	}
	return s.db.View(s.load)
}

// Close waits for the transactions in hand and closes the file.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.ended
	return s.db.Close()
}

// Failed is closed when a commit ended in doubt: the process must end and
// start again, because what is durable is known only to the file.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// View runs fn over what is durable now.
func (s *Store) View(ctx context.Context, fn func(relay.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.view(func(t *tx) error { return fn(t) })
}

func (s *Store) view(fn func(*tx) error) error {
	err := s.db.View(func(b *bolt.Tx) error { return fn(&tx{s: s, b: b}) })
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return relay.ErrClosed
	}
	return err
}

// syncDir makes a new file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
