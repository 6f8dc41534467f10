// Package api is everything that the world says to Relevo over HTTP, and what
// Relevo answers: the hook, the management API, health.
//
// It knows routes, statuses, headers and JSON on the wire, and it is the only
// package that knows Echo. It decides nothing about messages, units or time:
// a handler reads a call, asks package relay, and writes the answer down.
// Handlers of the API read plain structs and answer plain structs; the files
// that touch Echo are routes.go, request.go, middleware.go, error.go and
// hook.go with its answers.
//
// The handler must be served as it is, without an http.ServeMux before it:
// that would answer some addresses with a redirect, and a hook never does.
package api

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v4"

	"relevo/api/console/account"
	"relevo/api/console/issuer"
	"relevo/api/hook"
	"relevo/relay"
)

// Config is what the handler is made from. Relay and Log are required.
type Config struct {
	Relay *relay.Relay
	// OperatorKey opens every workspace. Without one nobody is the operator.
	OperatorKey string
	// CallsPerMinute is how many calls of the API each workspace's key may make
	// in a minute; 0: as many as it likes. The operator's is not counted.
	CallsPerMinute int
	// PublicURL is what callers reach this server under, such as
	// https://relay.example.com; webhook URLs begin with it.
	PublicURL string
	// TrustedProxies may say in X-Forwarded-For for whom they call.
	TrustedProxies []netip.Prefix
	// TempDir takes a backup while it is downloaded. It should be on the disk
	// of the data: a copy is as large as the database.
	TempDir string
	// Sent reads what the sandbox was called with on a channel, newest first,
	// at most limit lines, as a slice that becomes JSON. Nil where there is no
	// sandbox.
	Sent func(ctx context.Context, workspace, channel string, limit int) (any, error)
	Log  *slog.Logger
	// Observe is told of every request, by its route. It must not block. Nil
	// is not called.
	Observe func(route string, status int, took time.Duration)
	// Draining reports that the process takes no more calls; nil: never.
	Draining func() bool
	// Ready reports why the process cannot take calls; nil: it always can.
	Ready func(ctx context.Context) error
	// Accounts are who may sign in to the console; nil: there is no console.
	Accounts *account.Accounts
	// Issuer is who else may say who somebody is; nil: passwords alone.
	Issuer *issuer.Issuer
	// Jobs are the upkeep on the clock, for the console to show; nil: none.
	Jobs []relay.Job
	// Copied is when the last nightly copy of the store was made; the zero
	// time for none. Nil: nobody knows.
	Copied func() time.Time
	// Version is what the program calls itself, StoreName and Node what stands
	// beside it at the foot of pages.
	Version, StoreName, Node string
}

// server answers; it may be used by many goroutines.
type server struct {
	Config
	relay     *relay.Relay
	operator  [sha256.Size]byte // of the operator's key
	rules     *validator.Validate
	calls     *hook.Reader
	limits    limits // of webhooks
	keys      limits // of workspaces' API keys
	strangers strangers
	backup    sync.Mutex // held while one is being made
	fixed     fixedHeaders
	pages     http.Handler // the console; nil without accounts
}

// New makes the handler of the public listener.
func New(cfg Config) http.Handler {
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	s := &server{
		Config: cfg, relay: cfg.Relay, operator: sha256.Sum256([]byte(cfg.OperatorKey)),
		rules: newRules(), calls: hook.NewReader(), fixed: newFixedHeaders(),
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.fail(c, err) }
	e.IPExtractor = func(r *http.Request) string { return clientIP(r, s.TrustedProxies).String() }
	e.Pre(tidyHookPath)
	e.Use(s.around)
	s.register(e)
	return e
}

func (s *server) draining() bool { return s.Draining != nil && s.Draining() }
