// Package media fetches the file behind a link, and keeps it for a while.
//
// It knows what a file is (its bytes, its real type, whether WhatsApp would
// take it as what it was announced as) and why one could not be had, in words
// for the person who gave the link. It knows no message and no channel: a file
// is kept under a key that its caller chose.
package media

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"relevo/relay/guard"
)

// Store is a folder of fetched files. It may be used by many goroutines at
// once, but only one process may have the folder open.
type Store struct {
	root   *os.Root
	client *http.Client
}

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
func (s *Store) Open(key string) (*os.File, error) {
	name, err := place(key)
	if err != nil {
		return nil, err
	}
	return s.root.Open(name)
}

// Remove forgets a file; one that is not there is no error.
func (s *Store) Remove(key string) error {
	name, err := place(key)
	if err != nil {
		return err
	}
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Keys calls fn with the key of every kept file and when it was kept, in no
// order. fn may call Remove. A file that comes or goes meanwhile may be missed.
func (s *Store) Keys(fn func(key string, at time.Time)) error {
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
