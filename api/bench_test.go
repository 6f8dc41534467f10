package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"relevo/relay"
	"relevo/relay/store/boltstore"
)

// The benchmark's sizes. Figures of one run on one machine compare with each
// other and with nothing else.
const (
	benchTime       = 4 * time.Second
	benchWorkspaces = 1000
	benchPeople     = 5000 // recipients of each bench, so that most chats exist
	benchQueued     = 200_000
)

var benchConns = []int{1, 64, 256}

// TestBench prints what `make bench` promises: durable accepts a second beside
// the same Echo server answering without a store, what an accept writes and
// stores, and a reopening with a long queue.
func TestBench(t *testing.T) {
	if os.Getenv("RELEVO_BENCH") == "" {
		t.Skip("takes a minute and measures only on a quiet machine; run it with `make bench`")
	}
	fmt.Printf("%s, %d cores, GOMAXPROCS %d\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOMAXPROCS(0))
	fmt.Println("| connections | workspaces | no store/s | accepts/s | ratio | p50 ms | p99 ms | KiB written/accept | bytes stored/accept |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, workspaces := range []int{1, benchWorkspaces} {
		for _, conns := range benchConns {
			benchRow(t, workspaces, conns)
		}
	}
	benchReopen(t)
}

// bench is a server with a store on a real disk, fsync and all, whose lanes
// nobody empties.
type bench struct {
	store  *boltstore.Store
	relay  *relay.Relay
	path   string
	tokens []string
}

func newBench(t *testing.T, workspaces int) *bench {
	t.Helper()
	b := &bench{path: filepath.Join(t.TempDir(), "relevo.db")}
	b.open(t)
	for range workspaces {
		w, err := b.relay.CreateWorkspace(t.Context(), "bench")
		fatal(t, err)
		_, err = b.relay.Grant(t.Context(), w.ID, "bench", 1e9)
		fatal(t, err)
		_, err = b.relay.CreateChannel(t.Context(), w.ID, relay.NewChannel{Kind: "none", Phone: "+15105566777"})
		fatal(t, err)
		token, err := b.relay.Token(w)
		fatal(t, err)
		b.tokens = append(b.tokens, token)
	}
	return b
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) open(t *testing.T) {
	t.Helper()
	var err error
	b.store, err = boltstore.Open(boltstore.Options{Path: b.path, InitialMmap: 16 << 30, Reserve: 64 << 20})
	fatal(t, err)
	secrets, err := relay.NewSecrets(bytes.Repeat([]byte("k"), 32))
	fatal(t, err)
	latest, err := b.store.LatestMessage()
	fatal(t, err)
	b.relay, err = relay.New(b.store, map[string]relay.Driver{"none": noDriver{}}, secrets, nil, relay.DefaultSettings(), latest, slog.New(slog.DiscardHandler))
	fatal(t, err)
}

// noDriver is never called: the benchmark dispatches nothing.
type noDriver struct{}

func (noDriver) Send(context.Context, relay.Outgoing) (string, error) { return "", nil }

func benchRow(t *testing.T, workspaces, conns int) {
	b := newBench(t, workspaces)
	defer b.store.Close()
	url := serveBench(t, New(Config{Relay: b.relay, PublicURL: "http://relay.example", Log: slog.New(slog.DiscardHandler)}))
	bare := serveBench(t, withoutStore())
	b.load(t, url, conns, time.Second) // most chats exist from here on
	none := b.load(t, bare, conns, benchTime)
	size, wrote := b.used(t), blockWrites()
	got := b.load(t, url, conns, benchTime)
	n := float64(len(got.took))
	fmt.Printf("| %d | %d | %.0f | %.0f | %.0f %% | %.2f | %.2f | %.1f | %.0f |\n", conns, workspaces, none.rate(), got.rate(), 100*got.rate()/none.rate(),
		got.percentile(50), got.percentile(99), (blockWrites()-wrote)/n/1024, float64(b.used(t)-size)/n)
}

// withoutStore is the same Echo with the same middleware; its handler reads
// the body and answers what an accept answers.
func withoutStore() http.Handler {
	s := &server{Config: Config{Log: slog.New(slog.DiscardHandler)}, fixed: newFixedHeaders()}
	e := echo.New()
	e.Use(s.around)
	e.POST(hookPath, func(c echo.Context) error {
		if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
			return err
		}
		return answerAccepted(c, relay.Accepted{MessageID: "wa_backend:3EB000000000000000000", Available: 1, Position: 1})
	})
	return e
}

func serveBench(t *testing.T, h http.Handler) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

// result is what one load did.
type result struct {
	took    []time.Duration
	elapsed time.Duration
}

func (r result) rate() float64 { return float64(len(r.took)) / r.elapsed.Seconds() }

func (r result) percentile(p int) float64 {
	slices.Sort(r.took)
	return float64(r.took[len(r.took)*p/100]) / float64(time.Millisecond)
}

// load calls the hook from so many connections, each as fast as it is
// answered. The client shares the cores with the server, and is kept thin.
func (b *bench) load(t *testing.T, addr string, conns int, length time.Duration) result {
	return load(t, []string{addr}, b.tokens, conns, length)
}

// load calls the hooks of several nodes.
func load(t *testing.T, addrs, tokens []string, conns int, length time.Duration) result {
	t.Helper()
	var calls atomic.Int64
	took := make([][]time.Duration, conns)
	started := time.Now()
	var all sync.WaitGroup
	for c := range conns {
		all.Go(func() {
			conn, err := net.Dial("tcp", addrs[c%len(addrs)])
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			for time.Since(started) < length {
				n := calls.Add(1)
				began := time.Now()
				if err := callOnce(conn, in, tokens[n%int64(len(tokens))], n); err != nil {
					t.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(began))
			}
		})
	}
	all.Wait()
	return result{took: slices.Concat(took...), elapsed: time.Since(started)}
}

// callOnce writes one call and reads its answer, which must be a 200.
func callOnce(w io.Writer, r *bufio.Reader, token string, n int64) error {
	body := fmt.Sprintf(`{"action":"send","phone":"+1415%07d","text":"Hello, your order %d is on its way and will be with you between ten and noon. Reply to this message to change the time."}`,
		n*7919%benchPeople, n)
	_, err := fmt.Fprintf(w, "POST /hook/%s HTTP/1.1\r\nHost: x\r\nUser-Agent: bench/1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		token, len(body), body)
	if err != nil {
		return err
	}
	length, status := 0, ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		if status == "" {
			status = line
		}
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if length, err = strconv.Atoi(v); err != nil {
				return err
			}
		}
	}
	if _, err := r.Discard(length); err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200") {
		return fmt.Errorf("answered %s", status)
	}
	return nil
}

// used is how many bytes of the file hold something.
func (b *bench) used(t *testing.T) int64 {
	t.Helper()
	_, used, err := b.store.Size()
	fatal(t, err)
	return used
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	fatal(t, err)
	return st.Size()
}

// blockWrites is how many bytes this process has had written to disks; 0
// where the system does not tell.
func blockWrites() float64 {
	b, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "write_bytes: "); ok {
			n, _ := strconv.ParseFloat(v, 64)
			return n
		}
	}
	return 0
}

// benchReopen fills a queue and measures how long a start takes with it.
func benchReopen(t *testing.T) {
	b := newBench(t, benchWorkspaces)
	url := serveBench(t, New(Config{Relay: b.relay, PublicURL: "http://relay.example", Log: slog.New(slog.DiscardHandler)}))
	for queued := 0; queued < benchQueued; {
		queued += len(b.load(t, url, 256, time.Second).took)
	}
	lanes, err := b.store.Queue(t.Context(), "", time.Now())
	fatal(t, err)
	queued := 0
	for _, l := range lanes {
		queued += l.Depth
	}
	fatal(t, b.store.Close())
	b.store, b.relay = nil, nil
	before := heap()
	started := time.Now()
	b.open(t)
	fatal(t, b.relay.Recover(t.Context()))
	took := time.Since(started)
	fmt.Printf("\nreopened with %d queued messages in %d lanes, a file of %d MiB: %.2f s; heap then %d MiB\n",
		queued, len(lanes), fileSize(t, b.path)>>20, took.Seconds(), (heap()-before)>>20)
	fatal(t, b.store.Close())
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
