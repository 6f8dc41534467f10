package account

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Guessing: this many tries at once for an address or from one, and then one
// in so long. They are counted by each node for itself.
const (
	guessBurst = 8
	guessEvery = 20 * time.Second
	// guessers bounds how many are remembered.
	guessers = 10_000
)

type guesses struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

func newGuesses() *guesses { return &guesses{by: map[string]*rate.Limiter{}} }

// allow reports whether one more try is taken: by the address that is tried,
// and by where it comes from (of IPv6, the network of a house).
func (g *guesses) allow(email string, from netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.by) > guessers {
		g.sweep(now)
	}
	byEmail := email == "" || g.of("e "+email).AllowN(now, 1)
	byNet := !from.IsValid() || g.of("n "+network(from)).AllowN(now, 1)
	return byEmail && byNet
}

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

func (g *guesses) of(key string) *rate.Limiter {
	l := g.by[key]
	if l == nil {
		l = rate.NewLimiter(rate.Every(guessEvery), guessBurst)
		g.by[key] = l
	}
	return l
}

// sweep forgets who has not tried for long; where that is nobody, everybody.
func (g *guesses) sweep(now time.Time) {
	for key, l := range g.by {
		if l.TokensAt(now) >= guessBurst {
			delete(g.by, key)
		}
	}
	if len(g.by) > guessers {
		clear(g.by)
	}
}

// forget lets somebody who knew the password begin anew.
func (g *guesses) forget(email string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.by, "e "+email)
}
