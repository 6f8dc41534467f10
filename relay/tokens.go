package relay

import (
	"context"
	"encoding/binary"
	"sync"
	"time"
)

// tokens is what this process remembers of all webhook tokens: enough to say
// of most strangers that they are none, without asking the store.
type tokens struct {
	mu   sync.Mutex
	of   map[uint64]struct{} // the beginning of each hash; nil before it was loaded
	next time.Time           // when it has to be loaded again; zero: never
}

// tokensAge is how old the memory may get where other nodes make tokens too.
const tokensAge = time.Second

func short(h TokenHash) uint64 { return binary.BigEndian.Uint64(h[:]) }

// MaybeToken reports whether a token may be one of the store's. False is
// certain, but for one that another node made within the last second. It is
// for callers that have asked in vain often: it costs the store at most one
// look a second, however many they are.
func (r *Relay) MaybeToken(ctx context.Context, token string) bool {
	t := &r.tokens
	t.mu.Lock() // held while loading: everybody who waits wants the same
	defer t.mu.Unlock()
	if now := time.Now(); t.of == nil || !t.next.IsZero() && now.After(t.next) {
		fresh := map[uint64]struct{}{}
		err := r.Store.Tokens(ctx, func(h TokenHash) { fresh[short(h)] = struct{}{} })
		if err != nil {
			return true // the store itself has to say
		}
		t.of = fresh
		if r.Set.Shared {
			t.next = now.Add(max(tokensAge, 20*time.Since(now)))
		}
	}
	_, maybe := t.of[short(r.Secrets.HashToken(token))]
	return maybe
}

// made notes a token after its commit.
func (t *tokens) made(h TokenHash) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of != nil {
		t.of[short(h)] = struct{}{}
	}
}
