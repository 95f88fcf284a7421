package ledger

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Count names one number that a session's statistics keep. The names are stored.
type Count string

// What is counted. Accepted is every recorded trade; the next group says why a
// frame is not one; the last is about the connection.
const (
	Accepted Count = "accepted"

	RejectedPrecision  Count = "rejected_precision"  // a number that does not fit 64 bits and 12 decimals
	RejectedInvalid    Count = "rejected_invalid"    // not a positive price, a non-negative size and a time
	RejectedFuture     Count = "rejected_future"     // more than 10 minutes ahead of the clock
	RejectedSymbol     Count = "rejected_symbol"     // not subscribed
	RejectedSession    Count = "rejected_session"    // its time lies in no session being recorded
	RejectedEcho       Count = "rejected_echo"       // the feed's repeat of a trade already recorded
	RejectedGarbage    Count = "rejected_garbage"    // no JSON object
	RejectedUnknown    Count = "rejected_unknown"    // an object of no known shape
	RejectedUnreadable Count = "rejected_unreadable" // a trade with fields of a wrong type

	Connections Count = "connections"
	Reconnects  Count = "reconnects"
	Lost        Count = "lost" // trades heard and not kept, each in a gap with its cause
)

// The statistics of a session beside the plain counts. How one is added to what is there
// its name says: see Add.
const (
	Uptime         Count = "connected_ms"         // connected, in all
	FirstTrade     Count = "first_trade_ms_first" // from the open, or the subscribe behind it, to the first fresh trade
	LongestSilence Count = "silence_ms_max"       // between two signs of life of a connection
	Late           Count = "late"                 // trades behind the candle that they belong to
	LateWorst      Count = "late_ms_max"          // how far
	LagMost        Count = "lag_ms_max"           // from a trade's time to its arrival
	SkewLeast      Count = "skew_ms_min"          // the median of that in a minute: the clocks' difference
	SkewMost       Count = "skew_ms_max"
	LogWritten     Count = "log_written"
	LogFolded      Count = "log_folded"
)

// Disconnects counts the connections, and the tries, that ended with a cause.
func Disconnects(c Cause) Count {
	if c == "" {
		c = "unreachable"
	}
	return "disconnects_" + Count(c)
}

// lagPrefix begins the names of the counts of lags: of those up to a number of ms, and
// above the next smaller one.
const lagPrefix = "lag_ms_le_"

// LagCount is the count of a lag: half a power of two wide, so that what LagQuantile
// says is at most 1.5 times too much. A negative one is 0.
func LagCount(ms int64) Count {
	return lagPrefix + Count(strconv.FormatInt(lagBound(ms), 10))
}

// LagBound is the greatest lag in ms that a count of lags is of; ok is false for other counts.
func (c Count) LagBound() (ms int64, ok bool) {
	text, is := strings.CutPrefix(string(c), lagPrefix)
	bound, err := strconv.ParseInt(text, 10, 64)
	return bound, is && err == nil
}

// lagBound is the first of 0, 1, 2, 3, 4, 6, 8, 12, 16, 24 ... that is not less.
func lagBound(ms int64) int64 {
	if ms <= 2 {
		return max(ms, 0)
	}
	power := int64(1) << (bits.Len64(uint64(ms-1)) - 1) // the one below
	if ms <= power+power/2 {
		return power + power/2
	}
	return 2 * power
}

// Lags counts lags in memory, for AddTo. The zero value is empty.
type Lags [130]int64

// Add counts a lag, in ms.
func (l *Lags) Add(ms int64) {
	if ms <= 0 {
		l[0]++
		return
	}
	n := bits.Len64(uint64(ms - 1)) // ms is in (2^(n-1), 2^n]
	index := 2 * n
	if n > 1 && ms <= 3<<(n-2) {
		index--
	}
	l[index+1]++
}

// AddTo adds what was counted to c under the names of LagCount, and empties l.
func (l *Lags) AddTo(c Counts) {
	for i, n := range l {
		if n == 0 {
			continue
		}
		bound := int64(0)
		switch half := i - 1; {
		case i == 0:
		case half%2 == 0:
			bound = 1 << (half / 2)
		default:
			bound = 3 << ((half+1)/2 - 2)
		}
		c.Add(LagCount(bound), n)
	}
	*l = Lags{}
}

// Counts are increments or totals, by name.
type Counts map[Count]int64

// Add adds n to what is there of a name: a name that ends in _max keeps the greatest, in
// _min the least, in _first the first; of all others it is the sum.
func (c Counts) Add(name Count, n int64) {
	have, ok := c[name]
	switch {
	case !ok:
		c[name] = n
	case strings.HasSuffix(string(name), "_max"):
		c[name] = max(have, n)
	case strings.HasSuffix(string(name), "_min"):
		c[name] = min(have, n)
	case strings.HasSuffix(string(name), "_first"):
	default:
		c[name] = have + n
	}
}

// Sums says whether a count is a sum, and not the greatest, least or first.
func (c Count) Sums() bool {
	return !strings.HasSuffix(string(c), "_max") && !strings.HasSuffix(string(c), "_min") && !strings.HasSuffix(string(c), "_first")
}

// LagQuantile is the time in ms within which a part q (0.5 the half) of the trades
// arrived, rounded up: see LagCount; false when none was counted.
func (c Counts) LagQuantile(q float64) (ms int64, ok bool) {
	bounds := make(map[int64]int64)
	total, most := int64(0), int64(0)
	for name, n := range c {
		bound, ok := name.LagBound()
		if !ok {
			continue
		}
		bounds[bound] += n
		total += n
		most = max(most, bound)
	}
	if total == 0 {
		return 0, false
	}
	want := int64(math.Ceil(q * float64(total)))
	for bound := int64(0); bound < most; bound = lagBound(bound + 1) {
		if want -= bounds[bound]; want <= 0 {
			return bound, true
		}
	}
	return most, true
}
