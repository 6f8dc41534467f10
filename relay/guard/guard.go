// Package guard reaches addresses that a user typed, and only public ones.
//
// Somebody who may name a URL could name our own network: a metadata service,
// a database, a printer. The guard looks at the resolved IP address of every
// connection at the moment it is dialed, so neither a redirect nor a name that
// changes its address between two look-ups gets around it. It knows addresses,
// ports and redirects; it does not know what is fetched, or why.
package guard

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Config says where a client may go, and for how long. Its zero value is a
// client for public addresses only, with the defaults below.
type Config struct {
	// Allow are networks that are open on any port although they are not
	// public: the operator's choice, for private hosts and for tests. An IPv4
	// network opens the IPv4-mapped form of its addresses too.
	Allow []netip.Prefix
	// Timeout bounds one call, from the look-up of the name to the last byte
	// of the body; 0 is DefaultTimeout.
	Timeout time.Duration
	// MaxRedirects is how many redirects are followed; 0 is
	// DefaultMaxRedirects, a negative number follows none.
	MaxRedirects int
	// UserAgent is what the client calls itself; empty is DefaultUserAgent.
	UserAgent string
}

// What the zero Config means.
const (
	DefaultTimeout      = 15 * time.Second
	DefaultMaxRedirects = 3
	DefaultUserAgent    = "Relevo"
)

// The parts of a call have bounds of their own, below the whole.
const (
	dialTimeout    = 10 * time.Second
	maxHeaderBytes = 64 << 10
)

// New makes a client that reaches public addresses and those of c.Allow.
//
// It uses no proxy from the environment (a proxy would dial in its place and
// defeat the guard), keeps no cookies and no connections, sends no Referer,
// asks for no compression and speaks HTTP/1.1. Each redirect is checked like
// the first address: http or https, no user name or password; one from https
// down to http is refused, as what was asked for under TLS must not travel in
// the open. TLS is verified as usual.
//
// Where the guard refuses, Do's error is a *BlockedError inside a *url.Error.
// The text of the *url.Error holds the whole URL: log Cause of it instead.
// The client may be used by many goroutines at once.
func New(c Config) *http.Client {
	return newClient(c, &net.Dialer{})
}

// newClient puts the guard on d, which in tests has a resolver of its own.
func newClient(c Config, d *net.Dialer) *http.Client {
	d.Timeout = dialTimeout
	d.Control = newWall(c.Allow).control
	agent := c.UserAgent
	if agent == "" {
		agent = DefaultUserAgent
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: redirects(c.MaxRedirects),
		Transport: &door{agent: agent, next: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer(d),
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
			TLSHandshakeTimeout:    dialTimeout,
		}},
	}
}

// dialer adds to a refusal the name that led to the address.
func dialer(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if b, ok := errors.AsType[*BlockedError](err); ok {
			host, _, _ := net.SplitHostPort(address)
			return nil, &BlockedError{Rule: b.Rule, Host: host, Addr: b.Addr}
		}
		return conn, err
	}
}

func redirects(limit int) func(*http.Request, []*http.Request) error {
	if limit == 0 {
		limit = DefaultMaxRedirects
	}
	return func(r *http.Request, via []*http.Request) error {
		// The Referer would carry the path and the query of the page before.
		r.Header.Del("Referer")
		if len(via) > limit {
			return &BlockedError{Rule: TooManyRedirects, Host: r.URL.Hostname()}
		}
		if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme == "http" {
			return &BlockedError{Rule: Downgrade, Host: r.URL.Hostname()}
		}
		return nil
	}
}

// door checks the URL of every request, the first and the redirected ones.
type door struct {
	agent string
	next  http.RoundTripper
}

func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	if rule := broken(r.URL); rule != "" {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper closes the body, also on an error
		}
		return nil, &BlockedError{Rule: rule, Host: r.URL.Hostname()}
	}
	if r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", d.agent)
	}
	return d.next.RoundTrip(r)
}
