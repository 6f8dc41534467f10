package pgstore

import (
	"sync"
	"time"
)

// hint is when, as far as this node knows, a lane may next release something:
// so that it need not ask the database after every commit. Times are the
// database's. What other nodes put in is found out after askAgain.
type hint struct {
	mu    sync.Mutex
	due   time.Time // zero: nothing
	asked time.Time // on this process's clock; zero: not known
	noted int
}

// askAgain is how long an answer of the database is believed.
const askAgain = time.Second

// note takes in what a transaction of this node made due.
func (h *hint) note(due optionalTime) {
	if !due.ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted++
	if h.due.IsZero() || due.Before(h.due) {
		h.due = due.Time
	}
}

// quiet reports that nothing is due at a time of the database.
func (h *hint) quiet(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fresh() && (h.due.IsZero() || h.due.After(now))
}

func (h *hint) fresh() bool { return !h.asked.IsZero() && time.Since(h.asked) < askAgain }

func (h *hint) look() (due time.Time, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.due, h.fresh()
}

// begin marks a question to the database, set takes its answer. What was noted
// meanwhile may not be in the answer.
func (h *hint) begin() (seen int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.noted
}

func (h *hint) set(seen int, due time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.noted == seen || h.due.IsZero() || !due.IsZero() && due.Before(h.due) {
		h.due = due
	}
	h.asked = time.Now()
	return h.due
}

// forget makes the next look ask the database.
func (h *hint) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = time.Time{}
}
