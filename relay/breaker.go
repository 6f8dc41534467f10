package relay

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"relevo/queue"
)

// An account whose provider is out of order is left alone after breakAfter
// calls in a row that failed for it, first for breakFor, then for twice as long
// each time, up to breakMost. One call is let through then; it decides.
const (
	breakAfter = 5
	breakFor   = 10 * time.Second
	breakMost  = 5 * time.Minute
)

// breakers know which accounts at providers are out of order. Each node has
// its own: what it sees of a provider is its own network too.
type breakers struct {
	mu    sync.Mutex
	known map[string]known // by channel
	out   map[string]*outage
}

// known is what does not change between two calls of a channel, or hardly.
type known struct{ kind, account string }

// outage is an account whose last call failed for its provider.
type outage struct {
	inARow int
	// until is when the next call may begin; probe is when the one that was
	// let through is given up.
	until, probe time.Time
	wait         time.Duration
}

// meet remembers a channel.
func (b *breakers) meet(ch Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known, b.out = map[string]known{}, map[string]*outage{}
	}
	b.known[ch.ID] = known{ch.Kind, accountKey(ch)}
}

// accountKey names a provider's account among those of its workspace: nobody
// has proved that an account in settings is theirs. A channel without one is
// its own.
func accountKey(ch Channel) string {
	account, _, _ := strings.Cut(ch.Account, "/") // its senders share its fate
	if account == "" {
		account = ch.Account
	}
	if account == "" {
		return ch.ID
	}
	return ch.Workspace + " " + ch.Kind + " " + account
}

// kind is the channel's kind; empty where it was never met.
func (b *breakers) kind(channel string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[channel].kind
}

// shut is until when nothing of a channel may go out; the zero time for now.
func (b *breakers) shut(channel string, now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.out[b.known[channel].account]
	switch {
	case f == nil, f.inARow < breakAfter:
		return time.Time{}
	case now.Before(f.until):
		return f.until
	case now.Before(f.probe):
		return now.Add(time.Second)
	}
	return time.Time{}
}

// begin says that a call begins. false where another one is probing the
// account already, or it is shut.
func (b *breakers) begin(ch Channel, now time.Time, probe time.Duration) bool {
	b.meet(ch)
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.out[accountKey(ch)]
	if f == nil || f.inARow < breakAfter {
		return true
	}
	if now.Before(f.until) || now.Before(f.probe) {
		return false
	}
	f.probe = now.Add(probe)
	return true
}

// end takes how a call ended. opened is true where this call shut the account.
func (b *breakers) end(ch Channel, failed bool, now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := accountKey(ch)
	f := b.out[key]
	if !failed {
		delete(b.out, key)
		return false
	}
	if f == nil {
		f = &outage{}
		b.out[key] = f
	}
	f.inARow++
	if f.inARow < breakAfter || now.Before(f.until) { // the latter began before it was shut
		return false
	}
	f.wait = min(max(breakFor, 2*f.wait), breakMost)
	f.until, f.probe = now.Add(f.wait), time.Time{}
	return f.inARow == breakAfter
}

// breakShared is how long a lane rests at most where other nodes may be able to
// reach its provider: a rest is everybody's.
const breakShared = 5 * time.Second

// outOfOrder lets a lane rest whose account is out of order. Nothing is tried
// and nothing is spent.
func (r *Relay) outOfOrder(ctx context.Context, tx Tx, lane, channel string, now time.Time) (bool, error) {
	if r.breakers.shut(channel, now).IsZero() {
		return false, nil
	}
	ch, err := tx.Channel(ctx, WorkspaceOfLane(lane), channel)
	if err != nil {
		return false, err
	}
	r.breakers.meet(ch) // its owner may have connected another account
	until := r.breakers.shut(channel, now)
	if until.IsZero() {
		return false, nil
	}
	if most := now.Add(breakShared); r.Set.Shared && until.After(most) {
		until = most
	}
	l, err := tx.Lane(ctx, lane)
	if err != nil {
		return false, err
	}
	if l.Open(r.Set.Node, now) == nil {
		l.NextFree = until
		err = tx.PutLane(ctx, l)
	}
	if errors.Is(err, queue.ErrNoLane) {
		err = nil
	}
	return true, err
}
