// Package candle is the pure core of tapedeck: trades, and the candles that are
// their fold. It knows no clock, lock, goroutine or file. All times are Unix
// milliseconds, UTC; all numbers are exact decimals.
package candle

import "math"

// Candle is what a run of trades of one symbol in one session comes to. There is
// no candle without a trade. The zero value is no candle: make one with Of.
type Candle struct {
	// Start labels the candle: for an interval of time the start of its
	// stretch of the clock, for the others the time of the first trade to arrive.
	Start int64
	// Number counts trade, volume and dollar candles from 1 in each session. It
	// is 0 for candles of time.
	Number int64
	// First and Last are the times of the trades that gave Open and Close.
	First, Last            int64
	Open, High, Low, Close Decimal
	Volume, Turnover       Sum
	// Trades is how many trades it folds, at least 1.
	Trades int64
	// Complete is false for the last trade, volume or dollar candle of a
	// session when it has not reached its size. Candles of time are complete.
	Complete bool
}

// Of is the candle of a single trade, labelled with the trade's own time.
func Of(t *Trade) Candle {
	return Candle{
		Start: t.Time, First: t.Time, Last: t.Time,
		Open: t.Price, High: t.Price, Low: t.Price, Close: t.Price,
		Volume: SumOf(t.Size), Turnover: ProductOf(t.Price, t.Size), Trades: 1,
	}
}

// add folds one more trade into c. byTime says who decides open and close: the
// trades' time, then arrival; or arrival alone.
func (c *Candle) add(t *Trade, byTime bool) {
	if byTime && t.Time < c.First {
		c.First, c.Open = t.Time, t.Price
	}
	if !byTime || t.Time >= c.Last {
		c.Last, c.Close = t.Time, t.Price
	}
	if t.Price.Cmp(c.High) > 0 {
		c.High = t.Price
	}
	if t.Price.Cmp(c.Low) < 0 {
		c.Low = t.Price
	}
	c.Volume.Add(SumOf(t.Size))
	c.Turnover.Add(ProductOf(t.Price, t.Size))
	c.Trades++
}

// Merge is the candle of a's trades followed, in arrival, by b's. Both must be
// pieces of one candle of interval v; the label and number of a stay, of time
// candles the earlier label. For every cut of the trades of one candle, merging the
// candles of the pieces in order is the candle of the whole.
func Merge(v Interval, a, b Candle) Candle {
	m := a
	if v.ByTime() {
		m.Start = min(a.Start, b.Start)
		if b.First < a.First {
			m.First, m.Open = b.First, b.Open
		}
	}
	if !v.ByTime() || b.Last >= a.Last {
		m.Last, m.Close = b.Last, b.Close
	}
	if b.High.Cmp(a.High) > 0 {
		m.High = b.High
	}
	if b.Low.Cmp(a.Low) < 0 {
		m.Low = b.Low
	}
	m.Volume.Add(b.Volume)
	m.Turnover.Add(b.Turnover)
	m.Trades += b.Trades
	m.Complete = v.full(&m) // pieces too small by themselves may fill it together
	return m
}

// VWAP is turnover over volume, rounded half to even at 6 decimals, or at 10
// when it is under 0.01. ok is false when the volume is 0.
func (c *Candle) VWAP() (vwap Sum, ok bool) {
	if c.Volume.IsZero() {
		return Sum{}, false
	}
	return c.Turnover.quotient(&c.Volume), true
}

// ShortVWAP is VWAP as units of 10^-scale, of almost every candle. ok is false when it takes
// more than an int64 to compute it, or the volume is 0.
func (c *Candle) ShortVWAP() (units int64, scale uint8, ok bool) {
	if c.High == c.Low && c.High.Scale <= coarse && c.Volume.words[0] != 0 { // all at one price
		return c.High.Units, c.High.Scale, true
	}
	q, scale, ok := c.Turnover.shortQuotient(&c.Volume)
	return int64(q), scale, ok && q <= math.MaxInt64
}
