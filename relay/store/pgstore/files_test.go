package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// database is a pool on a new database with the schema.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	c := pgtest.New(t, pgtest.Options{})
	name, err := c.Create(t.Context(), "")
	if err == nil {
		err = pgstore.Migrate(t.Context(), c.URL(name))
	}
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(context.WithoutCancel(t.Context()), c.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func content(t *testing.T, f *pgstore.Files, key string) []byte {
	t.Helper()
	r, err := f.Open(key)
	if err != nil {
		t.Fatalf("open %s: %v", key, err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.IntN(256))
	}
	return b
}

func TestFilesComeBackWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	f := pgstore.NewFiles(database(t))
	const key = "ws_00000000000000000000:3EB0000000000000000001"
	for _, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 3 << 20} { // each in place of the one before
		want := random(size)
		if err := f.Put(t.Context(), key, bytes.NewReader(want), int64(size)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, f, key); !bytes.Equal(got, want) {
			t.Errorf("of %d bytes %d came back, or others", size, len(got))
		}
	}
	kept := content(t, f, key)
	for what, r := range map[string]io.Reader{"too short": bytes.NewReader(random(10)), "broken": io.MultiReader(bytes.NewReader(random(300<<10)), iotest.ErrReader(errors.New("broken")))} {
		if err := f.Put(t.Context(), key, r, 400<<10); err == nil {
			t.Errorf("a source that is %s was kept", what)
		}
	}
	if !bytes.Equal(content(t, f, key), kept) {
		t.Error("a Put that failed changed what was there")
	}
}

func TestAFileThatIsRemovedWhileItIsReadEndsInAnError(t *testing.T) {
	t.Parallel()
	f := pgstore.NewFiles(database(t))
	const key = "ws_00000000000000000000:3EB0000000000000000001"
	body := random(1 << 20)
	if err := f.Put(t.Context(), key, bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // one that is not there is no error
		if err := f.Remove(key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadAll(r); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the rest was read with %v, want fs.ErrNotExist", err)
	}
	if _, err := f.Open(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened with %v, want fs.ErrNotExist", err)
	}
}

// Pieces of two files must never be read as one.
func TestAFileThatIsReplacedWhileItIsReadEndsInAnError(t *testing.T) {
	t.Parallel()
	f := pgstore.NewFiles(database(t))
	const key = "ws_00000000000000000000:3EB0000000000000000001"
	put := func() {
		t.Helper()
		if err := f.Put(t.Context(), key, bytes.NewReader(random(1<<20)), 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	put()
	r, err := f.Open(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	put()
	if _, err := io.ReadAll(r); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the rest was read with %v, want fs.ErrNotExist", err)
	}
}

// A store that was moved here may bring keys that name no workspace.
func TestAKeyWithoutAWorkspaceComesBackAsItWasGiven(t *testing.T) {
	t.Parallel()
	f := pgstore.NewFiles(database(t))
	const key = "3EB0000000000000000001"
	if err := f.Put(t.Context(), key, bytes.NewReader([]byte("x")), 1); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := f.Keys(func(key string, _ time.Time) { got = append(got, key) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != key {
		t.Errorf("keys %q, want %q", got, key)
	}
	if string(content(t, f, key)) != "x" {
		t.Error("its content is another")
	}
}

func TestKeysTellOfEveryFileAlsoWhileTheyAreRemoved(t *testing.T) {
	t.Parallel()
	f := pgstore.NewFiles(database(t))
	const n = 1100 // more than two pages
	for i := range n {
		if err := f.Put(t.Context(), fmt.Sprintf("ws_%020d:3EB0%018d", i%3, i), bytes.NewReader([]byte("x")), 1); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	err := f.Keys(func(key string, at time.Time) {
		if since := time.Since(at); since < -time.Minute || since > time.Minute {
			t.Errorf("%s was kept at %v", key, at)
		}
		seen[key] = true
		if err := f.Remove(key); err != nil {
			t.Error(err)
		}
	})
	if err != nil || len(seen) != n {
		t.Errorf("%d keys (%v), want %d", len(seen), err, n)
	}
}

func TestLinesOfAllNodesComeNewestFirst(t *testing.T) {
	t.Parallel()
	pool := database(t)
	a, b := pgstore.NewLines(pool), pgstore.NewLines(pool)
	for i := range 6 {
		if err := []*pgstore.Lines{a, b}[i%2].Append(t.Context(), "ws_1", "ch_1", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Append(t.Context(), "ws_2", "ch_1", []byte("other")); err != nil {
		t.Fatal(err)
	}
	got, err := b.Tail(t.Context(), "ws_1", "ch_1", 4)
	if err != nil || fmt.Sprintf("%s", got) != "[5 4 3 2]" {
		t.Errorf("the last four lines are %s (%v)", got, err)
	}
	if n, err := a.Prune(t.Context(), time.Now().Add(time.Hour), 5); err != nil || n != 5 {
		t.Errorf("%d lines were forgotten (%v), want 5", n, err)
	}
}
