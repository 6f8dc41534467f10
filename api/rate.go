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

// wait is how long a call has to wait, in whole seconds from 1 on; 0 where it
// may go on. perMinute 0 is no limit.
func (l *limits) wait(workspace string, perMinute int, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if perMinute <= 0 {
		delete(l.of, workspace)
		return 0
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
	delay := res.DelayFrom(now)
	if delay <= 0 {
		return 0
	}
	res.CancelAt(now)
	return max(1, int(math.Ceil(delay.Seconds())))
}
