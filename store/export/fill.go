package export

import (
	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// Fill says what stands where there is no candle.
type Fill uint8

// The kinds of Fill.
const (
	FillNone    Fill = iota // nothing: no trade, no candle
	FillState               // a row with the state
	FillForward             // that, and in quiet ones the last close
)

// Filler writes the candles of one symbol in one session after the other, each with the
// state of its stretch, and rows between them as Fill says. A stretch without a candle
// gets a row when it has begun and ended within what the ledger tells of.
type Filler struct {
	out  *TimeCandles
	fill Fill
	rows int64

	Piece
	whole bool            // all of the session was heard
	step  int64           // the length of a candle, of a Day that of the session
	next  int64           // the start of the stretch to come
	last  *candle.Decimal // to carry on; nil is nothing
	close candle.Decimal  // what last points at
}

// Piece is what a Filler writes in one go: the candles of a symbol in a session.
type Piece struct {
	Symbol   string
	Session  ledger.Session
	Line     ledger.Timeline // of the symbol
	Until    int64           // the line tells of the time before it, Unix ms
	From, To int64           // the rows that start from From on and before To are wanted
	Interval candle.Interval // of time
	Anchor   int64           // what the candles are aligned with; of a Day it is the open
}

// NewFiller makes a Filler that writes to out.
func NewFiller(out *TimeCandles, fill Fill) *Filler { return &Filler{out: out, fill: fill} }

// Rows is how many rows it has written.
func (f *Filler) Rows() int64 { return f.rows }

// Begin begins a piece.
func (f *Filler) Begin(p Piece) {
	s := p.Session
	if p.Interval.Kind() == candle.Day {
		p.Anchor = s.Open
	}
	f.Piece, f.step, f.last = p, p.Interval.Millis(), nil
	if f.step == 0 {
		f.step = s.Close - s.Open
	}
	f.next = p.Interval.Start(s.Open, p.Anchor)
	f.whole = len(p.Line) == 1 && p.Line.Listens(s.Open, s.Close)
}

// Encode writes a candle, and before it the rows for the stretches since the one before. One
// that is not wanted is not written, but its close may be carried on. An error is the
// writer's.
func (f *Filler) Encode(c *candle.Candle) error {
	if c.Start >= f.To {
		return nil
	}
	if err := f.fillTo(c.Start); err != nil {
		return err
	}
	state := ledger.Traded
	if !f.whole {
		state, _ = f.Line.State(c.Start, f.end(c.Start), true)
	}
	f.next, f.last = c.Start+f.step, nil
	if f.fill == FillForward && (state == ledger.Traded || !f.holed(c.Start)) {
		f.close = c.Close
		f.last = &f.close
	}
	if c.Start < f.From {
		return nil
	}
	f.rows++
	return f.out.Encode(f.Symbol, c, state)
}

// End writes the rows behind the last candle. An error is the writer's.
func (f *Filler) End() error { return f.fillTo(min(f.Until, f.To)) }

// end is where the stretch that starts at start ends.
func (f *Filler) end(start int64) int64 { return min(start+f.step, f.Session.Close) }

// fillTo writes a row for each whole stretch that starts before to.
func (f *Filler) fillTo(to int64) error {
	if f.fill == FillNone {
		return nil
	}
	for ; f.next < to && f.end(f.next) <= f.Until; f.next += f.step {
		state, _ := f.Line.State(f.next, f.end(f.next), false)
		if state != ledger.Quiet {
			f.last = nil
		}
		if f.next < f.From {
			continue
		}
		if err := f.out.EncodeEmpty(f.Symbol, f.next, state, f.last); err != nil {
			return err
		}
		f.rows++
	}
	return nil
}

// holed says whether a whole second of the stretch was not heard: then a price may be from
// before it, and is not carried on.
func (f *Filler) holed(start int64) bool {
	if f.step <= 1000 {
		return false
	}
	for t := max(start, f.Session.Open); t < f.end(start); t += 1000 {
		if state, _ := f.Line.State(t, t+1000, false); state != ledger.Quiet {
			return true
		}
	}
	return false
}
