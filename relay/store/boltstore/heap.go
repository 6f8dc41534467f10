package boltstore

import "container/heap"

// pile is a heap whose members know their place, so that any can be taken out.
type pile[T any] struct {
	members []T
	less    func(a, b T) bool
	place   func(m T) *int
}

func newPile[T any](less func(a, b T) bool, place func(T) *int) *pile[T] {
	return &pile[T]{less: less, place: place}
}

// notIn is the place of what is in no pile. Places count from 1, so that the
// zero value is in none.
const notIn = 0

// Len, Less, Swap, Push and Pop make it a heap.Interface.
func (p *pile[T]) Len() int           { return len(p.members) }
func (p *pile[T]) Less(i, j int) bool { return p.less(p.members[i], p.members[j]) }
func (p *pile[T]) Swap(i, j int) {
	p.members[i], p.members[j] = p.members[j], p.members[i]
	*p.place(p.members[i]), *p.place(p.members[j]) = i+1, j+1
}

// Push appends; use put.
func (p *pile[T]) Push(m any) {
	p.members = append(p.members, m.(T))
	*p.place(m.(T)) = len(p.members)
}

// Pop takes the last; use drop.
func (p *pile[T]) Pop() any {
	n := len(p.members) - 1
	m := p.members[n]
	var none T
	p.members[n] = none
	p.members = p.members[:n]
	*p.place(m) = notIn
	return m
}

func (p *pile[T]) first() (m T, ok bool) {
	if len(p.members) == 0 {
		return m, false
	}
	return p.members[0], true
}

// put adds a member, or moves it to where it belongs now.
func (p *pile[T]) put(m T) {
	if at := *p.place(m); at != notIn {
		heap.Fix(p, at-1)
		return
	}
	heap.Push(p, m)
}

func (p *pile[T]) drop(m T) {
	if at := *p.place(m); at != notIn {
		heap.Remove(p, at-1)
	}
}
