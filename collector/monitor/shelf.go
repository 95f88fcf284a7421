package monitor

import "sync"

// made is what is known of a download that was written once.
type made struct {
	size  int64
	whole []byte // nil: too long to be kept, or nothing
}

const (
	mostShelved  = 64
	shelvedBytes = 16 << 20
)

// shelf keeps the latest downloads by their tags.
type shelf struct {
	mu    sync.Mutex
	of    map[string]made
	order []string // the oldest first
	bytes int
}

func newShelf() *shelf { return &shelf{of: make(map[string]made)} }

func (s *shelf) find(tag string) (m made, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok = s.of[tag]
	return m, ok
}

func (s *shelf) keep(tag string, m made) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.of[tag]; there {
		return
	}
	s.of[tag], s.order = m, append(s.order, tag)
	for s.bytes += len(m.whole); len(s.order) > mostShelved || s.bytes > shelvedBytes; s.order = s.order[1:] {
		s.bytes -= len(s.of[s.order[0]].whole)
		delete(s.of, s.order[0])
	}
}
