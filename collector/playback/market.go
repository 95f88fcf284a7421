package playback

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"tapedeck/collector/ledger"
)

// MarketOptions say what a Market is like.
type MarketOptions struct {
	// Seed makes the market: equal options give equal frames, byte for byte, on
	// every machine of one architecture.
	Seed uint64
	// Session is when the market is open. Its Close must lie after its Open.
	Session ledger.Session
	// Symbols are the bare symbols, the busiest first. Without any there are
	// Count of them, S00001 and on; without a Count there are 10.
	Symbols []string
	Count   int
	// Rate is the number of trades in a second of the session, over all symbols,
	// on average; 0 means 100. Before the open and after the close there are
	// far fewer.
	Rate float64
	// Days is the number of sessions; 0 means 1. The ones after the first are at
	// the same hours in New York on the next weekdays; a WholeDay session goes on
	// with the next UTC day.
	Days int
}

const (
	preOpen   = 90_000  // ms of the sparse stretch before the open
	postClose = 300_000 // and after the close
	// The closing prints of all symbols come within this long of the close.
	closingPrints = 20_000
)

// Market is a Source: a simulated stock market, made while it is read, so it
// takes no memory however long it is. It never changes: all methods may be
// called at any time.
//
// A session is busy at its edges and quiet at noon. Few symbols make most of the
// trades, and the last tenth hardly trade at all. Prints come some milliseconds
// after their t, and one in forty up to a minute after it. Sparser frames come
// from 90 s before the open until 5 minutes after the close, among them one
// closing print of every symbol within 20 s of the close, so that whoever listens
// to any symbol sees a frame stamped after the close.
type Market struct {
	seed     uint64
	rate     float64
	sessions []ledger.Session
	names    []string
	index    map[string]int
	heads    [][]byte // of a frame: {"s":"QLD","p":
	start    []int64  // the first price, in 1/10000 dollar
	draw     alias
	scale    float64 // makes the average of the activity 1
}

// NewMarket makes a market. It does not block.
func NewMarket(o MarketOptions) *Market {
	m := &Market{seed: o.Seed, rate: o.Rate, names: slices.Clone(o.Symbols), index: make(map[string]int)}
	if m.rate <= 0 {
		m.rate = 100
	}
	if len(m.names) == 0 {
		count := o.Count
		if count <= 0 {
			count = 10
		}
		for i := range count {
			m.names = append(m.names, fmt.Sprintf("S%05d", i+1))
		}
	}
	m.sessions = sessions(o.Session, max(o.Days, 1))
	random := rand.New(rand.NewPCG(o.Seed, 1))
	for i, name := range m.names {
		m.index[name] = i
		quoted, _ := json.Marshal(name) // a string always marshals
		m.heads = append(m.heads, fmt.Appendf(nil, `{"s":%s,"p":`, quoted))
		cents := math.Exp(4.2 + 0.9*random.NormFloat64()) // around 67 dollars
		m.start = append(m.start, int64(100*min(max(cents, 5), 900))*pricesPerCent)
	}
	m.draw = newAlias(popularity(len(m.names)))
	sum := 0.0
	for i := range 1000 {
		sum += activity((float64(i) + 0.5) / 1000)
	}
	m.scale = 1000 / sum
	return m
}

func sessions(first ledger.Session, days int) []ledger.Session {
	out := []ledger.Session{first}
	for range days - 1 {
		next := out[len(out)-1]
		if next.Hours == ledger.WholeDay {
			next = ledger.Day(next.Close)
		} else {
			length := next.Close - next.Open
			next.Open = nextWeekday(next.Open)
			next.Close = next.Open + length
		}
		out = append(out, next)
	}
	return out
}

// activity is the shape of a session, x running from 0 at the open to 1 at the
// close: busiest at both ends.
func activity(x float64) float64 {
	return 0.55 + 1.9*math.Exp(-14*x) + 1.6*math.Exp(-11*(1-x))
}

// popularity are the shares of n symbols: one over the rank, and next to nothing
// for the last tenth.
func popularity(n int) []float64 {
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = 1 / float64(i+1)
		if n >= 4 && i >= n-max(1, n/10) {
			shares[i] *= 0.02
		}
	}
	return shares
}

// Begin is 90 s before the first open.
func (m *Market) Begin() int64 { return m.sessions[0].Open - preOpen }

// End is when the last stretch of frames ends: 5 minutes after the last close.
func (m *Market) End() int64 { return m.sessions[len(m.sessions)-1].Close + postClose }

// Sessions are the sessions of the market in order.
func (m *Market) Sessions() []ledger.Session { return slices.Clone(m.sessions) }

// Symbols are the symbols of the market, the busiest first.
func (m *Market) Symbols() []string { return slices.Clone(m.names) }

// Before is a print of the symbol's first price at the end of the trading day
// before the first session: the weekday before in New York, 15:59:5x; for a
// WholeDay session the end of the UTC day before.
func (m *Market) Before(symbol string) ([]byte, bool) {
	i, ok := m.index[symbol]
	if !ok {
		return nil, false
	}
	t := closingTime(m.sessions[0].Open, i)
	if m.sessions[0].Hours == ledger.WholeDay {
		t = dayEnd(m.sessions[0].Open, i)
	}
	frame := slices.Clone(m.heads[i])
	frame = appendPrice(frame, m.start[i])
	frame = append(frame, `,"c":[],"v":100,"dp":false,"ms":"open","t":`...)
	frame = strconv.AppendInt(frame, t, 10)
	return append(frame, '}'), true
}

// Events are the frames of all sessions. It never gives an error.
func (m *Market) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := m.newWalk()
		for i, s := range m.sessions {
			w.begin, w.end = s.Open-preOpen, s.Close+postClose
			if i > 0 { // days that touch leave no room between them
				w.begin = max(w.begin, m.sessions[i-1].Close)
			}
			if i+1 < len(m.sessions) && m.sessions[i+1].Open < w.end+preOpen {
				w.end = s.Close
			}
			if !w.session(s, yield) {
				return
			}
		}
	}
}
