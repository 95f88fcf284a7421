package playback

import (
	"context"
	"math"
	"time"
)

// never is an event time that does not come.
const never = math.MaxInt64

const (
	// advanceEvents bounds how many events are played without giving the lock
	// away.
	advanceEvents = 4096
	// shortest is the least time between two looks at the tape: at a million
	// trades a second one wakes up for a thousand of them.
	shortest = time.Millisecond
)

// playTimed plays by the clock, until ctx ends or, with Once, until the end.
func (s *Server) playTimed(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait, end, err := s.playDue()
		if end {
			return err
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// playDue plays what is due, or a part of it, and says when to look again.
func (s *Server) playDue() (wait time.Duration, end bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.clock.running() {
		return time.Hour, false, nil
	}
	how := s.advance(s.clock.now(), advanceEvents)
	switch {
	case s.failed != nil:
		return 0, true, s.failed
	case how == moreDue:
		return 0, false, nil
	}
	if s.ended && s.o.Once {
		s.finish()
		if len(s.conns) == 0 {
			return 0, true, nil
		}
	}
	next := s.nextDeadline()
	if it := s.peek(); it != nil {
		next = min(next, it.due)
	}
	if next == never {
		return time.Hour, false, nil // a poke comes first
	}
	return max(s.clock.until(next), shortest), false, nil
}

type advanced uint8

const (
	allPlayed advanced = iota // nothing more is due, or the source has not made it yet
	moreDue
)

// advance plays all that is due at now, at most so many events: trades and, in
// their order among the trades, the greetings and cuts of connections. Needs the
// lock, does not block.
func (s *Server) advance(now int64, events int) advanced {
	how := allPlayed
	for {
		deadline := s.nextDeadline()
		for it := s.peek(); it != nil && it.due <= now && it.due < deadline; it = s.peek() {
			if events--; events < 0 {
				how = moreDue
				break
			}
			s.deliver(it)
		}
		if how == moreDue || deadline > now {
			break
		}
		s.meet(deadline)
	}
	for _, c := range s.conns {
		if len(c.queue) > 0 {
			c.poke()
		}
	}
	return how
}

// deliver plays one event to everybody who wants it.
func (s *Server) deliver(it *item) {
	l := s.list(it.symbol)
	frame := s.batch.frame(it)
	l.last = append(l.last[:0], frame...)
	for _, c := range l.conns {
		c.event(frame, it.due)
		if c.backlog > s.buffer && !c.dead {
			s.cut(c, "slow reader")
		}
	}
	s.at++
	s.position++
}

// nextDeadline is the first event time at which a connection has something to
// come; never when there is none.
func (s *Server) nextDeadline() int64 {
	next := int64(never)
	for _, c := range s.conns {
		if c.dead {
			continue
		}
		if !c.greeted {
			next = min(next, c.greetAt)
		}
		if c.cutAt != 0 && c.end == endNone {
			next = min(next, c.cutAt)
		}
	}
	return next
}

// meet does what is to happen at the event time t.
func (s *Server) meet(t int64) {
	for _, c := range s.conns {
		if c.dead {
			continue
		}
		if !c.greeted && c.greetAt <= t {
			s.greet(c)
		}
		if c.cutAt != 0 && c.cutAt <= t && c.end == endNone {
			s.cut(c, "cut-every")
		}
	}
}

// cut ends a connection in the way of a broken network.
func (s *Server) cut(c *conn, cause string) {
	s.trace(Cut, c, nil, cause)
	reset(c.raw)
	c.kill()
}
