package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"relevo/quota"
	"relevo/relay"
	"relevo/relay/store/boltstore"
)

func TestAFullDiskWritesNothingAndTheStoreGoesOn(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	opt.MaxSize = 512 << 10
	s := openFile(t, opt)
	if err := grant(t, s, ws, "first"); err != nil {
		t.Fatal(err)
	}
	big := relay.Workspace{ID: relay.NewID("ws_"), Name: strings.Repeat("x", 1<<20)}
	for n := range 3 {
		err := s.Update(t.Context(), func(tx relay.Tx) error {
			return errors.Join(quota.Grant(t.Context(), tx, ws, "lost", 1, time.Now()), tx.PutWorkspace(t.Context(), big))
		})
		if !errors.Is(err, relay.ErrDiskFull) {
			t.Fatalf("a write beyond the file's limit: %v, want ErrDiskFull", err)
		}
		if err := grant(t, s, ws, fmt.Sprint("small", n)); err != nil {
			t.Fatalf("a small write after it: %v", err)
		}
	}
	err := s.View(t.Context(), func(tx relay.Tx) error {
		if _, err := tx.Workspace(t.Context(), big.ID); !errors.Is(err, relay.ErrNotFound) {
			t.Errorf("the workspace of a refused write: %v", err)
		}
		a, err := tx.Account(t.Context(), ws)
		if a.Granted != 4 {
			t.Errorf("granted %d, want 4: without the refused ones", a.Granted)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if v := violations(t, s); len(v) > 0 {
		t.Errorf("verify: %q", v)
	}
	select {
	case <-s.Failed():
		t.Error("a clean refusal was taken for a commit in doubt")
	default:
	}
}

func TestWithinTheReserveClaimsStop(t *testing.T) {
	opt := fresh(t)
	opt.Reserve = 1 << 60
	s := openFile(t, opt)
	if s.Free() >= 0 {
		t.Fatalf("free: %d, want less than nothing", s.Free())
	}
	err := s.Claim(t.Context(), "n", 1, time.Now(), nil, func() {})
	if !errors.Is(err, relay.ErrDiskFull) {
		t.Errorf("claim: %v, want ErrDiskFull", err)
	}
	if err := grant(t, s, relay.NewID("ws_"), "g"); err != nil {
		t.Errorf("calls in flight settle within the reserve: %v", err)
	}
}

func TestAKeyThatIsTooLongFailsItsOwnFunctionAlone(t *testing.T) {
	s, ws := openFile(t, fresh(t)), relay.NewID("ws_")
	gun := make(chan struct{})
	var g sync.WaitGroup
	for i := range 40 {
		g.Go(func() {
			<-gun
			err := s.Update(t.Context(), func(tx relay.Tx) error {
				if i%4 == 0 {
					return tx.PutChat(t.Context(), relay.Chat{Workspace: ws, Channel: "ch", Recipient: fmt.Sprint(i), ID: fmt.Sprint(i), Name: strings.Repeat("x", 40_000)})
				}
				return quota.Grant(t.Context(), tx, ws, fmt.Sprint(i), 1, time.Now())
			})
			if (err != nil) != (i%4 == 0) {
				t.Errorf("caller %d got %v", i, err)
			}
		})
	}
	close(gun)
	g.Wait()
}

func TestTransactionsThatWaitShareACommit(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	var mu sync.Mutex
	commits, carried, largest := 0, 0, 0
	opt.OnCommit = func(took time.Duration, group int) {
		mu.Lock()
		defer mu.Unlock()
		commits, carried, largest = commits+1, carried+group, max(largest, group)
	}
	s := openFile(t, opt)
	const callers = 64
	inside, release := make(chan struct{}), make(chan struct{})
	var g sync.WaitGroup
	g.Go(func() { // keeps the writer busy until all others wait
		_ = s.Update(t.Context(), func(tx relay.Tx) error {
			close(inside)
			<-release
			return tx.PutAccount(t.Context(), quota.Account{ID: ws})
		})
	})
	<-inside
	for i := range callers {
		g.Go(func() {
			if err := grant(t, s, ws, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	boltstore.AwaitWaiting(s, callers)
	close(release)
	g.Wait()
	if err := s.Close(); err != nil { // the last commit has been told of by then
		t.Fatal(err)
	}
	if carried != callers+1 || largest < callers {
		t.Errorf("%d commits made %d transactions durable, the largest %d; want %d, the largest at least %d", commits, carried, largest, callers+1, callers)
	}
}

func TestATransactionThatWaitsIsWithdrawnWithItsContext(t *testing.T) {
	s, ws := openFile(t, fresh(t)), relay.NewID("ws_")
	inside, release := make(chan struct{}), make(chan struct{})
	var g sync.WaitGroup
	g.Go(func() {
		err := s.Update(t.Context(), func(relay.Tx) error { close(inside); <-release; return nil })
		if err != nil {
			t.Errorf("the transaction in hand: %v", err)
		}
	})
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn := make(chan error)
	go func() {
		withdrawn <- s.Update(ctx, func(relay.Tx) error { t.Error("a withdrawn transaction ran"); return nil })
	}()
	boltstore.AwaitWaiting(s, 1)
	cancel()
	if err := <-withdrawn; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(release)
	g.Wait()
	if err := grant(t, s, ws, "after"); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// busy writes until stop is called.
func busy(t *testing.T, s *boltstore.Store, ws string) (stop func()) {
	t.Helper()
	end := make(chan struct{})
	started := make(chan struct{})
	var once sync.Once
	var g sync.WaitGroup
	for c := range 4 {
		g.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				default:
				}
				if err := grant(t, s, ws, fmt.Sprintf("%d-%d", c, n)); err != nil {
					t.Error(err)
					return
				}
				if n == 10 {
					once.Do(func() { close(started) })
				}
			}
		})
	}
	<-started
	return func() { close(end); g.Wait() }
}

func TestABackupUnderLoadVerifies(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	s := openFile(t, opt)
	stop := busy(t, s, ws)
	defer stop()
	for n := range 3 {
		copied := opt
		copied.Path = filepath.Join(t.TempDir(), "copy.db")
		if err := s.Backup(t.Context(), copied.Path); err != nil {
			t.Fatalf("backup: %v", err)
		}
		copied.ReadOnly = n%2 == 0
		c := openFile(t, copied)
		if v := violations(t, c); len(v) > 0 {
			t.Errorf("copy %d: %q", n, v)
		}
		if _, err := os.Stat(copied.Path + ".part"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a partial copy was left: %v", err)
		}
	}
}

func TestAnAcknowledgedWriteIsInACopyMadeAfterIt(t *testing.T) {
	opt, ws := fresh(t), relay.NewID("ws_")
	opt.NoSync = false
	s := openFile(t, opt)
	for n := range 20 {
		if err := grant(t, s, ws, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
		// what a crash at this moment would leave: the file as it is, without Close
		left := boltstore.Options{Path: filepath.Join(t.TempDir(), "left.db"), NoSync: true}
		if err := copyFile(opt.Path, left.Path); err != nil {
			t.Fatal(err)
		}
		c := openFile(t, left)
		err := c.View(t.Context(), func(tx relay.Tx) error {
			a, err := tx.Account(t.Context(), ws)
			if a.Granted != int64(n+1) {
				t.Errorf("after a crash granted is %d, want %d", a.Granted, n+1)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if v := violations(t, c); len(v) > 0 {
			t.Errorf("after a crash: %q", v)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func TestABoundedFileStopsAcceptsWhileThereIsRoomToSettle(t *testing.T) {
	synctest.Test(t, boundedFile)
}

func boundedFile(t *testing.T) {
	opt := fresh(t)
	opt.MaxSize, opt.Reserve = 20<<20, 64<<20
	s := openFile(t, opt)
	if free := s.Free(); free < 8<<20 {
		t.Fatalf("an empty file has room for %d bytes", free)
	}
	w := relay.Workspace{Name: strings.Repeat("x", 1<<20)}
	for n := 0; ; n++ {
		if n > 20 {
			t.Fatal("the file is never full")
		}
		time.Sleep(time.Second) // what it said is kept for a moment
		if s.Free() < 0 {
			break
		}
		w.ID = relay.NewID("ws_")
		if err := s.Update(t.Context(), func(tx relay.Tx) error { return tx.PutWorkspace(t.Context(), w) }); err != nil {
			t.Fatalf("refused before the room was used up: %v", err)
		}
	}
	if err := s.Claim(t.Context(), "n", 1, time.Now(), nil, nil); !errors.Is(err, relay.ErrDiskFull) {
		t.Errorf("claim: %v, want ErrDiskFull", err)
	}
	for n := range 3 { // what settles still fits
		if err := grant(t, s, w.ID, fmt.Sprint(n)); err != nil {
			t.Errorf("a small write: %v", err)
		}
	}
}
