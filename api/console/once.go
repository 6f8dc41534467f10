package console

import (
	"crypto/rand"
	"sync"
	"time"
)

// once lets a form act once: somebody who clicks twice sends no second message.
// The zero value is ready; it may be used concurrently. Each node remembers the
// forms that it took itself.
type once struct {
	mu   sync.Mutex
	used map[string]time.Time
}

// onceLife is how long a form is remembered, maxOnce how many are.
const (
	onceLife = time.Hour
	maxOnce  = 10_000
)

// take reports whether a form was not taken before. One without a mark is.
func (o *once) take(mark string, now time.Time) bool {
	if mark == "" || len(mark) > 64 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.used == nil || len(o.used) >= maxOnce {
		fresh := map[string]time.Time{}
		for m, at := range o.used {
			if now.Sub(at) < onceLife {
				fresh[m] = at
			}
		}
		if len(fresh) >= maxOnce {
			clear(fresh)
		}
		o.used = fresh
	}
	if at, ok := o.used[mark]; ok && now.Sub(at) < onceLife {
		return false
	}
	o.used[mark] = now
	return true
}

// Mark is a new mark for a form that may act once.
func (p *call) Mark() string { return rand.Text() }

// once reports whether the form that was sent may act.
func (p *call) once() bool { return p.c.once.take(p.field("mark"), time.Now()) }
