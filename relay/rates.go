package relay

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates keeps what a provider's channels may send in a second, and to one
// recipient in the long run, over the pace that their owner chose. Each node
// counts what it sends itself; of what several send together the provider
// turns away what is too much, and it is sent later.
type rates struct {
	mu    sync.Mutex
	total map[string]*rate.Limiter
	pairs map[string]*rate.Limiter
}

// maxPairs bounds how many recipients are remembered.
const maxPairs = 50_000

// take counts a message that is about to go out. wait is how long it has to
// wait where it is too early; nothing is counted then.
func (r *rates) take(d Rated, ch Channel, recipient string, now time.Time) (wait time.Duration, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total == nil {
		r.total, r.pairs = map[string]*rate.Limiter{}, map[string]*rate.Limiter{}
	}
	every, burst := d.Pair()
	var pair *rate.Reservation
	if every > 0 {
		key := ch.ID + " " + recipient
		l := r.pairs[key]
		if l == nil {
			r.forget(now)
			l = rate.NewLimiter(rate.Every(every), burst)
			r.pairs[key] = l
		}
		pair = l.ReserveN(now, 1)
		if wait := pair.DelayFrom(now); wait > 0 {
			pair.CancelAt(now)
			return wait, fmt.Sprintf("WhatsApp takes one message in %s for one person after the first %d", every, burst)
		}
	}
	n := d.Rate(ch)
	if n == 0 {
		return 0, ""
	}
	l := r.total[ch.ID]
	if l == nil || l.Limit() != rate.Limit(n) {
		l = rate.NewLimiter(rate.Limit(n), max(1, n/10))
		r.total[ch.ID] = l
	}
	turn := l.ReserveN(now, 1)
	if wait = turn.DelayFrom(now); wait <= maxTurn {
		return wait, "" // the caller waits for its turn
	}
	turn.CancelAt(now)
	if pair != nil {
		pair.CancelAt(now)
	}
	return wait, fmt.Sprintf("the provider takes %d messages a second", n)
}

// maxTurn is how long a call waits for its turn at most, its lease running.
const maxTurn = time.Second

// forget drops recipients who may be written to freely again.
func (r *rates) forget(now time.Time) {
	if len(r.pairs) < maxPairs {
		return
	}
	for key, l := range r.pairs {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(r.pairs, key)
		}
	}
	if len(r.pairs) >= maxPairs { // the provider counts too
		clear(r.pairs)
	}
}
