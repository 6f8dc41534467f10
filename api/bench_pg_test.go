package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"relevo/relay"
	"relevo/relay/store/pgstore"
	"relevo/relay/store/pgstore/pgtest"
)

// Sizes of the benchmark on PostgreSQL. They may be made smaller to try it out.
var (
	pgTime       = 5 * time.Second
	pgWorkspaces = envInt("RELEVO_BENCH_WORKSPACES", 10_000)
)

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestBenchPG prints what `make bench-pg` promises: accepts a second over
// PostgreSQL beside the same Echo server with one bare INSERT for each call.
// Client, servers and database share the machine.
func TestBenchPG(t *testing.T) {
	if os.Getenv("RELEVO_BENCH_PG") == "" {
		t.Skip("takes minutes and measures only on a quiet machine; run it with `make bench-pg`")
	}
	c := pgtest.New(t, pgtest.Options{Durable: true, Settings: []string{"shared_buffers = 1GB", "max_wal_size = 8GB", "wal_compression = on"}})
	fmt.Printf("%s, %d cores, fsync and synchronous_commit on; client, nodes and database on the same cores\n\n", runtime.Version(), runtime.NumCPU())
	fmt.Println("| workspaces | nodes | connections | bare INSERT/s, best pool | p99 ms | bare INSERT/s, a connection each | p99 ms | accepts/s | p50 ms | p99 ms | ratio | ratio, a connection each | transactions in a commit | processor µs, bare INSERT | processor µs, accept |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, workspaces := range []int{1, pgWorkspaces} {
		b := newPGBench(t, c, workspaces)
		for _, nodes := range []int{1, 3} {
			addrs := b.serve(t, nodes)
			load(t, addrs, b.tokens, 64, 2*time.Second+time.Duration(workspaces)*200*time.Microsecond) // chats, statistics, caches
			for _, conns := range benchConns {
				bare, costBare := b.measure(t, []string{b.bare}, conns)
				each := load(t, []string{b.each}, b.tokens, conns, pgTime)
				before := b.commits()
				got, cost := b.measure(t, addrs, conns)
				groups := float64(len(got.took)) / float64(max(1, b.commits()-before))
				fmt.Printf("| %d | %d | %d | %.0f | %.1f | %.0f | %.1f | %.0f | %.2f | %.1f | %.2f | %.2f | %.1f | %s | %s |\n", workspaces, nodes, conns, bare.rate(), bare.percentile(99),
					each.rate(), each.percentile(99), got.rate(), got.percentile(50), got.percentile(99), got.rate()/bare.rate(), got.rate()/each.rate(), groups, costBare, cost)
			}
		}
		b.close(t)
	}
}

// pgBench is a database with workspaces, and nodes over it that dispatch
// nothing.
type pgBench struct {
	url    string
	stores []*pgstore.Store
	relays []*relay.Relay
	tokens []string
	// bare is the server of the bare INSERT over the pool that did best, pool;
	// each the one whose pool, all, has a connection for every caller.
	bare, each string
	pool, all  *pgxpool.Pool
}

func newPGBench(t *testing.T, c *pgtest.Cluster, workspaces int) *pgBench {
	t.Helper()
	name, err := c.Create(t.Context(), "")
	fatal(t, err)
	b := &pgBench{url: c.URL(name)}
	b.node(t)
	b.tokens = make([]string, workspaces)
	var g errgroup.Group
	g.SetLimit(128)
	for i := range workspaces {
		g.Go(func() (err error) {
			b.tokens[i], err = b.workspace(t.Context())
			return err
		})
	}
	fatal(t, g.Wait())
	b.serveBare(t)
	return b
}

func (b *pgBench) workspace(ctx context.Context) (token string, err error) {
	r := b.relays[0]
	w, err := r.CreateWorkspace(ctx, "bench")
	if err != nil {
		return "", err
	}
	if _, err = r.Grant(ctx, w.ID, "bench", 1e9); err != nil {
		return "", err
	}
	if _, err = r.CreateChannel(ctx, w.ID, relay.NewChannel{Kind: "none", Phone: "+15105566777"}); err != nil {
		return "", err
	}
	return r.Token(w)
}

func (b *pgBench) node(t *testing.T) {
	t.Helper()
	s, err := pgstore.Open(t.Context(), pgstore.Options{URL: b.url})
	fatal(t, err)
	secrets, err := relay.NewSecrets(bytes.Repeat([]byte("k"), 32))
	fatal(t, err)
	r, err := relay.New(s, map[string]relay.Driver{"none": noDriver{}}, secrets, nil, relay.DefaultSettings(), "", slog.New(slog.DiscardHandler))
	fatal(t, err)
	b.stores, b.relays = append(b.stores, s), append(b.relays, r)
}

// serve answers on so many nodes.
func (b *pgBench) serve(t *testing.T, nodes int) (addrs []string) {
	t.Helper()
	for len(b.stores) < nodes {
		b.node(t)
	}
	for _, r := range b.relays[:nodes] {
		addrs = append(addrs, serveBench(t, New(Config{Relay: r, PublicURL: "http://relay.example", Log: slog.New(slog.DiscardHandler)})))
	}
	return addrs
}

// barePools are sizes of the pool that the bare INSERT is tried with; the best
// one is measured.
var barePools = []int{8, 16, 32, 64}

// serveBare is the same Echo with the same middleware; its handler writes the
// call as one row, in a transaction of its own.
func (b *pgBench) serveBare(t *testing.T) {
	t.Helper()
	b.all = b.connect(t, slices.Max(benchConns))
	b.each = serveBench(t, bareInsert(b.all))
	var best float64
	for _, size := range barePools {
		pool := b.connect(t, size)
		_, err := pool.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)")
		fatal(t, err)
		addr := serveBench(t, bareInsert(pool))
		rate := load(t, []string{addr}, b.tokens, 256, 1500*time.Millisecond).rate()
		if rate <= best {
			pool.Close()
			continue
		}
		if b.pool != nil {
			b.pool.Close()
		}
		best, b.bare, b.pool = rate, addr, pool
	}
}

func (b *pgBench) connect(t *testing.T, size int) *pgxpool.Pool {
	t.Helper()
	conf, err := pgxpool.ParseConfig(b.url)
	fatal(t, err)
	conf.MaxConns = int32(size)
	pool, err := pgxpool.NewWithConfig(t.Context(), conf)
	fatal(t, err)
	return pool
}

func bareInsert(pool *pgxpool.Pool) http.Handler {
	s := &server{Config: Config{Log: slog.New(slog.DiscardHandler)}, fixed: newFixedHeaders()}
	e := echo.New()
	e.Use(s.around)
	e.POST(hookPath, func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		if _, err := pool.Exec(c.Request().Context(), "INSERT INTO bare (body) VALUES ($1)", string(body)); err != nil {
			return err
		}
		return answerAccepted(c, relay.Accepted{MessageID: "wa_backend:3EB000000000000000000", Available: 1, Position: 1})
	})
	return e
}

// measure is load, and the processor time of a call in microseconds: that of
// this process, which is client and nodes, and that of the database.
func (b *pgBench) measure(t *testing.T, addrs []string, conns int) (got result, cost string) {
	t.Helper()
	own, database := b.processorTime()
	got = load(t, addrs, b.tokens, conns, pgTime)
	ownThen, databaseThen := b.processorTime()
	calls := time.Duration(max(1, len(got.took)))
	return got, fmt.Sprintf("%d + %d", ((ownThen - own) / calls).Microseconds(), ((databaseThen - database) / calls).Microseconds())
}

// processorTime is what this process and the processes of the database have
// used so far; 0 where the system does not tell.
func (b *pgBench) processorTime() (own, database time.Duration) {
	var postmaster string
	_ = b.pool.QueryRow(context.Background(), `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)`).Scan(&postmaster) // a figure beside the others
	// The pattern is a good one.
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, _ := os.ReadFile(path) // a process may have ended
		name := strings.LastIndexByte(string(stat), ')')
		f := strings.Fields(string(stat[name+1:]))
		if len(f) < 15 {
			continue
		}
		ticks := func(column int) time.Duration {
			n, _ := strconv.Atoi(f[column])
			return time.Duration(n) * 10 * time.Millisecond
		}
		switch pid := filepath.Base(filepath.Dir(path)); {
		case pid == strconv.Itoa(os.Getpid()):
			own += ticks(11) + ticks(12)
		case pid == postmaster:
			database += ticks(11) + ticks(12) + ticks(13) + ticks(14) // those of its children that have ended too
		case f[1] == postmaster:
			database += ticks(11) + ticks(12)
		}
	}
	return own, database
}

// commits is how many transactions the writers of all nodes have committed.
func (b *pgBench) commits() (n int64) {
	rows, _ := b.pool.Query(context.Background(), "SELECT coalesce(sum(last), 0)::bigint FROM writer")
	defer rows.Close()
	for rows.Next() {
		_ = rows.Scan(&n) // a figure beside the others
	}
	return n
}

func (b *pgBench) close(t *testing.T) {
	t.Helper()
	b.pool.Close()
	b.all.Close()
	for _, s := range slices.Backward(b.stores) {
		fatal(t, s.Close())
	}
}
