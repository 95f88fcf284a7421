package playback

import (
	"slices"
	"time"
)

// slots is what one key has taken of its symbols.
type slots struct {
	used int
	held []held
}

// held are the slots of a connection that died: the feed notices late.
type held struct{ n, until int64 }

func (s *Server) slotsOf(key string) *slots {
	k := s.keys[key]
	if k == nil {
		k = new(slots)
		s.keys[key] = k
	}
	return k
}

// taken is the number of slots that the key cannot use now.
func (s *Server) taken(key string) int {
	k, now := s.slotsOf(key), s.slotTime()
	k.held = slices.DeleteFunc(k.held, func(h held) bool { return h.until <= now })
	n := k.used
	for _, h := range k.held {
		n += int(h.n)
	}
	return n
}

// hold keeps slots taken for a while after their connection has died.
func (s *Server) hold(key string, n int) {
	if n > 0 && s.o.Limit > 0 {
		k := s.slotsOf(key)
		k.held = append(k.held, held{int64(n), s.slotTime() + heldSlots})
	}
}

// slotTime is the clock of held slots: event time, but at speed 0 that stands
// still while everybody is away, so there it is the wall clock.
func (s *Server) slotTime() int64 {
	if s.paced() {
		return time.Now().UnixMilli()
	}
	return s.now()
}
