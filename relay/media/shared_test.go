package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"relevo/relay/guard"
)

// shelf is a keeper in memory.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte
	// full is what Put answers after it read everything; nil keeps it.
	full error
}

func (s *shelf) Put(_ context.Context, key string, r io.Reader, size int64) error {
	b, err := io.ReadAll(r)
	if err == nil && int64(len(b)) != size {
		err = io.ErrUnexpectedEOF
	}
	if err := errors.Join(err, s.full); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[key] = b
	return nil
}

func (s *shelf) Open(key string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.files[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (s *shelf) Remove(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, key)
	return nil
}

func (s *shelf) Keys(fn func(key string, at time.Time)) error {
	s.mu.Lock()
	var all []string
	for key := range s.files {
		all = append(all, key)
	}
	s.mu.Unlock()
	for _, key := range all {
		fn(key, time.Now())
	}
	return nil
}

// onDisk are the files under a folder, by their path in it.
func onDisk(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const sharedKey = "ws_00000000000000000000:3EB0000000000000000001"

// What a file is kept in makes no difference to whoever keeps and reads it.
func TestTheFolderAndAKeeperDoTheSame(t *testing.T) {
	for name, share := range map[string]bool{"folder": false, "keeper": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			if share {
				s.Share(&shelf{files: map[string][]byte{}})
			}
			for _, body := range []string{"", "x", strings.Repeat("ab", 500_000), "last"} { // each in place of the one before
				keep(t, s, sharedKey, body)
				if got := read(t, s, sharedKey); got != body {
					t.Errorf("of %d bytes %d came back, or others", len(body), len(got))
				}
			}
			broken := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("broken")))
			if _, err := s.keep(t.Context(), sharedKey, broken, 100); err == nil {
				t.Error("a source that broke was kept")
			}
			if _, err := s.keep(t.Context(), sharedKey, strings.NewReader("12345"), 4); !errors.Is(err, errOverLimit) {
				t.Errorf("a file over the limit: %v", err)
			}
			if got := read(t, s, sharedKey); got != "last" {
				t.Errorf("after two failures %q is kept, want what was there", got)
			}
			if got := keys(t, s); len(got) != 1 || !got[sharedKey] {
				t.Errorf("keys %v", got)
			}
			for range 2 { // the second finds nothing, which is no error
				if err := s.Remove(sharedKey); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Open(sharedKey); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("opened with %v, want fs.ErrNotExist", err)
			}
			if left := onDisk(t, dir); len(left) != 0 {
				t.Errorf("left on the disk: %v", left)
			}
		})
	}
}

func TestAFetchedFileGoesToTheKeeperAndLeavesTheDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, loopback())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	k := &shelf{files: map[string][]byte{}}
	s.Share(k)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, png) })
	r := Request{Key: sharedKey, URL: url, Name: "a.png", Kind: KindOf("a.png"), Limit: 1000}

	f, err := s.Fetch(t.Context(), r)
	if err != nil || f.Type != "image/png" || f.Size != int64(len(png)) {
		t.Fatalf("got %+v, %v", f, err)
	}
	if got := string(k.files[sharedKey]); got != png {
		t.Errorf("the keeper has %q", got)
	}
	if left := onDisk(t, dir); len(left) != 0 {
		t.Errorf("left on the disk: %v", left)
	}
}

// The link was fine, so the person who gave it must not be told otherwise.
func TestAKeeperThatFailsIsAFaultOfOursAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, loopback())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	full := errors.New("the database is away")
	k := &shelf{files: map[string][]byte{}, full: full}
	s.Share(k)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, png) })

	_, err = s.Fetch(t.Context(), Request{Key: sharedKey, URL: url, Name: "a.png", Kind: KindOf("a.png"), Limit: 1000})
	if _, theirs := errors.AsType[*Error](err); theirs || !errors.Is(err, full) {
		t.Errorf("got %v, want the keeper's error and no *Error", err)
	}
	if left := onDisk(t, dir); len(k.files) != 0 || len(left) != 0 {
		t.Errorf("kept %d, left on the disk %v", len(k.files), left)
	}
}

func TestAKeyThatIsNoneNeverReachesTheKeeper(t *testing.T) {
	s, err := Open(t.TempDir(), guard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	k := &shelf{files: map[string][]byte{"../x": []byte("x")}}
	s.Share(k)
	_, opened := s.Open("../x")
	_, kept := s.keep(t.Context(), "../x", strings.NewReader("y"), 10)
	if opened == nil || kept == nil || s.Remove("../x") == nil || string(k.files["../x"]) != "x" {
		t.Errorf("opened: %v, kept: %v, there is %q", opened, kept, k.files["../x"])
	}
}

var _ Keeper = (*shelf)(nil)
