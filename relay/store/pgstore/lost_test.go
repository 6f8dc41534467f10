package pgstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relevo/quota"
	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// wire is a way to the database that can be cut at a chosen moment.
type wire struct {
	t     *testing.T
	to    string
	l     net.Listener
	armed atomic.Pointer[cut]
	mu    sync.Mutex
	open  []net.Conn
	// dead wires take nobody.
	dead atomic.Bool
}

// cut says at which bytes, and on which way, the connection ends. The bytes
// themselves do not arrive.
type cut struct {
	at         []byte
	fromServer bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, to: to, l: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil || w.dead.Load() {
				c.Close()
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, c, s)
			w.mu.Unlock()
			all.Go(func() { w.carry(s, c, false) })
			all.Go(func() { w.carry(c, s, true) })
		}
	})
	t.Cleanup(func() { l.Close(); w.cutAll(); all.Wait() })
	return w
}

func (w *wire) carry(to, from net.Conn, fromServer bool) {
	defer to.Close()
	defer from.Close()
	for b := make([]byte, 1<<20); ; {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if c := w.armed.Load(); c != nil && c.fromServer == fromServer && bytes.Contains(b[:n], c.at) && w.armed.CompareAndSwap(c, nil) {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (w *wire) cutAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		c.Close()
	}
	w.open = nil
}

// wired is a store whose way to the database can be cut.
func wired(t *testing.T, log io.Writer) (*pgstore.Store, *wire) {
	t.Helper()
	c := pgtest.New(t, pgtest.Options{})
	name, err := c.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, fmt.Sprintf("127.0.0.1:%d", c.Port()))
	url := strings.Replace(c.URL(name), fmt.Sprint(c.Port()), fmt.Sprint(w.l.Addr().(*net.TCPAddr).Port), 1)
	s, err := pgstore.Open(context.WithoutCancel(t.Context()), pgstore.Options{URL: url, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, w
}

// locked is a buffer for several goroutines.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestALostConnectionAtCommitIsResolved grants units while the connection is
// cut: before the writes arrive, and after the COMMIT has happened. Either way
// each grant happens once, and its caller is told so.
func TestALostConnectionAtCommitIsResolved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		cut      cut
		happened bool
	}{
		{"the answer is lost", cut{[]byte("COMMIT\x00"), true}, true},
		{"the writes are lost", cut{[]byte("grant-"), false}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log locked
			s, w := wired(t, &log)
			ws := relay.NewID("ws_")
			for i := range 10 {
				ran := 0
				// The second grant posts nothing new where the first one
				// happened, so a group that ran again by mistake shows in the
				// units that each run adds by itself.
				w.armed.Store(&c.cut)
				err := s.Update(t.Context(), func(tx relay.Tx) error {
					ran++
					if err := quota.Grant(t.Context(), tx, ws, fmt.Sprintf("grant-%d", i), 1, time.Now()); err != nil {
						return err
					}
					return tx.Count(t.Context(), ws, time.Unix(0, 0), relay.Counts{Channel: "c", Sent: 1})
				})
				if err != nil {
					t.Fatalf("grant %d: %v", i, err)
				}
				if w.armed.Load() != nil {
					t.Fatal("the connection was not cut: the test did not test")
				}
			}
			counts, err := s.Counts(t.Context(), ws, time.Time{}, time.Time{})
			if err != nil || len(counts) != 1 || counts[0].Sent != 10 {
				t.Errorf("ten transactions happened %v times (%v)", counts, err)
			}
			if got := strings.Count(log.String(), "it had happened"); (got == 10) != c.happened {
				t.Errorf("%d of ten commits had happened by what the store says:\n%s", got, log.String())
			}
		})
	}
}

// TestAStoreThatCannotBeReachedSaysSoSoonAndGoesOnLater takes the database
// away and gives it back.
func TestAStoreThatCannotBeReachedSaysSoSoonAndGoesOnLater(t *testing.T) {
	t.Parallel()
	s, w := wired(t, io.Discard)
	ws := relay.NewID("ws_")
	grant := func(ref string) error {
		return s.Update(t.Context(), func(tx relay.Tx) error { return quota.Grant(t.Context(), tx, ws, ref, 1, time.Now()) })
	}
	if err := grant("before"); err != nil {
		t.Fatal(err)
	}
	w.dead.Store(true)
	w.cutAll()
	began := time.Now()
	if err := grant("meanwhile"); !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	err := s.View(t.Context(), func(tx relay.Tx) error { _, err := tx.Account(t.Context(), ws); return err })
	if !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("view: %v, want ErrUnavailable", err)
	}
	if _, err := s.NextDue(t.Context(), "n", time.Now()); !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("next due: %v, want ErrUnavailable", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("three calls took %v", took)
	}
	w.dead.Store(false)
	if err := grant("after"); err != nil {
		t.Errorf("after the database came back: %v", err)
	}
	err = s.View(t.Context(), func(tx relay.Tx) error {
		a, err := tx.Account(t.Context(), ws)
		if a.Granted != 2 {
			t.Errorf("granted %d, want 2", a.Granted)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAnImportWhoseCommitIsLostIsNotRepeated counts twice what is taken in
// twice, so an import that does not know says that it was not finished.
func TestAnImportWhoseCommitIsLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	s, w := wired(t, io.Discard)
	in, err := s.NewImport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ws := relay.NewID("ws_")
	if err := in.Put(relay.Record{Count: &relay.CountRecord{Workspace: ws, Minute: 5, Counts: relay.Counts{Channel: "c", Sent: 7}}}); err != nil {
		t.Fatal(err)
	}
	w.armed.Store(&cut{[]byte("COMMIT\x00"), true})
	err = in.Done()
	if w.armed.Load() != nil {
		t.Fatal("the connection was not cut: the test did not test")
	}
	counts, listErr := s.Counts(t.Context(), ws, time.Time{}, time.Time{})
	if err == nil || in.Done() == nil || listErr != nil || len(counts) != 1 || counts[0].Sent != 7 {
		t.Errorf("done: %v; counts %+v (%v), want an error and 7", err, counts, listErr)
	}
	if err := s.Whole(t.Context()); err == nil {
		t.Error("a database that was filled by half may be served from")
	}
}
