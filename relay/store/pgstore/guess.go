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
	rows [tables]map[key]row
	// records are decoded once for as long as they read the same.
	records map[string]decoded
}

type decoded struct {
	record, roster []byte
	w              *relay.Workspace
	refs           []relay.ChannelRef
}

// room is how many rows of each table are remembered. Of a full one any go.
var room = [tables]int{tLane: 20_000, tWorkspace: 20_000, tChannel: 20_000, tChat: 20_000, tMessage: 4_000, tFetch: 500, tTemplates: 5_000, tPerson: 20_000, tInbound: 500, tCard: 10_000,
	tToken: 50_000, tCallback: 20_000, tAPIKey: 1_000, tChatByID: 10_000, tChatNames: 1_000}

func newGuesses() *guesses {
	x := &guesses{records: map[string]decoded{}}
	for t := range tables {
		x.rows[t] = map[key]row{}
	}
	return x
}

func (x *guesses) put(k key, r row) {
	m := x.rows[k.t]
	if room[k.t] == 0 {
		return
	}
	if r.v == nil || r.dirty&deleted != 0 || weighs(r.v) {
		delete(m, k)
		return
	}
	evict(m, room[k.t])
	m[k] = row{found: true, v: r.v, seen: time.Now()}
}

func evict[K comparable, V any](m map[K]V, most int) {
	for k := range m {
		if len(m) < most {
			return
		}
		delete(m, k)
	}
}

// guess is what a row probably is; false where nothing can be said.
func (s *Store) guess(k key) (row, bool) {
	s.seen.mu.RLock()
	defer s.seen.mu.RUnlock()
	if r, ok := s.seen.rows[k.t][k]; ok {
		return r, true
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
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	for k, r := range g.rows {
		if _, written := all.rows[k]; !written {
			s.seen.put(k, r)
		}
	}
	for k, r := range all.rows {
		s.seen.put(k, r)
		if l, ok := r.v.(laneRow); ok && r.dirty != 0 {
			s.hint.note(g.due(l))
		}
	}
}

// readRecords decodes a workspace's record and roster, or takes those that
// were decoded before from the same bytes.
func (s *Store) readRecords(id string, record, roster []byte, w *workspaceRow) {
	s.seen.mu.RLock()
	d, ok := s.seen.records[id]
	s.seen.mu.RUnlock()
	if !ok || !bytes.Equal(d.record, record) || !bytes.Equal(d.roster, roster) {
		d = decoded{record: bytes.Clone(record), roster: bytes.Clone(roster)}
		if record != nil {
			rec, err := decode[relay.Workspace](record)
			d.w, w.bad = &rec, err
		}
		if roster != nil && w.bad == nil {
			d.refs, w.bad = decode[[]relay.ChannelRef](roster)
		}
		if w.bad != nil {
			w.bad = fmt.Errorf("workspace %s is damaged: %w", id, w.bad)
			return
		}
		s.seen.mu.Lock()
		evict(s.seen.records, room[tWorkspace])
		s.seen.records[id] = d
		s.seen.mu.Unlock()
	}
	w.record, w.roster = d.w, d.refs
}

// fresh is how old a row may be that Glance tells of.
const fresh = time.Minute

var errNotKnown = errors.New("not known without asking")

// Glance runs fn over what this node read within the last minute. See
// relay.Glancer.
func (s *Store) Glance(fn func(relay.Tx) error) error {
	t := &tx{g: s.gather(instant{}, map[key]bool{}), o: newOverlay(nil), view: true}
	t.direct = func() error {
		s.seen.mu.RLock()
		defer s.seen.mu.RUnlock()
		for k := range t.g.missing {
			r, ok := s.seen.rows[k.t][k]
			if !ok || time.Since(r.seen) > fresh {
				return errNotKnown
			}
			t.g.rows[k] = r
		}
		clear(t.g.missing)
		return nil
	}
	err := fn(t)
	if t.fault != nil {
		return t.fault
	}
	return err
}

// speculate runs functions over guesses, each in a copy of like, and returns
// which rows they ask for.
func (s *Store) speculate(group []*request, like tx) map[key]bool {
	g := s.gather(instant{}, map[key]bool{})
	for _, req := range group {
		if req.prepare == nil {
			t := like
			t.g, t.o, t.guessing = g, newOverlay(nil), true
			s.runOne(req, &t)
		}
	}
	return g.missing
}
