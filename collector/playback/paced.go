package playback

import (
	"context"
	"slices"
)

// playPaced plays as fast as it is read, until ctx ends or, with Once, until the
// end. The tape moves in chunks: one is queued to all connections that want
// something of it, and counts as played when one of them has taken it whole and
// the others have too or are gone. When all are gone, the tape has moved to the
// trade that the last of them did not get.
func (s *Server) playPaced(ctx context.Context) error {
	for {
		takers, events, end, err := s.beginChunk()
		if end {
			return err
		}
		if events == 0 {
			select {
			case <-s.wake:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		for !s.settled(takers) {
			select {
			case <-s.wake:
			case <-ctx.Done():
				return nil
			}
		}
		s.endChunk(takers, events)
	}
}

// beginChunk queues the next events, up to the end of the batch or to the next
// cut. 0 events: there is nobody to take any, or no event yet; somebody pokes
// when that changes.
func (s *Server) beginChunk() (takers []*conn, events int, end bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.runPending()
		next := s.peek()
		if s.failed != nil {
			return nil, 0, true, s.failed
		}
		if next == nil {
			if s.ended && s.o.Once {
				s.finish()
				end = len(s.conns) == 0
			}
			return nil, 0, end, nil
		}
		if takers = s.takers(); len(takers) == 0 {
			return nil, 0, false, nil
		}
		cutAt := int64(never)
		for _, c := range takers {
			c.base, c.chunk = c.queued, 0
			if c.cutAt != 0 {
				cutAt = min(cutAt, c.cutAt)
			}
		}
		events = s.queueChunk(cutAt)
		for _, c := range takers {
			c.target = c.queued
			c.poke()
		}
		if events > 0 {
			return takers, events, false, nil
		}
		for _, c := range takers { // the first event lies behind a cut
			if c.cutAt != 0 && c.cutAt <= next.due {
				s.trace(Cut, c, nil, "cut-every")
				c.finish(endCut)
			}
		}
	}
}

// takers are the connections that the tape moves for.
func (s *Server) takers() []*conn {
	var takers []*conn
	for _, c := range s.conns {
		if c.known > 0 && !c.dead && c.end == endNone {
			takers = append(takers, c)
		}
	}
	return takers
}

// queueChunk queues the events of the batch that are due before cutAt.
func (s *Server) queueChunk(cutAt int64) int {
	for i := s.at; i < len(s.batch.items); i++ {
		it := &s.batch.items[i]
		if it.due >= cutAt {
			return i - s.at
		}
		if it.listing == nil {
			it.listing = s.list(it.symbol)
		}
		for _, c := range it.listing.conns {
			if c.cutAt == 0 && s.o.CutEvery > 0 {
				c.cutAt = it.due + s.o.CutEvery.Milliseconds()
				cutAt = min(cutAt, c.cutAt)
			}
			c.event(s.batch.frame(it), it.due)
			c.chunk++
		}
	}
	return len(s.batch.items) - s.at
}

// settled says whether the fate of the chunk is known for all.
func (s *Server) settled(takers []*conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range takers {
		if c.written < c.target && !c.done {
			return false
		}
	}
	return true
}

// endChunk moves the tape over what was taken.
func (s *Server) endChunk(takers []*conn, events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chunk := s.batch.items[s.at : s.at+events]
	passed := 0
	for _, c := range takers {
		passed = max(passed, c.took(chunk))
	}
	for i := range passed {
		it := &chunk[i]
		it.listing.last = append(it.listing.last[:0], s.batch.frame(it)...)
		s.played = it.due
	}
	s.at += passed
	s.position += passed
}

// took counts the events of a chunk that are written to the connection or are
// not for it, up to the first that is neither.
func (c *conn) took(chunk []item) int {
	if c.written >= c.target {
		if c.chunk > 0 {
			c.sent += c.chunk
			i := len(chunk) - 1
			for !slices.Contains(chunk[i].listing.conns, c) {
				i--
			}
			c.last = chunk[i].due
		}
		return len(chunk)
	}
	end := c.base
	for i, it := range chunk {
		if !slices.Contains(it.listing.conns, c) {
			continue
		}
		if end += int64(frameSize(it.end - it.start)); end > c.written {
			return i
		}
		c.sent++
		c.last = it.due
	}
	return len(chunk)
}
