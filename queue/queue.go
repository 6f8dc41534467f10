// Package queue decides when a thing leaves, and who holds it meanwhile.
//
// It knows lanes, times and leases; what an item stands for is opaque. A lane
// is a line that releases one item at a time and then rests. One timestamp
// per lane, NextFree, says when it may release again: the end of the lease,
// the pace or the retry delay, whichever is latest. A crashed holder frees its
// lane by the passing of time; nobody rescues anything.
//
// Items for the same recipient leave in the order they came in. An item that
// waits (for its due time, a retry or its preparation) holds back only later
// items for the same recipient.
package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Lane is the line of one account, or of one part of its recipients.
type Lane struct {
	ID string `json:"id"`
	// Workspace and Group (the account) are labels for lists.
	Workspace string `json:"workspace"`
	Group     string `json:"group"`
	// NextFree is when the lane may release an item: wall time of the store.
	NextFree time.Time `json:"next_free,omitzero"`
	// Lease is held while an item is out.
	Lease Lease `json:"lease,omitzero"`
	// Epoch counts leases; a lease of an older epoch is lost.
	Epoch int64 `json:"epoch"`
	// Paused is somebody's wish, Hold a fault with its reason; a lane with
	// either releases nothing.
	Paused bool   `json:"paused,omitzero"`
	Hold   string `json:"hold,omitzero"`
	// Home is the only node that may claim it; empty for any.
	Home string `json:"home,omitzero"`
	// Spacing is the rest between the end of one item and the next start.
	Spacing Spacing `json:"spacing"`
	// Depth is how many items it has, the one that is out included.
	Depth int `json:"depth"`
	// LastSeq is the place of the latest item.
	LastSeq int64 `json:"last_seq"`
	// LastEnd is when the last item that was out came back.
	LastEnd time.Time `json:"last_end,omitzero"`
}

// Spacing bounds a random rest.
type Spacing struct {
	Min time.Duration `json:"min"`
	Max time.Duration `json:"max"`
}

// Mean is the average rest.
func (s Spacing) Mean() time.Duration { return (s.Min + s.Max) / 2 }

// Random is a rest between Min and Max, evenly distributed.
func (s Spacing) Random() time.Duration {
	if s.Max <= s.Min {
		return s.Min
	}
	return s.Min + rand.N(s.Max-s.Min+1)
}

// Lease is the right to work on one item until a time.
type Lease struct {
	Lane string `json:"lane,omitzero"`
	Item string `json:"item,omitzero"`
	// Owner is a node's name.
	Owner string `json:"owner,omitzero"`
	// Epoch of the lane and Try of the item fence: whoever holds older ones
	// decides nothing.
	Epoch int64     `json:"epoch,omitzero"`
	Try   int       `json:"try,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Item is one place in a lane.
type Item struct {
	ID   string `json:"id"`
	Lane string `json:"lane"`
	// Recipient keeps order: items of one lane and recipient never overtake
	// each other.
	Recipient string `json:"recipient"`
	// Seq is its place, given by Push.
	Seq int64 `json:"seq"`
	// NotBefore takes it out of the line until then; it returns to the head.
	// Zero for an item that never waited.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Expires is when it may be taken out as expired.
	Expires time.Time `json:"expires"`
	// Unready is set while something is being prepared for it.
	Unready bool `json:"unready,omitzero"`
	// Out is set while it is leased; Try counts leases.
	Out bool `json:"out,omitzero"`
	Try int  `json:"try,omitzero"`
}

// Tx is what the rules need of a transaction. Within one transaction it sees
// its own writes. A Tx serves one goroutine.
type Tx interface {
	// Lane loads a lane and holds it until the transaction ends. ErrNoLane.
	Lane(ctx context.Context, id string) (Lane, error)
	PutLane(ctx context.Context, l Lane) error
	// Item finds an item of a lane. ErrNoItem.
	Item(ctx context.Context, lane, id string) (Item, error)
	// PutItem and DeleteItem are called after the item's lane was loaded in
	// the same transaction: whoever holds a lane holds its items.
	PutItem(ctx context.Context, i Item) error
	DeleteItem(ctx context.Context, i Item) error
}

var (
	// ErrNoLane and ErrNoItem mean that there is none of that id.
	ErrNoLane = errors.New("no such lane")
	ErrNoItem = errors.New("no such item")
	// ErrLeaseLost means that the lane has gone on without this holder.
	ErrLeaseLost = errors.New("lease lost")
	// ErrBusy means that the lane may not release an item now.
	ErrBusy = errors.New("lane is busy")
	// ErrOut means that the item is leased and cannot be taken out.
	ErrOut = errors.New("item is out")
)

// Push puts an item at the end of its lane and returns how many are before it.
func Push(ctx context.Context, tx Tx, i Item) (ahead int, err error) {
	l, err := tx.Lane(ctx, i.Lane)
	if err != nil {
		return 0, err
	}
	ahead = l.Depth
	l.Depth++
	l.LastSeq++
	i.Seq = l.LastSeq
	if err := tx.PutLane(ctx, l); err != nil {
		return 0, err
	}
	return ahead, tx.PutItem(ctx, i)
}

// ETA is when an item that has ahead items before it is likely to leave.
func (l Lane) ETA(ahead int, now time.Time) time.Time {
	start := now
	if l.NextFree.After(start) {
		start = l.NextFree
	}
	return start.Add(time.Duration(ahead) * l.Spacing.Mean())
}

// Open says why the lane may not release an item to the owner; nil if it may.
// Whether NextFree has passed is the store's to judge, on its own clock.
func (l Lane) Open(owner string, now time.Time) error {
	switch {
	case l.Paused:
		return fmt.Errorf("%w: paused", ErrBusy)
	case l.Hold != "":
		return fmt.Errorf("%w: on hold", ErrBusy)
	case l.Home != "" && l.Home != owner:
		return fmt.Errorf("%w: at home elsewhere", ErrBusy)
	case l.Lease.Item != "":
		return fmt.Errorf("%w: leased", ErrBusy)
	}
	return nil
}

// Take leases an item of an open lane: its try goes up by one and the lane
// rests until the lease ends. Only after the transaction has committed may
// anything be done with the item. ErrBusy where the lane is not open.
func Take(ctx context.Context, tx Tx, i Item, owner string, now time.Time, lease time.Duration) (Lease, error) {
	l, i, err := load(ctx, tx, i.Lane, i.ID)
	if err != nil {
		return Lease{}, err
	}
	if err := l.Open(owner, now); err != nil {
		return Lease{}, err
	}
	if i.Out || i.Unready {
		return Lease{}, ErrOut
	}
	i.Out = true
	i.Try++
	l.Epoch++
	l.Lease = Lease{Lane: l.ID, Item: i.ID, Owner: owner, Epoch: l.Epoch, Try: i.Try, Until: now.Add(lease)}
	l.NextFree = l.Lease.Until
	if err := tx.PutLane(ctx, l); err != nil {
		return Lease{}, err
	}
	return l.Lease, tx.PutItem(ctx, i)
}

// Finish takes a leased item out for good and lets the lane rest once from
// end on, the moment when the work on the item was over. ErrLeaseLost where
// the holder lost it.
func Finish(ctx context.Context, tx Tx, held Lease, end time.Time) error {
	l, i, err := holding(ctx, tx, held)
	if err != nil {
		return err
	}
	l.Depth--
	if err := tx.PutLane(ctx, l.freed(end, 0)); err != nil {
		return err
	}
	return tx.DeleteItem(ctx, i)
}

// Retry puts a leased item back. It leaves the line until notBefore and then
// returns to its head; the zero time returns it to the head at once.
// ErrLeaseLost where the holder lost it.
func Retry(ctx context.Context, tx Tx, held Lease, notBefore, end time.Time) error {
	l, i, err := holding(ctx, tx, held)
	if err != nil {
		return err
	}
	if err := tx.PutLane(ctx, l.freed(end, 0)); err != nil {
		return err
	}
	i.Out = false
	if i.NotBefore = notBefore; notBefore.IsZero() {
		i.NotBefore = end
	}
	return tx.PutItem(ctx, i)
}

// Release takes a leased item of a lost or dead holder out of its lane, which
// then rests for one full spacing; a lane that has gone on to another item
// keeps its lease and its rest.
func Release(ctx context.Context, tx Tx, i Item, now time.Time) error {
	l, i, err := load(ctx, tx, i.Lane, i.ID)
	if err != nil {
		return err
	}
	l.Depth--
	if l.Lease.Item == i.ID {
		l = l.freed(now, l.Spacing.Max)
	}
	if err := tx.PutLane(ctx, l); err != nil {
		return err
	}
	return tx.DeleteItem(ctx, i)
}

// Remove takes an item out that is not leased. ErrOut where it is.
func Remove(ctx context.Context, tx Tx, lane, id string) error {
	l, i, err := load(ctx, tx, lane, id)
	if err != nil {
		return err
	}
	if i.Out {
		return ErrOut
	}
	l.Depth--
	if err := tx.PutLane(ctx, l); err != nil {
		return err
	}
	return tx.DeleteItem(ctx, i)
}

// Ready lets an item go that waited to be prepared.
func Ready(ctx context.Context, tx Tx, lane, id string) error {
	_, i, err := load(ctx, tx, lane, id)
	if err != nil {
		return err
	}
	i.Unready = false
	return tx.PutItem(ctx, i)
}

// Rest lets a lane that nobody holds wait for one full spacing from now on,
// as it must after a restart, a reconnect or a change of holder.
func (l Lane) Rest(now time.Time) Lane {
	l.NextFree = now.Add(l.Spacing.Max)
	return l
}

// Backoff is how long to wait before try n+1 of a deferred item, n from 1:
// 5 s, 10 s, 20 s … up to 10 minutes, each plus or minus a fifth.
func Backoff(n int) time.Duration {
	const first, most = 5 * time.Second, 10 * time.Minute
	d := most
	if n < 8 {
		d = min(most, first<<max(0, n-1))
	}
	return d*4/5 + rand.N(d*2/5)
}

// freed ends the lease: the lane rests for a random spacing, or for at least
// the given one.
func (l Lane) freed(end time.Time, least time.Duration) Lane {
	l.Lease = Lease{}
	l.LastEnd = end
	l.NextFree = end.Add(max(least, l.Spacing.Random()))
	return l
}

// load reads a lane, then its item.
func load(ctx context.Context, tx Tx, lane, id string) (Lane, Item, error) {
	l, err := tx.Lane(ctx, lane)
	if err != nil {
		return l, Item{}, err
	}
	i, err := tx.Item(ctx, lane, id)
	return l, i, err
}

func holding(ctx context.Context, tx Tx, held Lease) (Lane, Item, error) {
	l, err := tx.Lane(ctx, held.Lane)
	if err != nil {
		return l, Item{}, err
	}
	if l.Lease.Item != held.Item || l.Epoch != held.Epoch {
		return l, Item{}, ErrLeaseLost
	}
	i, err := tx.Item(ctx, held.Lane, held.Item)
	if err != nil {
		return l, i, err
	}
	if i.Try != held.Try {
		return l, i, ErrLeaseLost
	}
	return l, i, nil
}
