package boltstore

import (
	"context"
	"slices"
	"time"
)

// Items are ids of the first n queued items of a lane that are not out. Each
// recipient's are in order already; the first of them are merged.
func (s *Store) Items(_ context.Context, laneID string, n int) ([]string, error) {
	s.lanes.mu.RLock()
	defer s.lanes.mu.RUnlock()
	l := s.lanes.lanes[laneID]
	if l == nil || n < 1 {
		return nil, nil
	}
	first := nearest{most: n}
	for _, line := range l.recipients {
		for _, p := range line {
			if !p.Out && !first.take(p) {
				break // the rest of this recipient's come later still
			}
		}
	}
	slices.SortFunc(first.places, bySeq)
	var ids []string
	for _, p := range first.places[:min(n, len(first.places))] {
		ids = append(ids, p.ID)
	}
	return ids, nil
}

func bySeq(a, b *place) int { return int(min(1, max(-1, a.Seq-b.Seq))) }

// nearest keeps the places with the smallest Seq, at least most of them where
// there are so many; it sorts once in a while, not with each.
type nearest struct {
	most   int
	places []*place
	// full: none behind the last kept one belongs here.
	full bool
	last int64
}

// take reports whether p may be among them.
func (f *nearest) take(p *place) bool {
	if f.full && p.Seq > f.last {
		return false
	}
	f.places = append(f.places, p)
	if len(f.places) >= 4*f.most {
		slices.SortFunc(f.places, bySeq)
		f.places = f.places[:f.most]
		f.full, f.last = true, f.places[f.most-1].Seq
	}
	return true
}

// Ahead counts the items before each of some places in a lane that may leave.
func (s *Store) Ahead(_ context.Context, laneID string, places []int64, now time.Time) ([]int, error) {
	sorted := slices.Sorted(slices.Values(places))
	within := make([]int, len(sorted)+1) // items that are behind so many of the places, or on the last of them
	s.lanes.mu.RLock()
	defer s.lanes.mu.RUnlock()
	if l := s.lanes.lanes[laneID]; l != nil {
		for _, line := range l.recipients {
			for _, p := range line {
				if !p.Out && (p.Unready || p.NotBefore.After(now)) {
					continue
				}
				n, _ := slices.BinarySearch(sorted, p.Seq+1)
				within[n]++
			}
		}
	}
	for i := 1; i < len(within); i++ {
		within[i] += within[i-1]
	}
	ahead := make([]int, len(places))
	for i, at := range places {
		n, _ := slices.BinarySearch(sorted, at)
		ahead[i] = within[n]
	}
	return ahead, nil
}
