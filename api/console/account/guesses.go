package account

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Guessing is bounded three times, by each node for itself: from one network,
// whatever address is tried; at one address from one network; and at one
// address from all networks that have never known its password. So a stranger,
// or ten thousand of them, can keep strangers out, but not somebody at home.
var (
	fromOne   = limit{burst: 20, every: 5 * time.Second}
	atOne     = limit{burst: 8, every: 20 * time.Second}
	strangers = limit{burst: 30, every: 20 * time.Second}
)

const (
	// guessers bounds how many are remembered.
	guessers = 10_000
	// knownNetworks is how many places somebody is known to sign in from:
	// home, work, a phone, and some on the way.
	knownNetworks = 8
)

// limit is so many tries at once, and then one in so long.
type limit struct {
	burst int
	every time.Duration
}

type guesses struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

func newGuesses() *guesses { return &guesses{by: map[string]*rate.Limiter{}} }

// allowFrom reports whether one more try is taken from a network (of IPv6, that
// of a house).
func (g *guesses) allowFrom(from netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.by) > guessers {
		g.sweep(now)
	}
	return !from.IsValid() || g.of("n "+network(from), fromOne).AllowN(now, 1)
}

// allowFor reports whether one more try is taken at an address from a network;
// known: its user has signed in from there.
func (g *guesses) allowFor(email string, from netip.Addr, known bool, now time.Time) bool {
	if email == "" {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.of(pair(email, from), atOne).AllowN(now, 1) {
		return false
	}
	return known || g.of("e "+email, strangers).AllowN(now, 1)
}

func pair(email string, from netip.Addr) string { return "p " + network(from) + " " + email }

func network(from netip.Addr) string {
	from = from.Unmap()
	bits := 32
	if from.Is6() {
		bits = 64
	}
	p, err := from.WithZone("").Prefix(bits)
	if err != nil {
		return from.String()
	}
	return p.String()
}

// placeOf is what is remembered of a network that somebody signed in from; it
// says nothing of another's.
func placeOf(user string, from netip.Addr) string {
	if user == "" || !from.IsValid() {
		return ""
	}
	return hashOf("place " + user + " " + network(from))[:16]
}

func (g *guesses) of(key string, l limit) *rate.Limiter {
	r := g.by[key]
	if r == nil {
		r = rate.NewLimiter(rate.Every(l.every), l.burst)
		g.by[key] = r
	}
	return r
}

// sweep forgets who has not tried for long; where that is nobody, everybody.
func (g *guesses) sweep(now time.Time) {
	for key, l := range g.by {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(g.by, key)
		}
	}
	if len(g.by) > guessers {
		clear(g.by)
	}
}

// forget lets somebody who knew the password begin anew, from there.
func (g *guesses) forget(email string, from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.by, pair(email, from))
}
