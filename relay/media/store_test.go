package media

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relevo/relay/guard"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, guard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func keep(t *testing.T, s *Store, key, body string) {
	t.Helper()
	if _, err := s.keep(t.Context(), key, strings.NewReader(body), 1<<20); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *Store, key string) string {
	t.Helper()
	f, err := s.Open(key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var b strings.Builder
	if _, err := io.Copy(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func keys(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	if err := s.Keys(func(key string, at time.Time) {
		all[key] = true
		if age := time.Since(at); age < -time.Minute || age > time.Minute {
			t.Errorf("%s was kept %s ago", key, age)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAFileIsKeptReplacedListedAndForgotten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	keep(t, s, "wa_backend:3EB0AA", "one")
	keep(t, s, "wa_backend:3EB0AB", "two")
	keep(t, s, "wa_backend:3EB0AA", "three")

	s = open(t, dir) // a new process
	if got := read(t, s, "wa_backend:3EB0AA"); got != "three" {
		t.Errorf("got %q", got)
	}
	want := map[string]bool{"wa_backend:3EB0AA": true, "wa_backend:3EB0AB": true}
	if got := keys(t, s); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range 2 { // the second finds nothing, which is no error
		if err := s.Remove("wa_backend:3EB0AA"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open("wa_backend:3EB0AA"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if got := read(t, s, "wa_backend:3EB0AB"); got != "two" {
		t.Errorf("got %q", got)
	}
}

func TestEveryFileMayBeRemovedWhileTheyAreListed(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 50 {
		keep(t, s, "k"+strings.Repeat("x", i), "body")
	}
	seen := 0
	if err := s.Keys(func(key string, _ time.Time) {
		seen++
		if err := s.Remove(key); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if left := keys(t, s); seen != 50 || len(left) != 0 {
		t.Errorf("saw %d, left %v", seen, left)
	}
}

func TestAKeyNeverLeavesTheFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "media"))
	for _, key := range []string{
		"", ".", "..", "../outside", "/etc/passwd", `..\outside`, "a/b", "a.b", "a=b", "a b", "a\x00b", "ä", strings.Repeat("a", 129),
	} {
		_, opened := s.Open(key)
		_, kept := s.keep(t.Context(), key, strings.NewReader("y"), 10)
		_, fetched := s.Fetch(t.Context(), Request{Key: key, URL: "https://example.com/a", Limit: 10})
		for _, err := range []error{opened, kept, fetched, s.Remove(key)} {
			if _, ours := errors.AsType[*Error](err); err == nil || ours {
				t.Errorf("%q: got %v, want a fault of the caller", key, err)
			}
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "x" {
		t.Errorf("the file outside: %q, %v", b, err)
	}
}

// A link planted in the folder must not lead out of it.
func TestALinkOutOfTheFolderIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "media"))
	name, err := place("key")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "media", filepath.Dir(name))); err != nil {
		t.Skip(err)
	}
	if _, err := s.keep(t.Context(), "key", strings.NewReader("y"), 10); err == nil {
		t.Error("a file was kept through the link")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("outside: %v", left)
	}
}

func TestLeftoversAndStrangersAreNoFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	keep(t, s, "kept", "body")
	for _, name := range []string{"tmp/LEFTOVER", "README", "00/kept", "00/not.a.key"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir)
	if got := keys(t, s); !maps.Equal(got, map[string]bool{"kept": true}) {
		t.Errorf("got %v", got)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestKeptFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "media"))
	keep(t, s, "key", "body")
	err := filepath.WalkDir(filepath.Join(dir, "media"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
