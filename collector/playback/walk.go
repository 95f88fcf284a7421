package playback

import (
	"math"
	"math/rand/v2"
	"strconv"

	"tapedeck/collector/ledger"
)

// walk is one pass through a Market.
type walk struct {
	m      *Market
	random *rand.Rand
	price  []int64 // of each symbol now, 1/10000 dollar, whole cents
	event  Event
	frame  []byte
	symbol int // of the last frame
	open   int64
	close  int64
	begin  int64 // of the stretch of frames around the session
	end    int64
}

func (m *Market) newWalk() *walk {
	w := &walk{m: m, random: rand.New(rand.NewPCG(m.seed, 2)), frame: make([]byte, 0, 256)}
	w.price = append(w.price, m.start...)
	return w
}

const (
	sameMoment = 0.12 // of the prints come in the millisecond of the one before, same symbol
	sameTrade  = 0.03 // are in addition equal to it in everything
)

// session makes the frames of one session in the order of their Due, and says
// whether to go on. Arrivals are a Poisson process whose rate changes each
// second: left is what remains of the wait for the next one, in expected
// arrivals, and is carried over the seconds. So nothing needs sorting, and a
// second with a million trades takes no memory.
func (w *walk) session(s ledger.Session, yield func(Event, error) bool) bool {
	w.open, w.close = s.Open, s.Close
	closing := 0 // symbols whose closing print is out
	left := w.random.ExpFloat64()
	for second := w.begin; second < w.end; second += 1000 {
		rate := w.m.rateAt(s, second) * (1 - sameMoment - sameTrade) / 1000 // a ms
		for at := 0.0; ; left = w.random.ExpFloat64() {
			if wait := left / rate; at+wait < 1000 {
				at += wait
			} else {
				left -= (1000 - at) * rate
				break
			}
			due := second + int64(at)
			if !w.closings(&closing, due, yield) || !w.print(due, yield) {
				return false
			}
			for {
				u := w.random.Float64()
				if u >= sameMoment+sameTrade {
					break
				}
				if u < sameMoment {
					w.trade(w.symbol, due)
				}
				if !yield(w.event, nil) {
					return false
				}
			}
		}
	}
	return w.closings(&closing, w.end-1, yield)
}

// rateAt is the number of prints in the second that begins at t.
func (m *Market) rateAt(s ledger.Session, t int64) float64 {
	if t < s.Open || t >= s.Close {
		return max(0.03*m.rate, 0.5)
	}
	return m.rate * m.scale * activity((float64(t-s.Open)+500)/float64(s.Close-s.Open))
}

// closings sends the closing prints that are due: n counts the ones already out.
func (w *walk) closings(n *int, due int64, yield func(Event, error) bool) bool {
	for *n < len(w.m.names) {
		at := w.close + 200 + int64(*n)*closingPrints/int64(len(w.m.names))
		if at > due {
			return true
		}
		size := 100 * (1 + w.random.Int64N(400))
		w.compose(*n, at, at, w.price[*n], size, "[8]", false)
		if !yield(w.event, nil) {
			return false
		}
		*n++
	}
	return true
}

// print sends a trade of some symbol.
func (w *walk) print(due int64, yield func(Event, error) bool) bool {
	w.trade(w.m.draw.pick(w.random.Uint64()), due)
	return yield(w.event, nil)
}

// trade makes the next trade of a symbol.
func (w *walk) trade(symbol int, due int64) {
	u := w.random.Uint64()
	price := w.step(symbol, u)
	u >>= 24
	size, odd := w.size(u)
	u >>= 20

	// The way from the exchange takes some milliseconds, and for a few prints,
	// reported late, up to a minute; most of those take seconds.
	t := due - 3 - int64(u&15)
	if u>>4&1023 < 26 {
		f := w.random.Float64()
		t = due - 200 - int64(59_800*f*f)
	}
	t = max(t, w.begin)
	u >>= 14

	dark := u&15 == 0
	w.compose(symbol, due, t, price, size, w.conditions(due, odd, int(u>>4&3)), dark)
}

const (
	pricesPerCent = 100 // prices are counted in 1/10000 dollar
	lowest        = 0.8 // the bounds of the walk, as parts of the first price
	highest       = 1.25
)

// step moves the symbol's price by a few cents at most, and gives the price of a
// print: now and then between two cents, and no bits above the 24th are used.
func (w *walk) step(symbol int, u uint64) int64 {
	price, first := w.price[symbol], w.m.start[symbol]
	if move := u & 7; move < 4 {
		cents := 1 + first/(200*100*pricesPerCent) // 1 cent below 200 dollars, 5 at 800
		if move&1 == 0 {
			cents = -cents
		}
		if next := price + cents*pricesPerCent; float64(next) > lowest*float64(first) && float64(next) < highest*float64(first) {
			price = next
		}
		w.price[symbol] = price
	}
	switch u >> 3 & 31 {
	case 0:
		return price + pricesPerCent/2 // the middle of the spread
	case 1:
		return price + 1 + int64(u>>8&0xffff)%(pricesPerCent-1)
	}
	return price
}

// size is mostly an odd lot, and those mostly small; it uses 20 bits.
func (w *walk) size(u uint64) (size int64, odd bool) {
	part := int64(u >> 8 & 0xfff)
	switch kind := u & 255; {
	case kind < 165: // odd lots, small ones more often
		return 1 + 99*part*part/(4096*4096), true
	case kind < 225:
		return 100, false
	case kind < 251:
		return 100 * (2 + part%8), false
	default: // a block
		return 100 * (10 + w.random.Int64N(250)), false
	}
}

// conditions are the ids of a print: 12 is Form T (outside the session), 14 an
// intermarket sweep, 37 an odd lot, 41 trade-through exempt.
func (w *walk) conditions(due int64, odd bool, choice int) string {
	if due < w.open || due >= w.close {
		if odd {
			return "[12,37]"
		}
		return "[12]"
	}
	if odd {
		return [4]string{"[14,37,41]", "[37]", "[14,37,41]", "[]"}[choice]
	}
	return [4]string{"[]", "[14,41]", "[]", "[41]"}[choice]
}

// compose makes the frame. ms follows the arrival and not t, as the feed's does:
// a trap for whoever filters on it.
func (w *walk) compose(symbol int, due, t, price, size int64, conditions string, dark bool) {
	b := append(w.frame[:0], w.m.heads[symbol]...)
	b = appendPrice(b, price)
	b = append(b, `,"c":`...)
	b = append(b, conditions...)
	b = append(b, `,"v":`...)
	b = strconv.AppendInt(b, size, 10)
	if dark {
		b = append(b, `,"dp":true,"ms":`...)
	} else {
		b = append(b, `,"dp":false,"ms":`...)
	}
	if due >= w.open && due < w.close {
		b = append(b, `"open","t":`...)
	} else {
		b = append(b, `"extended-hours","t":`...)
	}
	b = strconv.AppendInt(b, t, 10)
	w.frame = append(b, '}')
	w.symbol = symbol
	w.event = Event{Due: due, Time: t, Symbol: w.m.names[symbol], Frame: w.frame}
}

// appendPrice writes 1/10000 dollars without trailing zeros: 141, 70.44, 316.9603.
func appendPrice(b []byte, price int64) []byte {
	b = strconv.AppendInt(b, price/10_000, 10)
	part := price % 10_000
	if part == 0 {
		return b
	}
	b = append(b, '.', byte('0'+part/1000), byte('0'+part/100%10), byte('0'+part/10%10), byte('0'+part%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// alias draws from given shares in constant time (Walker's alias method).
type alias struct {
	keep  []uint32 // of 2^32: how much of column i is i itself
	other []uint32 // the rest of the column
}

func newAlias(shares []float64) alias {
	n, sum := len(shares), 0.0
	for _, s := range shares {
		sum += s
	}
	a := alias{keep: make([]uint32, n), other: make([]uint32, n)}
	scaled := make([]float64, n)
	var small, large []int
	for i, s := range shares {
		scaled[i] = s * float64(n) / sum
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.keep[s], a.other[s] = uint32(scaled[s]*math.MaxUint32), uint32(l)
		if scaled[l] -= 1 - scaled[s]; scaled[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) { // what rounding has left over: full columns
		a.keep[i], a.other[i] = math.MaxUint32, uint32(i)
	}
	return a
}

// pick draws with 64 random bits.
func (a alias) pick(u uint64) int {
	column := (u >> 32) * uint64(len(a.keep)) >> 32
	if uint32(u) <= a.keep[column] {
		return int(column)
	}
	return int(a.other[column])
}
