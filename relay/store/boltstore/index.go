package boltstore

import (
	"slices"
	"sync"
	"time"

	"relevo/queue"
)

// index is the lanes and items in memory, in the order in which they leave.
// The writer changes it after each commit; anybody reads it.
//
// Of each recipient only the first item counts: it is in the line, or waits
// for its time, or for its file, or is out. The others stand behind it.
type index struct {
	mu    sync.RWMutex
	lanes map[string]*lane
	items map[string]*place
	// due holds the lanes that may release something at some time, the most
	// overdue first; ending holds the items by the end of their time.
	due    *pile[*lane]
	ending *pile[*place]
	// fetches says when each fetch job may be taken.
	fetches map[string]time.Time
}

// lane is a queue.Lane with its items.
type lane struct {
	queue.Lane
	recipients map[string][]*place // each by Seq
	line       *pile[*place]       // may leave now
	parked     *pile[*place]       // leave the line until NotBefore
	out        *place
	count      int
	dueAt      time.Time
	at         int
}

// place is a queue.Item where it stands.
type place struct {
	queue.Item
	at, endAt int
	in        *pile[*place]
}

func newIndex() *index {
	return &index{
		lanes: map[string]*lane{}, items: map[string]*place{}, fetches: map[string]time.Time{},
		due:    newPile(func(a, b *lane) bool { return a.dueAt.Before(b.dueAt) }, func(l *lane) *int { return &l.at }),
		ending: newPile(func(a, b *place) bool { return a.Expires.Before(b.Expires) }, func(p *place) *int { return &p.endAt }),
	}
}

// ahead is the order of a line: what returned to the head (by its due time),
// then what never waited, each by the order in which it came in.
func ahead(a, b *place) bool {
	if a.NotBefore.IsZero() != b.NotBefore.IsZero() {
		return !a.NotBefore.IsZero()
	}
	if !a.NotBefore.Equal(b.NotBefore) {
		return a.NotBefore.Before(b.NotBefore)
	}
	return a.Seq < b.Seq
}

// apply takes over what a committed group wrote.
func (x *index) apply(o *overlay) {
	if len(o.lanes) == 0 && len(o.items) == 0 && len(o.rows[bFetch]) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	touched := map[*lane]bool{}
	for _, l := range o.lanes {
		touched[x.setLane(l)] = true
	}
	for id, i := range o.items {
		if l := x.setItem(id, i); l != nil {
			touched[l] = true
		}
	}
	for l := range touched {
		x.schedule(l)
	}
	for raw, v := range o.rows[bFetch] {
		x.setFetch(raw, v)
	}
}

func (x *index) setLane(q queue.Lane) *lane {
	l := x.lanes[q.ID]
	if l == nil {
		byPlace := func(p *place) *int { return &p.at }
		l = &lane{
			recipients: map[string][]*place{}, line: newPile(ahead, byPlace),
			parked: newPile(func(a, b *place) bool { return a.NotBefore.Before(b.NotBefore) }, byPlace),
		}
		x.lanes[q.ID] = l
	}
	l.Lane = q
	return l
}

// setItem puts, moves or (nil) removes an item, and returns its lane.
func (x *index) setItem(id string, i *queue.Item) *lane {
	p := x.items[id]
	if i == nil {
		if p == nil {
			return nil
		}
		l := x.lanes[p.Lane]
		x.remove(l, p)
		return l
	}
	l := x.lanes[i.Lane]
	if p == nil {
		p = &place{Item: *i}
		x.items[id] = p
		l.insert(p)
	} else {
		l.lift(p)
		p.Item = *i
	}
	if l.out == p {
		l.out = nil
	}
	if p.Out {
		l.out = p
		x.ending.drop(p)
	} else {
		x.ending.put(p)
	}
	l.settle(p.Recipient)
	return l
}

func (x *index) remove(l *lane, p *place) {
	l.lift(p)
	x.ending.drop(p)
	delete(x.items, p.ID)
	if l.out == p {
		l.out = nil
	}
	line := l.recipients[p.Recipient]
	line = slices.Delete(line, slices.Index(line, p), slices.Index(line, p)+1)
	l.count--
	if len(line) == 0 {
		delete(l.recipients, p.Recipient)
		return
	}
	l.recipients[p.Recipient] = line
	l.settle(p.Recipient)
}

func (l *lane) insert(p *place) {
	line := l.recipients[p.Recipient]
	i, _ := slices.BinarySearchFunc(line, p.Seq, func(q *place, seq int64) int { return int(q.Seq - seq) })
	if i == 0 && len(line) > 0 {
		l.lift(line[0]) // it is no longer the first
	}
	l.recipients[p.Recipient] = slices.Insert(line, i, p)
	l.count++
}

// lift takes an item out of the pile that it is in.
func (l *lane) lift(p *place) {
	if p.in != nil {
		p.in.drop(p)
		p.in = nil
	}
}

// settle puts a recipient's first item where it belongs.
func (l *lane) settle(recipient string) {
	first := l.recipients[recipient][0]
	l.lift(first)
	switch {
	case first.Out, first.Unready:
		return
	case first.NotBefore.IsZero():
		first.in = l.line
	default:
		first.in = l.parked
	}
	first.in.put(first)
}

// schedule says when a lane may release something, and keeps the lanes in
// that order.
func (x *index) schedule(l *lane) {
	l.dueAt = l.next()
	if l.dueAt.IsZero() {
		x.due.drop(l)
		return
	}
	x.due.put(l)
}

// next is when the lane may release something; the zero time where it may not
// by the mere passing of time.
func (l *lane) next() time.Time {
	if l.Lease.Item != "" {
		return l.NextFree // the end of the lease: its holder is gone by then
	}
	if l.Paused || l.Hold != "" {
		return time.Time{}
	}
	if _, ok := l.line.first(); ok {
		return notZero(l.NextFree)
	}
	p, ok := l.parked.first()
	if !ok {
		return time.Time{}
	}
	if p.NotBefore.After(l.NextFree) {
		return p.NotBefore
	}
	return notZero(l.NextFree)
}

// notZero keeps a lane that was never used from looking as if it had nothing.
func notZero(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0)
	}
	return t
}

// candidates are the first items of up to n lanes that are due for a node.
func (x *index) candidates(node string, n int, now time.Time) []queue.Item {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []queue.Item
	var elsewhere []*lane
	for len(out) < n {
		l, ok := x.due.first()
		if !ok || l.dueAt.After(now) {
			break
		}
		// Taken out for now, so that the next one shows. It comes back below;
		// what is leased or changed is scheduled again after the commit.
		x.due.drop(l)
		elsewhere = append(elsewhere, l)
		if l.Home != "" && l.Home != node {
			continue
		}
		if p := l.candidate(now); p != nil {
			out = append(out, p.Item)
		}
	}
	for _, l := range elsewhere {
		x.due.put(l)
	}
	return out
}

func (l *lane) candidate(now time.Time) *place {
	if l.Lease.Item != "" {
		return l.out
	}
	for {
		p, ok := l.parked.first()
		if !ok || p.NotBefore.After(now) {
			break
		}
		l.parked.drop(p)
		p.in = l.line
		l.line.put(p)
	}
	p, _ := l.line.first()
	return p
}

// nextDue is the earliest time at which a lane of this node may release
// something.
func (x *index) nextDue(node string) time.Time {
	x.mu.RLock()
	defer x.mu.RUnlock()
	l, ok := x.due.first()
	if !ok || l.Home == "" || l.Home == node {
		if !ok {
			return time.Time{}
		}
		return l.dueAt
	}
	var first time.Time
	for _, l := range x.due.members {
		if (l.Home == "" || l.Home == node) && (first.IsZero() || l.dueAt.Before(first)) {
			first = l.dueAt
		}
	}
	return first
}

func (x *index) setFetch(raw string, sealed []byte) {
	if sealed == nil {
		delete(x.fetches, raw)
		return
	}
	if f, err := decodeFetch(raw, sealed); err == nil { // it was encoded a moment ago
		x.fetches[raw] = f.Next
	}
}
