package playback

import (
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"tapedeck/collector/candle"
)

// Arrival is a trade and when it is due, Unix ms.
type Arrival struct {
	Due  int64
	Open bool // the market is in its regular hours
	candle.Trade
}

// Trades is a Source of trades that were recorded before. It holds none of them. All
// methods may be called at any time, as far as what it was made of allows.
type Trades struct {
	crypto bool
	begin  int64
	names  map[string][]byte // as JSON
	before map[string][]byte
	each   func() iter.Seq2[Arrival, error]
}

// NewTrades makes a Source of what each gives: by Due, and the same each time. begin is the
// Due of the first one; first holds the first trade of each symbol, from which its echo of
// the day before is made. Frames are those of the US feed, or with crypto of that one.
func NewTrades(crypto bool, begin int64, first []candle.Trade, each func() iter.Seq2[Arrival, error]) *Trades {
	s := &Trades{crypto: crypto, begin: begin, names: make(map[string][]byte), before: make(map[string][]byte), each: each}
	for i, t := range first {
		s.names[t.Symbol], _ = json.Marshal(t.Symbol) // a string always encodes
		t.Time = closingTime(t.Time, i)
		if crypto {
			t.Time = dayEnd(first[i].Time, i)
		}
		s.before[t.Symbol] = s.appendFrame(nil, &Arrival{Trade: t, Open: true})
	}
	return s
}

// Begin is the Due of the first trade.
func (s *Trades) Begin() int64 { return s.begin }

// Events are the trades as frames.
func (s *Trades) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var frame []byte
		for a, err := range s.each() {
			if err != nil {
				yield(Event{}, err)
				return
			}
			frame = s.appendFrame(frame[:0], &a)
			if !yield(Event{Due: a.Due, Time: a.Time, Symbol: a.Symbol, Frame: frame}, nil) {
				return
			}
		}
	}
}

// Before is the symbol's first trade, moved to the end of the trading day before.
func (s *Trades) Before(symbol string) ([]byte, bool) {
	frame, ok := s.before[symbol]
	return frame, ok
}

// appendFrame writes a trade as the feed sends it: numbers as they were printed. What ms
// says is not on file: it is made of the time of arrival, as the feed's is.
func (s *Trades) appendFrame(dst []byte, a *Arrival) []byte {
	t := &a.Trade
	dst = append(dst, `{"s":`...)
	dst = append(dst, s.names[t.Symbol]...)
	if s.crypto {
		dst = append(dst, `,"p":"`...)
		dst = t.Price.Append(dst, 0)
		dst = append(dst, `","q":"`...)
		dst = t.Size.Append(dst, 0)
		dst = append(dst, `","t":`...)
		dst = strconv.AppendInt(dst, t.Time, 10)
		return append(dst, '}')
	}
	dst = append(dst, `,"p":`...)
	dst = t.Price.Append(dst, 0)
	dst = append(dst, `,"c":[`...)
	dst = append(dst, strings.ReplaceAll(strings.TrimSuffix(t.Conditions, "|"), "|", ",")...)
	dst = append(dst, `],"v":`...)
	dst = t.Size.Append(dst, 0)
	dst = append(dst, `,"dp":`...)
	dst = strconv.AppendBool(dst, t.Dark)
	if a.Open {
		dst = append(dst, `,"ms":"open","t":`...)
	} else {
		dst = append(dst, `,"ms":"extended-hours","t":`...)
	}
	dst = strconv.AppendInt(dst, t.Time, 10)
	return append(dst, '}')
}
