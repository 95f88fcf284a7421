package store

import "sync/atomic"

// growing is a list that only grows: one goroutine at a time adds (the caller sees
// to that), and any may read meanwhile. The zero value is empty.
type growing[T any] struct{ list atomic.Pointer[[]T] }

// all is the list so far. It does not change.
func (g *growing[T]) all() []T {
	if p := g.list.Load(); p != nil {
		return *p
	}
	return nil
}

func (g *growing[T]) add(v T) {
	list := append(g.all(), v)
	g.list.Store(&list)
}
