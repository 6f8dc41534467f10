package pgstore

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"relevo/queue"
	"relevo/relay"
)

// guesses are rows as this node saw them last. Nothing is ever decided by
// them: a function is run over them only to find out which rows it will ask
// for, so that all are loaded in one round trip, and what that run came to is
// thrown away.
type guesses struct {
	mu   sync.RWMutex
	rows [tables]map[key]sight
	// records are decoded once for as long as they read the same.
	records [tables]map[key]decoded
}

// sight is a row as it was at a time.
type sight struct {
	v  any
	at time.Time
}

type decoded struct {
	record []byte
	v      any
}

// room is how many rows of each table are remembered. Of a full one any go.
var room = [tables]int{tLane: 20_000, tWorkspace: 20_000, tChannel: 20_000, tChat: 20_000, tMessage: 4_000, tFetch: 500, tTemplates: 5_000, tPerson: 20_000, tInbound: 500, tCard: 10_000,
	tToken: 50_000, tCallback: 20_000, tAPIKey: 1_000, tChatByID: 10_000, tChatNames: 1_000}

func newGuesses() *guesses {
	x := &guesses{}
	for t := range tables {
		x.rows[t], x.records[t] = map[key]sight{}, map[key]decoded{}
	}
	return x
}

func (x *guesses) put(k key, r row, now time.Time) {
	m := x.rows[k.t]
	switch {
	case room[k.t] == 0:
	case k.t == tMessage && !r.found: // new: whoever claims it reads it first
	case r.v == nil || r.dirty&deleted != 0 || weighs(r.v):
		delete(m, k)
	default:
		keepIn(m, k, sight{r.v, now}, room[k.t])
	}
}

// keepIn puts a value into a map; in a full one it takes the place of any.
func keepIn[V any](m map[key]V, k key, v V, most int) {
	if _, there := m[k]; !there && len(m) >= most {
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[k] = v
}

// guess is what a row probably is; false where nothing can be said.
func (s *Store) guess(k key) (row, bool) {
	s.seen.mu.RLock()
	defer s.seen.mu.RUnlock()
	if r, ok := s.seen.rows[k.t][k]; ok {
		return row{found: true, v: r.v}, true
	}
	switch k.t {
	case tLane:
		return row{v: laneRow{Lane: queue.Lane{ID: k.a, Workspace: k.ws}}}, true
	case tWorkspace, tChannel, tToken, tCallback, tAPIKey:
		return row{}, false
	}
	return row{}, true // most likely it is new
}

// remember keeps what a transaction has seen and written, once it is durable.
func (s *Store) remember(g *gathering, all *overlay) {
	now := time.Now()
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for k, r := range g.rows {
		if _, written := all.rows[k]; !written {
			s.seen.put(k, r, now)
		}
	}
	for k, r := range all.rows {
		s.seen.put(k, r, now)
		if l, ok := r.v.(laneRow); ok && r.dirty != 0 {
			s.hint.note(g.due(l))
		}
	}
}

// read decodes the record of a row, or takes what was decoded before from the
// same bytes, which are only lent.
func (x *guesses) read(k key, record []byte, as func([]byte) (any, error)) (any, error) {
	x.mu.RLock()
	d, ok := x.records[k.t][k]
	x.mu.RUnlock()
	if ok && bytes.Equal(d.record, record) {
		return d.v, nil
	}
	record = bytes.Clone(record)
	v, err := as(record)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	keepIn(x.records[k.t], k, decoded{record, v}, 2*room[k.t]) // a workspace has two
	return v, nil
}

func as[T any](record []byte) (any, error) { return decode[T](record) }

func asPointer[T any](record []byte) (any, error) {
	v, err := decode[T](record)
	return &v, err
}

// readRecords reads a workspace's record and roster.
func (s *Store) readRecords(id string, record, roster []byte, w *workspaceRow) {
	k := key{t: tWorkspace, ws: id}
	if record != nil {
		v, err := s.seen.read(k, record, asPointer[relay.Workspace])
		w.record, _ = v.(*relay.Workspace)
		w.bad = err
	}
	if roster != nil && w.bad == nil {
		k.a = "roster"
		v, err := s.seen.read(k, roster, as[[]relay.ChannelRef])
		w.roster, _ = v.([]relay.ChannelRef)
		w.bad = err
	}
	if w.bad != nil {
		w.record, w.roster, w.bad = nil, nil, fmt.Errorf("workspace %s is damaged: %w", id, w.bad)
	}
}

// fresh is how old a row may be that Glance tells of.
const fresh = time.Minute

var errNotKnown = errors.New("not known without asking")

// Glance runs fn over what this node read within the last minute. See
// relay.Glancer.
func (s *Store) Glance(fn func(relay.Tx) error) error {
	return fn(&tx{g: &gathering{s: s}, view: true, glance: func(k key) (row, error) {
		s.seen.mu.RLock()
		defer s.seen.mu.RUnlock()
		r, ok := s.seen.rows[k.t][k]
		if !ok || time.Since(r.at) > fresh {
			return row{}, errNotKnown
		}
		return row{found: true, v: r.v}, nil
	}})
}

// rowsOfOne is about how many rows a function asks for that are its own.
const rowsOfOne = 4

// speculate runs functions over guesses, each in a copy of like, and returns
// which rows they ask for.
func (s *Store) speculate(group []*request, like tx) map[key]bool {
	g := s.gather(instant{}, make(map[key]bool, rowsOfOne*len(group)))
	own := newOverlay(nil)
	for _, req := range group {
		if req.prepare == nil {
			own.reset()
			t := like
			t.g, t.o, t.guessing = g, own, true
			s.runOne(req, &t)
		}
	}
	return g.missing
}
