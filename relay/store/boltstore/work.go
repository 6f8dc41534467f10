package boltstore

import (
	"context"
	"time"

	"relevo/queue"
	"relevo/relay"
)

// Claim offers the first items of lanes that are due. See relay.Store.
func (s *Store) Claim(ctx context.Context, node string, n int, now time.Time, take func(relay.Tx, queue.Item) error, reset func()) error {
	if n < 1 {
		return nil
	}
	if s.Free() < 0 {
		return relay.ErrDiskFull
	}
	// Mostly nothing is due; then the writer need not be asked.
	if due := s.lanes.nextDue(node); due.IsZero() || due.After(now) {
		return nil
	}
	return s.do(ctx, &request{claim: true, fn: func(t *tx) error {
		reset()
		for _, i := range s.lanes.candidates(node, n, now) {
			if err := take(t, i); err != nil {
				return err
			}
		}
		return nil
	}})
}

// NextDue is when Claim may have something. See relay.Store.
func (s *Store) NextDue(_ context.Context, node string, _ time.Time) (time.Time, error) {
	return s.lanes.nextDue(node), nil
}

// Stranded are all items that are out: one process has the file, so whoever
// held them is gone.
func (s *Store) Stranded(_ context.Context, _ string) ([]queue.Item, error) {
	s.lanes.mu.RLock()
	defer s.lanes.mu.RUnlock()
	var out []queue.Item
	for _, l := range s.lanes.lanes {
		if l.out != nil {
			out = append(out, l.out.Item)
		}
	}
	return out, nil
}

// RestLanes lets every lane rest. Only the memory needs to know: whoever opens
// the file next rests them again.
func (s *Store) RestLanes(_ context.Context, _ string, now time.Time) error {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	for _, l := range s.lanes.lanes {
		if l.Lease.Item == "" {
			l.Lane = l.Rest(now)
			s.lanes.schedule(l)
		}
	}
	return nil
}

// Expired are items whose time has passed.
func (s *Store) Expired(_ context.Context, now time.Time, n int) ([]relay.MessageRef, error) {
	x := s.lanes
	x.mu.Lock()
	defer x.mu.Unlock()
	var found []*place
	for len(found) < n {
		p, ok := x.ending.first()
		if !ok || p.Expires.After(now) {
			break
		}
		x.ending.drop(p)
		found = append(found, p)
	}
	var refs []relay.MessageRef
	for _, p := range found {
		x.ending.put(p)
		refs = append(refs, relay.MessageRef{Workspace: relay.WorkspaceOfLane(p.Lane), ID: p.ID})
	}
	return refs, nil
}

// Draining are lanes on hold for a reason that have items that are not out.
func (s *Store) Draining(_ context.Context, hold string, n int) (out []queue.Lane, _ error) {
	s.lanes.mu.RLock()
	defer s.lanes.mu.RUnlock()
	for _, l := range s.lanes.lanes {
		waiting := l.count
		if l.out != nil {
			waiting--
		}
		if hold != "" && l.Hold == hold && waiting > 0 && len(out) < n {
			out = append(out, l.Lane)
		}
	}
	return out, nil
}

// Unknown are messages that became unknown before a time.
func (s *Store) Unknown(_ context.Context, before time.Time, n int) ([]relay.MessageRef, error) {
	var refs []relay.MessageRef
	err := s.view(func(t *tx) error {
		c := t.b.Bucket(bUnknown.name()).Cursor()
		for k, _ := c.First(); k != nil && len(refs) < n && fromBE(string(k[:8])) <= before.UnixMicro(); k, _ = c.Next() {
			m, err := get[relay.Message](t, bMessage, string(k[8:]))
			if err != nil {
				return err
			}
			refs = append(refs, relay.MessageRef{Workspace: m.Workspace, ID: m.ID})
		}
		return nil
	})
	return refs, err
}

// FetchesDue are fetch jobs that may be taken.
func (s *Store) FetchesDue(_ context.Context, now time.Time, n int) (due []relay.Fetch, next time.Time, err error) {
	s.lanes.mu.RLock()
	var raws []string
	for raw, at := range s.lanes.fetches {
		switch {
		case at.After(now):
			if next.IsZero() || at.Before(next) {
				next = at
			}
		case len(raws) < n:
			raws = append(raws, raw)
		default:
			next = now
		}
	}
	s.lanes.mu.RUnlock()
	err = s.view(func(t *tx) error {
		for _, raw := range raws {
			f, err := get[relay.Fetch](t, bFetch, raw)
			if err == relay.ErrNotFound {
				continue
			}
			if err != nil {
				return err
			}
			due = append(due, f)
		}
		return nil
	})
	return due, next, err
}
