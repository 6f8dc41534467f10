package api

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits holds the rate of each webhook that has one, in this process alone.
// A limit of n a minute lets n calls through at once and then one every 60/n
// seconds: whoever stays below it is never refused.
type limits struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

// take lets one call through, or says how long it has to wait, in whole seconds
// from 1 on. left is how many more may come at once, reset in how many whole
// seconds that is all of them again. perMinute 0 is no limit.
func (l *limits) take(workspace string, perMinute int, now time.Time) (wait, left, reset int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if perMinute <= 0 {
		delete(l.of, workspace)
		return 0, 0, 0
	}
	pace := rate.Limit(float64(perMinute) / 60)
	lim := l.of[workspace]
	switch {
	case lim == nil:
		if l.of == nil {
			l.of = map[string]*rate.Limiter{}
		}
		lim = rate.NewLimiter(pace, perMinute)
		l.of[workspace] = lim
	case lim.Burst() != perMinute:
		lim.SetLimitAt(now, pace)
		lim.SetBurstAt(now, perMinute)
	}
	res := lim.ReserveN(now, 1)
	if delay := res.DelayFrom(now); delay > 0 {
		res.CancelAt(now)
		wait = max(1, int(math.Ceil(delay.Seconds())))
	}
	tokens := max(0, lim.TokensAt(now))
	return wait, int(tokens), int(math.Ceil((float64(perMinute) - tokens) / float64(pace)))
}
