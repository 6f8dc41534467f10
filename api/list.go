package api

import (
	"time"
)

// list is the body of every list, newest first.
type list[T any] struct {
	Data []T `json:"data"`
	// Next is what ?cursor= takes for the next page; null on the last.
	Next *string `json:"next_cursor"`
}

func pageOf[T any](rows []T, next string) answer {
	return ok(list[T]{Data: rows, Next: present(next)})
}

// instant is a time as the API shows it: UTC, or null where there is none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// present is a value, or null where it is zero.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// mapped is each of a slice through fn.
func mapped[A, B any](in []A, fn func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, v := range in {
		out = append(out, fn(v))
	}
	return out
}
