// Package playback is an EODHD-compatible WebSocket server over trades that it
// is handed: a [Recording] of feed messages, or a simulated [Market]. It keeps
// to what the real feed was seen to do, its unkind habits included, so that a
// recorder tried against it has been tried against the feed.
//
// All times are Unix milliseconds, UTC. Event time is the time of the market
// being played; it runs at [ServerOptions].Speed times the speed of the wall
// clock, or, at speed 0, from trade to trade as fast as they are read.
package playback

import "iter"

// Event is one frame to be sent.
type Event struct {
	// Due is when the feed sends it, in event time. It never goes back from one
	// event to the next.
	Due int64
	// Time is the t of the trade: at or before Due, and out of order for prints
	// that come late.
	Time int64
	// Symbol is the bare symbol, as a client subscribes to it.
	Symbol string
	// Frame is the message, one JSON object. It is the source's own and is valid
	// only until the next event is asked for.
	Frame []byte
}

// Source is a market to play. The methods may be called from several goroutines
// at once and must not block for long.
type Source interface {
	// Begin is the Due of the first event, or a little before it.
	Begin() int64
	// Events are all frames in the order of their Due. It may be called again for
	// another pass and gives the same. The first error ends it.
	Events() iter.Seq2[Event, error]
	// Before is what the feed repeats when somebody subscribes to the symbol
	// before its first event: a trade of the trading day before. ok is false when
	// the source does not know the symbol: Events has no event of it. The caller may keep the frame and must
	// not change it.
	Before(symbol string) (frame []byte, ok bool)
}
