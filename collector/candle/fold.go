package candle

import (
	"cmp"
	"slices"
)

// Fold turns the trades of one symbol in one session, handed over in order of
// arrival, into its candles of one interval. It is not safe for concurrent use.
// It keeps the candles, not the trades.
type Fold struct {
	interval Interval
	anchor   int64
	candles  []Candle
	at       map[int64]int // start of a time candle -> its index; made when trades first come out of order
	sorted   bool
}

// NewFold begins a fold. anchor is an instant (Unix ms) at which a candle of time
// starts: 0 aligns them with the epoch, a session's open with the session. A Day
// starts at the anchor.
func NewFold(v Interval, anchor int64) *Fold {
	return &Fold{interval: v, anchor: anchor, sorted: true}
}

// Add folds the next trade to arrive.
func (f *Fold) Add(t *Trade) {
	if f.interval.ByTime() {
		f.addByTime(t)
		return
	}
	f.addByArrival(t)
}

func (f *Fold) addByTime(t *Trade) {
	start := f.interval.Start(t.Time, f.anchor)
	last := len(f.candles) - 1
	if last >= 0 && f.candles[last].Start == start {
		f.candles[last].add(t, true)
		return
	}
	if last >= 0 && (f.at != nil || start < f.candles[last].Start) {
		f.index()
		if i, ok := f.at[start]; ok {
			f.candles[i].add(t, true)
			return
		}
		f.at[start] = len(f.candles)
		f.sorted = f.sorted && start > f.candles[last].Start
	}
	c := Of(t)
	c.Start, c.Complete = start, true
	f.candles = append(f.candles, c)
}

// index builds the map from start to candle. Sessions without a late trade never
// pay for it.
func (f *Fold) index() {
	if f.at != nil {
		return
	}
	f.at = make(map[int64]int, len(f.candles))
	for i := range f.candles {
		f.at[f.candles[i].Start] = i
	}
}

func (f *Fold) addByArrival(t *Trade) {
	last := len(f.candles) - 1
	if last < 0 || f.candles[last].Complete {
		c := Of(t)
		c.Number = int64(len(f.candles)) + 1
		f.candles = append(f.candles, c)
		last++
	} else {
		f.candles[last].add(t, false)
	}
	c := &f.candles[last]
	c.Complete = f.interval.full(c)
}

// Candles are the candles so far: by start for time, by number for the others.
// The slice is the fold's own: it is valid until the next Add or Reset.
func (f *Fold) Candles() []Candle {
	if !f.sorted {
		slices.SortFunc(f.candles, func(a, b Candle) int { return cmp.Compare(a.Start, b.Start) })
		f.sorted, f.at = true, nil
	}
	return f.candles
}

// Reset empties the fold for another symbol or session and keeps its memory.
func (f *Fold) Reset(anchor int64) {
	f.anchor, f.candles, f.at, f.sorted = anchor, f.candles[:0], nil, true
}
