// Package pgstore keeps everything in PostgreSQL, for several equal nodes.
//
// Transactions that wait are run in groups: their functions run over rows that
// were loaded, and held, in one round trip, and what they wrote is flushed and
// committed in a second one. So one hot workspace costs one row lock for a
// group and not for a request. Which rows a function will ask for is found out
// by running it once over what this node saw last; that run decides nothing.
// A row is held before it is written: lanes first, then accounts, then the
// rest, each in the order of their keys, so that groups of several nodes never
// wait for each other in a circle.
//
// PostgreSQL carries transactions, leases and time. Times of lanes are kept on
// the database's clock and turned into this process's when they are read. The
// package holds no rule: those are in quota, queue and relay.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"relevo/relay"
)

// Options say where and how. Only URL is needed.
type Options struct {
	// URL is a connection string: postgres://user:password@host:port/database,
	// or what else https://pkg.go.dev/github.com/jackc/pgx/v5/pgconn#ParseConfig takes.
	URL string
	// Connections is how many are opened at most; 0: 16.
	Connections int
	// Writers is how many transactions commit at once; 0: 2.
	Writers int
	// Wait is how long Open waits for a database that does not answer yet: both
	// may just be starting.
	Wait time.Duration
	// OwnClock lets the process's clock be the clock of all. For tests that
	// fake the time of a single node.
	OwnClock bool
	// OnCommit is told of each commit: how long it took and how many
	// transactions it made durable. It may be nil.
	OnCommit func(took time.Duration, group int)
	Log      *slog.Logger
}

// Store is a relay.Store on PostgreSQL. All methods may be called
// concurrently.
type Store struct {
	pool  *pgxpool.Pool
	opt   Options
	clock clock
	seen  *guesses
	hint  hint

	in, views chan *request
	pruning   sync.Mutex // guards prunedTo: where PruneMessages goes on
	prunedTo  key
	claiming  sync.Mutex
	taken     sync.Map // of jobs: as which node this process took them last
	claimer   writer

	ctx     context.Context
	stop    context.CancelFunc
	closing chan struct{}
	ended   chan struct{}
	once    sync.Once
}

var _ relay.Store = (*Store)(nil)

// Defaults of Options: two writers keep the database busy while one of them
// waits for its disk, and more of them lock each other out.
const (
	defaultConnections = 16
	defaultWriters     = 2
	viewers            = 2
)

// session are the settings of every connection. A node that is stopped in the
// middle of a transaction must not hold rows for long; lookups by key are
// never to become scans because statistics are old.
const session = `SET synchronous_commit = on;
	SET idle_in_transaction_session_timeout = '5s';
	SET statement_timeout = '30s';
	SET lock_timeout = '10s';
	SET enable_seqscan = off;
	SET enable_hashjoin = off;
	SET enable_mergejoin = off;
	SET plan_cache_mode = force_generic_plan;
	SET jit = off`

// Open connects, brings an older schema up to date, and refuses, in words, one
// that is newer than this program knows.
func Open(ctx context.Context, opt Options) (*Store, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if err := migrateSoon(ctx, opt); err != nil {
		return nil, err
	}
	pool, err := connect(ctx, opt)
	if err != nil {
		return nil, err
	}
	if opt.Writers == 0 {
		opt.Writers = defaultWriters
	}
	s := &Store{
		pool: pool, opt: opt, seen: newGuesses(),
		in: make(chan *request, maxGroup), views: make(chan *request, maxGroup),
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.claimer.s = s
	var working sync.WaitGroup
	for range opt.Writers {
		w := &writer{s: s}
		working.Go(func() { s.serve(s.in, w.update) })
	}
	for range viewers {
		working.Go(func() { s.serve(s.views, s.view) })
	}
	go func() {
		working.Wait()
		close(s.ended)
	}()
	return s, nil
}

// migrateSoon is Migrate, once the database answers.
func migrateSoon(ctx context.Context, opt Options) error {
	for began, told := time.Now(), false; ; {
		err := Migrate(ctx, opt.URL)
		if err == nil || !starting(err) || time.Since(began) > opt.Wait {
			return err
		}
		if !told {
			opt.Log.Warn("PostgreSQL does not answer yet; waiting for it", "at_most", opt.Wait.String(), "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// starting reports an error that a server gives before it is up: it has
// nothing to say, or that it starts.
func starting(err error) bool {
	if code := codeOf(err); code != "" {
		return code == codeNotYet
	}
	return unreachable(err)
}

// connect opens a pool and makes sure that the database answers.
func connect(ctx context.Context, opt Options) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(opt.URL)
	if err != nil {
		return nil, errors.New("store: the connection string of PostgreSQL cannot be read; it begins with postgres:// and names host and database")
	}
	c.MaxConns = int32(opt.Connections)
	if opt.Connections == 0 {
		c.MaxConns = defaultConnections
	}
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	c.ConnConfig.DialFunc = dial
	c.ConnConfig.RuntimeParams["application_name"] = "relevo"
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerRecords(conn.TypeMap())
		_, err := conn.Exec(ctx, session)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, silent(err)
	}
	return pool, nil
}

// unanswered is how long a connection may go without a word from the other
// side while there is something to say, or on a look every few seconds: behind
// a cable that was pulled nothing ever fails by itself.
const unanswered = 5 * time.Second

// dial opens connections that notice when the other side is gone.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: unanswered, Interval: time.Second, Count: 5},
		Control: func(network, _ string, c syscall.RawConn) (err error) {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			return errors.Join(c.Control(func(fd uintptr) { err = giveUpAfter(fd, unanswered) }), err)
		},
	}
	return d.DialContext(ctx, network, address)
}

// tryFor bounds one try of a transaction, waiting for its locks included.
const tryFor = 15 * time.Second

// Close waits for the transactions in hand and lets go of the database.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.ended
	s.stop()
	s.pool.Close()
	return nil
}

// Pool is what the database is reached by, for what else lives in it. It is
// closed with the store.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Free is how much may still be written: the database's operator watches its
// disk; a full one refuses a write cleanly.
func (s *Store) Free() int64 { return math.MaxInt64 }

// moment is the present on both clocks.
func (s *Store) moment(ctx context.Context, conn *pgx.Conn) (instant, error) {
	if s.opt.OwnClock {
		return instant{}, nil
	}
	if s.clock.stale() {
		if err := s.clock.measure(ctx, conn); err != nil {
			return instant{}, err
		}
	}
	return s.clock.now(), nil
}

// present is moment for who has no connection in hand.
func (s *Store) present(ctx context.Context) (instant, error) {
	if s.opt.OwnClock || !s.clock.stale() {
		return s.clock.now(), nil
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return instant{}, err
	}
	defer conn.Release()
	return s.moment(ctx, conn.Conn())
}

// brokenPipe reports an error of a connection that worked a moment ago.
func brokenPipe(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, net.ErrClosed) || isEOF(err)
}
