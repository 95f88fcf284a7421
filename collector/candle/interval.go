package candle

import (
	"fmt"
	"strconv"
)

// Kind is what ends a candle.
type Kind uint8

// The kinds of Interval. Time is the zero value.
const (
	Time    Kind = iota // a stretch of the clock
	Day                 // the session, whole
	Trades              // a number of trades
	Volume              // a number of shares or coins
	Dollars             // a turnover
)

// Interval is a candle's length: a Kind and how much of it. The zero value is
// not an Interval; make one with ParseInterval.
type Interval struct {
	kind Kind
	n    int64 // milliseconds for Time; otherwise as written
}

// Second and HundredTrades are the two intervals that are stored when a session
// has ended.
var (
	Second        = Interval{Time, 1000}
	HundredTrades = Interval{Trades, 100}
)

const dayMillis = 24 * 60 * 60 * 1000

// ParseInterval reads 1s, 5m, 4h (what divides 24 hours), 1d, 100t, 10000v,
// 1000000usd. The error says what is wrong with it, without a prefix.
func ParseInterval(text string) (Interval, error) {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil || n <= 0 {
		return Interval{}, fmt.Errorf("%q is no interval", text)
	}
	unit := text[digits:]
	switch unit {
	case "t":
		return Interval{Trades, n}, nil
	case "v":
		return Interval{Volume, n}, nil
	case "usd":
		return Interval{Dollars, n}, nil
	case "d":
		if n != 1 {
			return Interval{}, fmt.Errorf("%q: the only day is 1d, the session", text)
		}
		return Interval{Day, 1}, nil
	case "s", "m", "h":
		length := map[string]int64{"s": 1000, "m": 60_000, "h": 3_600_000}[unit]
		if n > dayMillis/length || dayMillis%(n*length) != 0 {
			return Interval{}, fmt.Errorf("%q does not divide 24 hours", text)
		}
		return Interval{Time, n * length}, nil
	}
	return Interval{}, fmt.Errorf("%q is no interval", text)
}

// String is the interval in the shortest form that ParseInterval reads: 60s is 1m.
func (v Interval) String() string {
	n, unit := v.n, ""
	switch v.kind {
	case Day:
		unit = "d"
	case Trades:
		unit = "t"
	case Volume:
		unit = "v"
	case Dollars:
		unit = "usd"
	case Time:
		switch {
		case n%3_600_000 == 0:
			n, unit = n/3_600_000, "h"
		case n%60_000 == 0:
			n, unit = n/60_000, "m"
		default:
			n, unit = n/1000, "s"
		}
	}
	return strconv.FormatInt(n, 10) + unit
}

// Kind is what ends a candle of this interval.
func (v Interval) Kind() Kind { return v.kind }

// Millis is the length of a Time interval, 0 for every other.
func (v Interval) Millis() int64 {
	if v.kind == Time {
		return v.n
	}
	return 0
}

// Start is the label of the candle of time that the instant t belongs to (Unix ms),
// when candles are aligned with anchor: a Day starts at the anchor itself. It means
// nothing for intervals that are not ByTime.
func (v Interval) Start(t, anchor int64) int64 {
	if v.kind == Day {
		return anchor
	}
	d := (t - anchor) % v.n
	if d < 0 {
		d += v.n
	}
	return t - d
}

// ByTime is true where trades belong to a candle by their time (Time and Day),
// false where by their order of arrival.
func (v Interval) ByTime() bool { return v.kind == Time || v.kind == Day }

// full says whether c has reached the size of the interval. The trade that takes
// it there belongs to it whole; what is over is not carried. Candles of time have
// no size to reach.
func (v Interval) full(c *Candle) bool {
	size := SumOf(Decimal{Units: v.n})
	switch v.kind {
	case Trades:
		return c.Trades >= v.n
	case Volume:
		return c.Volume.Cmp(size) >= 0
	case Dollars:
		return c.Turnover.Cmp(size) >= 0
	}
	return true
}
