// Package console is what owners see in their browser: pages of a workspace,
// and forms that steer it.
//
// It is rendered here, works without scripts, and says everything in four
// languages. It decides nothing about messages or units: a page asks package
// relay, as the API does, and writes the answer down. It is served by package
// api, knows net/http alone, and no Echo.
package console

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/nicksnyder/go-i18n/v2/i18n"

	"relevo/api/console/account"
	"relevo/api/console/issuer"
	"relevo/relay"
)

// Config is what the console is made from. Relay, Accounts and Log are
// required.
type Config struct {
	Relay    *relay.Relay
	Accounts *account.Accounts
	// Issuer is who else may say who somebody is; nil: passwords alone.
	Issuer *issuer.Issuer
	Log    *slog.Logger
	// PublicURL is what callers reach this server under; empty where nobody
	// has said.
	PublicURL string
	// Client finds who calls, behind trusted proxies.
	Client func(*http.Request) netip.Addr
	// Status is what a refusal is answered with.
	Status func(relay.Code) int
	// IsOperator reports whether a key is the operator's.
	IsOperator func(key string) bool
	// Try reads a call as a workspace's webhook would, and says what would
	// come of it; nothing is sent.
	Try func(ctx context.Context, workspace string, in TryCall) (Tried, error)
	// Post is one call of a webhook by its token, as if it came from outside.
	Post func(ctx context.Context, token string, in PostCall) Posted
	// Phone reads a number as a webhook of a country's workspace does; ok is
	// false where it is none.
	Phone func(s, country string) (phone string, ok bool)
	// Sent is what the sandbox was called with on a channel, newest first, at
	// most limit lines; nil where there is no sandbox, as Write and Group are.
	Sent func(ctx context.Context, workspace, channel string, limit int) ([]SentLine, error)
	// Write lets somebody write to a channel of the sandbox, Group opens a chat
	// with a pretend group there.
	Write func(ctx context.Context, ch relay.Channel, in WrittenBy) (relay.Chat, error)
	Group func(ctx context.Context, ch relay.Channel, name string) (relay.Chat, error)
	// Download writes the log of the last attempts as text, csv or jsonl, with
	// phone numbers or without.
	Download func(w http.ResponseWriter, r *http.Request, workspace, format string, hidePhones bool) error
	// Person finds somebody by their number, or the provider's id of them; send
	// answers with everything about them, as a file.
	Person func(ctx context.Context, workspace, who string) (send func(http.ResponseWriter), err error)
	// Erase takes somebody out of a workspace for ever.
	Erase func(ctx context.Context, workspace, who string) (relay.Erasure, error)
	// Backup answers with a copy of the whole store.
	Backup func(w http.ResponseWriter, r *http.Request) error
	// Jobs are the upkeep on the clock.
	Jobs []relay.Job
	// Copied is when the last nightly copy was made; nil: nobody knows.
	Copied func() time.Time
	// Countries are those whose phone numbers can be read: two letters each.
	Countries []string
	// Presets are mappings to begin with, and Snippets what one pastes into
	// tools so that they call a webhook at this address.
	Presets  func() []Preset
	Snippets func(url string) []Snippet
	// CheckMapping refuses a mapping that can make no call.
	CheckMapping func(relay.Mapping) error
	// Draining reports that the process takes no more calls; nil: never.
	Draining func() bool
	// Version, Store and Node stand at the foot of every page.
	Version, Store, Node string
}

// Console answers every page. It may be used by many goroutines.
type Console struct {
	Config
	sessions *scs.SessionManager
	bundle   *i18n.Bundle
	pages    map[string]*template.Template
	assets   assets
	routes   []route
	mux      *http.ServeMux
	streams  streams
	handler  http.Handler
}

// New makes the console. Its templates and texts are part of the program: a
// fault in them is a panic.
func New(cfg Config) *Console {
	p := printed()
	c := &Console{Config: cfg, assets: p.assets, bundle: p.bundle, pages: p.pages}
	c.sessions = c.newSessions()
	c.routes = c.allRoutes()
	c.mux = c.newMux()
	guard := http.NewCrossOriginProtection()
	c.handler = guard.Handler(c.mux)
	return c
}

// ServeHTTP answers a page.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Patterns are the paths that the console answers, in the form of
// http.ServeMux, for a router before it.
func (c *Console) Patterns() []string {
	seen := map[string]bool{}
	var all []string
	for _, rt := range c.routes {
		if _, path, ok := strings.Cut(rt.pattern, " "); ok && !seen[path] {
			seen[path] = true
			all = append(all, path)
		}
	}
	return all
}

// secure reports whether browsers reach the console over TLS.
func (c *Console) secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }
