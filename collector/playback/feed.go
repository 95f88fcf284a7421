package playback

import "context"

const (
	batchEvents = 2048
	batchBytes  = 256 << 10
)

// batch is a run of events on their way from the source to the player.
type batch struct {
	items []item
	text  []byte
	err   error // the source failed after these
}

// item is one event: its frame is text[start:end] of the batch.
type item struct {
	due        int64
	symbol     string
	listing    *listing // set at speed 0, while the item is on its way
	start, end int
}

func (b *batch) frame(it *item) []byte { return b.text[it.start:it.end] }

// feed reads the source ahead of the player, by a few batches, so that making
// the frames and sending them share two cores. It closes s.batches at the end.
func (s *Server) feed(ctx context.Context) {
	defer s.poke()
	defer close(s.batches)
	b := new(batch)
	send := func() bool {
		select {
		case s.batches <- b:
		case <-ctx.Done():
			return false
		}
		s.poke()
		select {
		case b = <-s.spare:
			*b = batch{items: b.items[:0], text: b.text[:0]}
		default:
			b = new(batch)
		}
		return true
	}
	due := s.src.Begin()
	for e, err := range s.src.Events() {
		if err != nil {
			b.err = err
			break
		}
		due = max(due, e.Due)
		start := len(b.text)
		b.text = append(b.text, e.Frame...)
		b.items = append(b.items, item{due: due, symbol: e.Symbol, start: start, end: len(b.text)})
		if (len(b.items) == batchEvents || len(b.text) >= batchBytes) && !send() {
			return
		}
	}
	if len(b.items) > 0 || b.err != nil {
		send()
	}
}

// peek is the next event, or nil when the source has not come up with one yet
// (it pokes when it has), has failed (s.failed) or has ended (s.ended). Needs
// the lock, does not block.
func (s *Server) peek() *item {
	for s.at == len(s.batch.items) {
		if s.failed = s.batch.err; s.failed != nil || s.ended {
			return nil
		}
		select {
		case b, ok := <-s.batches:
			if !ok {
				s.ended = true
				return nil
			}
			select {
			case s.spare <- s.batch:
			default:
			}
			s.batch, s.at = b, 0
		default:
			return nil
		}
	}
	return &s.batch.items[s.at]
}
