// Package media fetches the file behind a link, and keeps it for a while.
//
// It knows what a file is (its bytes, its real type, whether WhatsApp would
// take it as what it was announced as) and why one could not be had, in words
// for the person who gave the link. It knows no message and no channel: a file
// is kept under a key that its caller chose.
package media

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"relevo/relay/guard"
)

// Store fetches files and keeps them: in its folder or, where it has a Keeper,
// there. It may be used by many goroutines at once, but only one process may
// have the folder open.
type Store struct {
	root   *os.Root
	client *http.Client
	shared Keeper
}

// Keeper keeps files where every node finds them. Its methods may be called
// concurrently.
type Keeper interface {
	// Put keeps size bytes of r under a key, whole or not at all, in place of
	// what was there.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// Open reads a file; fs.ErrNotExist where there is none.
	Open(key string) (io.ReadCloser, error)
	// Remove forgets a file; one that is not there is no error.
	Remove(key string) error
	// Keys calls fn with the key of every file and when it was kept. fn may
	// call Remove.
	Keys(fn func(key string, at time.Time)) error
}

// Share keeps files with k from now on; the folder is only for those that are
// being fetched. Call it before anything else.
func (s *Store) Share(k Keeper) { s.shared = k }

// unfinished is the folder of files that are being fetched.
const unfinished = "tmp"

// maxKey bounds a key, in bytes, so that every file system holds it.
const maxKey = 128

// Open opens the folder dir, which is made if it is not there, and removes
// what unfinished fetches of an earlier process left in it. g says which
// addresses files are fetched from.
func Open(dir string, g guard.Config) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open media: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open media: %w", err)
	}
	if err := errors.Join(root.RemoveAll(unfinished), root.Mkdir(unfinished, 0o700)); err != nil {
		_ = root.Close() // the first error says more
		return nil, fmt.Errorf("open media: %w", err)
	}
	return &Store{root: root, client: guard.New(g)}, nil
}

// Close ends the use of the folder. Fetches must have returned by then; files
// that were opened stay readable.
func (s *Store) Close() error { return s.root.Close() }

// Open opens a kept file for reading; fs.ErrNotExist where there is none.
func (s *Store) Open(key string) (io.ReadCloser, error) {
	name, err := place(key)
	if err != nil {
		return nil, err
	}
	if s.shared != nil {
		return s.shared.Open(key)
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err // and not a nil *os.File in an interface
	}
	return f, nil
}

// Remove forgets a file; one that is not there is no error.
func (s *Store) Remove(key string) error {
	name, err := place(key)
	if err != nil {
		return err
	}
	if s.shared != nil {
		return s.shared.Remove(key)
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Keys calls fn with the key of every kept file and when it was kept, in no
// order. fn may call Remove. A file that comes or goes meanwhile may be missed.
func (s *Store) Keys(fn func(key string, at time.Time)) error {
	if s.shared != nil {
		return s.shared.Keys(fn)
	}
	folders, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if !folder.IsDir() || folder.Name() == unfinished {
			continue
		}
		files, err := fs.ReadDir(s.root.FS(), folder.Name())
		if err != nil {
			return err
		}
		for _, file := range files {
			key := keyOf(file.Name())
			name, err := place(key)
			if err != nil || name != folder.Name()+"/"+file.Name() {
				continue // not one of ours
			}
			info, err := file.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			fn(key, info.ModTime())
		}
	}
	return nil
}

// place is where a key's file lies: in one of 256 folders, so that none grows
// too long. Some file systems take no colon in a name; = stands for it there.
func place(key string) (string, error) {
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return !keyRune(r) }) {
		return "", fmt.Errorf("media: %.200q is not a key", key)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash takes everything
	return fmt.Sprintf("%02x/%s", h.Sum32()&0xff, strings.ReplaceAll(key, ":", "=")), nil
}

func keyOf(file string) string { return strings.ReplaceAll(file, "=", ":") }

func keyRune(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == ':' || r == '-'
}
