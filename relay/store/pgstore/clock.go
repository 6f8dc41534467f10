package pgstore

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// clock turns times of this process into times of the database and back, so
// that nodes whose clocks differ agree on when a lane is free.
//
// It holds one moment on both clocks. What lies between that moment and
// another is counted on the process's monotonic clock wherever a time carries
// its reading, so a wall clock that is set makes no lane early.
type clock struct {
	mu   sync.RWMutex
	base instant
}

// instant is one moment: local with its monotonic reading, remote on the
// database's clock. off bounds by how much the two may be apart.
type instant struct {
	local, remote time.Time
	off           time.Duration
}

// remeasure is how old a measurement may get: clocks drift apart by some
// microseconds in a second.
const remeasure = 10 * time.Second

// now is the base that one transaction uses throughout: what it reads and
// writes back unchanged stays unchanged.
func (c *clock) now() instant {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.base
}

// stale reports a measurement that is too old, or from before the machine was
// suspended or its clock was set: then the two clocks of this process, of which
// one stands still meanwhile, say different things.
func (c *clock) stale() bool {
	base, now := c.now().local, time.Now()
	apart := now.Round(0).Sub(base.Round(0)) - now.Sub(base)
	return now.Sub(base) > remeasure || apart.Abs() > maxApart
}

// maxApart is how far the wall clock may be slewed between two measurements.
const maxApart = 500 * time.Millisecond

// measure asks the database for its time, a few times, and believes the
// quickest answer.
func (c *clock) measure(ctx context.Context, conn *pgx.Conn) error {
	var best instant
	for range 3 {
		var remote time.Time
		asked := time.Now()
		if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&remote); err != nil {
			return err
		}
		took := time.Since(asked)
		if best.local.IsZero() || took/2 < best.off {
			best = instant{local: asked.Add(took / 2), remote: remote.UTC(), off: took / 2}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = best
	return nil
}

// toRemote is a time of this process on the database's clock; zero stays zero.
func (i instant) toRemote(t time.Time) time.Time {
	if t.IsZero() || i.local.IsZero() {
		return t
	}
	return i.remote.Add(t.Sub(i.local)).Truncate(time.Microsecond)
}

// toLocal is a time of the database on this process's clock, with a monotonic
// reading; zero stays zero.
func (i instant) toLocal(t time.Time) time.Time {
	if t.IsZero() || i.local.IsZero() {
		return t.UTC()
	}
	return i.local.Add(t.Sub(i.remote))
}
