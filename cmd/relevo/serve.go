package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"relevo/api"
	"relevo/api/console"
	"relevo/api/console/account"
	"relevo/api/console/issuer"
	"relevo/cmd/relevo/config"
	"relevo/relay"
	"relevo/relay/driver/sandbox"
	"relevo/relay/guard"
	"relevo/relay/media"
	"relevo/relay/outbound"
	"relevo/relay/store/boltstore"
	"relevo/relay/store/pgstore"
)

func newServeCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Run the server",
		Example: "  relevo serve\n  relevo serve --data /var/lib/relevo --listen :8080 --public-url https://relay.example.com",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, sources, err := p.loadConfig(cmd)
			if err != nil {
				return err
			}
			log := newLogger(p.stderr, c.Log)
			for _, w := range c.Warnings() {
				log.Warn(w)
			}
			s := &server{p: p, c: c, log: log, adminMayFail: sources["admin_listen"].Kind == config.FromDefault}
			return s.run(cmd.Context())
		},
	}
	addSettingFlags(cmd)
	return cmd
}

// server is one run of `relevo serve`. Its fields are filled from top to
// bottom by open.
type server struct {
	p   *program
	c   config.Config
	log *slog.Logger
	// adminMayFail: the admin address is only the default, so another program
	// that has it is no reason not to start.
	adminMayFail bool

	metrics  *metrics
	store    keeper
	embedded *boltstore.Store // the store, where it is a file of this process
	database *pgstore.Store   // the store, where several nodes share it
	// incarnation tells this process from an earlier one of the same name.
	incarnation string
	files       *media.Store
	sandbox     *sandbox.Driver
	relay       *relay.Relay
	accounts    *account.Accounts
	operator    string
	public      net.Listener
	admin       net.Listener
	url         string
	draining    atomic.Bool
}

// databaseFile is the database within the data folder.
const databaseFile = "relevo.db"

// run opens, serves until ctx ends, drains and closes.
func (s *server) run(ctx context.Context) (err error) {
	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close(), s.files.Close()) }()
	if err := s.relay.Recover(ctx); err != nil {
		return err
	}
	if err := s.banner(ctx); err != nil {
		return err
	}
	return s.live(ctx)
}

// live runs everything that lives. The first context to end means: take no
// more. What is in hand ends by itself; the second context ends it after the
// drain time.
func (s *server) live(ctx context.Context) error {
	hard, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	soft, drain := context.WithCancel(ctx)
	defer drain()
	go s.watch(soft, hard, drain, stop) // ends with hard

	jobs, err := s.newJobs()
	if err != nil {
		return err
	}
	// While calls to providers end, the listeners stay: calls of the hook are
	// told to come back, and a balancer sees that this process is not ready.
	inHand, ended := errgroup.Group{}, make(chan struct{})
	inHand.Go(func() error { return s.relay.Dispatch(soft) })
	inHand.Go(func() error { return s.relay.FetchFiles(soft) })
	inHand.Go(func() error { return s.relay.DeliverEvents(soft) })
	inHand.Go(func() error { return jobs.Run(soft) })
	work := errgroup.Group{}
	named, gone := context.WithCancel(context.WithoutCancel(ctx))
	defer gone()
	work.Go(func() error { return s.keepName(named) })
	work.Go(func() error { defer gone(); defer close(ended); return inHand.Wait() })
	work.Go(func() error { defer drain(); return s.serveHTTP(ended, hard, s.public, s.handler(jobs)) })
	if s.admin != nil {
		work.Go(func() error { return s.serveHTTP(ended, hard, s.admin, api.Admin(s.metrics.handler())) })
	}
	reports, quiet := context.WithCancel(hard)
	reported := make(chan error, 1)
	go func() { reported <- s.sandbox.Run(reports) }()
	done := make(chan error, 1)
	go func() { done <- work.Wait() }()
	select {
	case err = <-done:
	case <-hard.Done():
		err = context.Cause(hard)
	}
	quiet()
	<-reported
	return err
}

// watch turns the end of soft into a drain, and a fault of the store or a
// drain that takes too long into the end of everything.
func (s *server) watch(soft, hard context.Context, drain context.CancelFunc, stop context.CancelCauseFunc) {
	select {
	case <-soft.Done():
	case <-s.failed():
		drain()
		stop(errors.New("a commit is in doubt; the next start reads from the disk what is true"))
		return
	case <-hard.Done():
		return
	}
	s.draining.Store(true)
	s.log.Info("draining: no new calls; what is being sent ends first", "at_most", s.c.Deliver.DrainTimeout.String())
	select {
	case <-time.After(s.c.Deliver.DrainTimeout):
		stop(fmt.Errorf("calls were still in flight after %s; their outcome is unknown", s.c.Deliver.DrainTimeout))
	case <-s.failed():
		stop(errors.New("a commit is in doubt; the next start reads from the disk what is true"))
	case <-hard.Done():
	}
}

// open makes everything that run uses.
func (s *server) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	secrets, err := s.masterSecrets()
	if err != nil {
		return err
	}
	if s.operator, err = s.operatorKey(secrets); err != nil {
		return err
	}
	s.metrics = newMetrics()
	if err := s.openStore(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.store.Close())
		}
	}()
	if err := s.bindSecret(ctx, secrets); err != nil {
		return err
	}
	// Once more behind the name: a change of the key that began at this very
	// moment has met the name, or is met here.
	if err := errors.Join(s.sweep(), s.takeName(ctx), s.bindSecret(ctx, secrets)); err != nil {
		return err
	}
	s.files, err = media.Open(filepath.Join(s.c.Data, "files"), guard.Config{Allow: s.c.Media.Allow, Timeout: s.c.Media.Timeout})
	if err != nil {
		return err
	}
	if s.shared() {
		s.files.Share(pgstore.NewFiles(s.database.Pool()))
	}
	if err := s.openRelay(secrets); err != nil {
		return err
	}
	s.accounts = account.New(s.store, secrets.SetUpToken(), account.DefaultCost)
	s.metrics.watchQueue(s.store)
	return s.listen()
}

func (s *server) openRelay(secrets *relay.Secrets) error {
	latest, err := s.latestMessage()
	if err != nil {
		return err
	}
	report := func(ctx context.Context, channel string, reports []relay.Report) error {
		return s.relay.Report(ctx, channel, reports)
	}
	s.sandbox = sandbox.New(filepath.Join(s.c.Data, "sandbox"), report, s.log)
	if s.shared() {
		s.sandbox.Share(pgstore.NewLines(s.database.Pool()))
	}
	s.relay, err = relay.New(s.store, s.drivers(), secrets, fileKeeper{s.files}, s.settings(), latest, s.log)
	if err != nil {
		return err
	}
	s.relay.Watch = s.metrics.watch()
	s.relay.Poster = outbound.New(s.c.Media.Allow)
	return nil
}

func (s *server) settings() relay.Settings {
	return relay.Settings{
		Node: s.c.Node, Shared: s.shared(), CallTimeout: s.c.Deliver.CallTimeout, UnconfirmedAfter: s.c.Deliver.UnconfirmedAfter,
		ExpireAfter: s.c.Deliver.ExpireAfter, MaxCalls: s.c.Deliver.MaxCalls, MaxFetches: s.c.Media.Concurrency, FetchTimeout: s.c.Media.Timeout,
		SpacingMin: s.c.Spacing.Min, SpacingMax: s.c.Spacing.Max,
		KeepMessages: s.c.Retention.Messages, KeepKeys: s.c.Retention.Keys, KeepFiles: s.c.Retention.Files,
	}
}

// listen opens the addresses, so that a taken one is known before anything is
// announced.
func (s *server) listen() (err error) {
	if s.public, err = net.Listen("tcp", s.c.Listen); err != nil {
		return sayf("Cannot listen on %s: %v.\nIs another server running there? Choose another address with --listen.", s.c.Listen, err)
	}
	if s.c.AdminListen != "" {
		s.admin, err = net.Listen("tcp", s.c.AdminListen)
		switch {
		case err != nil && s.adminMayFail:
			s.log.Warn("metrics and profiles are not served: the address is taken", "admin_listen", s.c.AdminListen)
		case err != nil:
			return errors.Join(sayf("Cannot listen on admin_listen %s: %v.", s.c.AdminListen, err), s.public.Close())
		}
	}
	if s.url = s.c.PublicURL; s.url == "" {
		s.url = localURL(s.public.Addr().String())
	}
	s.relay.Set.PublicURL = s.url // nothing runs yet
	return nil
}

// answerWithin is how long a usual answer may take from the head of its call
// on: no handler waits for a provider that long. Who reads nothing holds a
// connection no longer. Downloads and streams have limits of their own.
const answerWithin = 3 * time.Minute

// serveHTTP answers until the work in hand has ended, then lets the answers
// under way go out.
func (s *server) serveHTTP(ended <-chan struct{}, hard context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: answerWithin, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return hard },
	}
	broken := make(chan error, 1)
	go func() { broken <- srv.Serve(l) }()
	select {
	case err := <-broken:
		return err
	case <-ended:
		return srv.Shutdown(hard)
	case <-hard.Done():
		return srv.Close()
	}
}

func (s *server) handler(j *jobs) http.Handler {
	return api.New(api.Config{
		Relay: s.relay, OperatorKey: s.operator, PublicURL: s.url, TrustedProxies: s.c.TrustedProxies, TempDir: s.c.Data,
		Sent: func(ctx context.Context, workspace, channel string, limit int) (any, error) {
			return s.sandbox.SentAnywhere(ctx, workspace, channel, limit)
		},
		Log: s.log, Observe: s.metrics.request, Draining: s.draining.Load, Ready: s.ready, Version: readVersion().String(),
		CallsPerMinute: s.c.API.RatePerMinute, Accounts: s.accounts, Issuer: s.issuer(), StoreName: s.storeName(), Node: s.c.Node,
		Jobs: slices.Concat(j.list, j.perNode), Copied: s.copied,
	})
}

// issuer is where people may sign in to the console too; nil: nowhere. It is not
// asked before somebody comes: one that is down keeps no server from starting.
func (s *server) issuer() *issuer.Issuer {
	o := s.c.OIDC
	if o.Issuer == "" {
		return nil
	}
	s.log.Info("people may sign in by OpenID Connect", "issuer", o.Issuer, "redirect_address", s.url+console.ReturnPath)
	return issuer.New(issuer.Config{URL: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), Name: o.Name, Scopes: strings.Fields(o.Scopes)})
}

// storeName is what the store is called at the foot of pages.
func (s *server) storeName() string {
	if s.shared() {
		return "PostgreSQL"
	}
	return "bbolt"
}

// ready reports why calls cannot be taken.
func (s *server) ready(ctx context.Context) error {
	if s.store.Free() < 0 {
		return relay.ErrDiskFull
	}
	return s.store.View(ctx, func(relay.Tx) error { return nil })
}
