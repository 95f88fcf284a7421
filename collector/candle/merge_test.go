package candle_test

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"tapedeck/collector/candle"
)

// mergeByStart merges candles of time that carry the same label, in order.
func mergeByStart(v candle.Interval, pieces ...[]candle.Candle) []candle.Candle {
	merged := make(map[int64]candle.Candle)
	for _, c := range slices.Concat(pieces...) {
		if before, ok := merged[c.Start]; ok {
			c = candle.Merge(v, before, c)
		}
		merged[c.Start] = c
	}
	return slices.SortedFunc(maps.Values(merged), func(a, b candle.Candle) int { return cmp.Compare(a.Start, b.Start) })
}

// Cut a run of trades anywhere, fold the pieces, merge: the fold of the whole.
func TestMergeTime(t *testing.T) {
	eachFold(t, byTime, func(t *testing.T, r *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		want := foldOf(v, anchor, trades)
		cut := r.IntN(len(trades) + 1)
		left, right := foldOf(v, anchor, trades[:cut]), foldOf(v, anchor, trades[cut:])
		sameCandles(t, "two pieces", mergeByStart(v, left, right), want)
		again := cut + r.IntN(len(trades)-cut+1)
		middle, right := foldOf(v, anchor, trades[cut:again]), foldOf(v, anchor, trades[again:])
		sameCandles(t, "three pieces", mergeByStart(v, mergeByStart(v, left, middle), right), want)
		sameCandles(t, "three pieces, the later first", mergeByStart(v, left, mergeByStart(v, middle, right)), want)
	})
}

// Cut inside a candle by arrival, fold the pieces, merge: that candle. The rest of
// the session does not matter to it.
func TestMergeArrival(t *testing.T) {
	eachFold(t, byArrival, func(t *testing.T, r *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		rest := trades
		for i, c := range foldOf(v, anchor, trades) {
			own := rest[:c.Trades]
			rest = rest[c.Trades:]
			if len(own) < 2 {
				continue
			}
			cut := 1 + r.IntN(len(own)-1)
			left, right := foldOf(v, anchor, own[:cut]), foldOf(v, anchor, own[cut:])
			if len(left) != 1 || len(right) != 1 {
				t.Fatalf("candle %d cut at %d of %d comes to %d and %d candles", i, cut, len(own), len(left), len(right))
			}
			merged := candle.Merge(v, left[0], right[0])
			merged.Number = c.Number // of a session the piece knows nothing
			sameCandles(t, "merged", []candle.Candle{merged}, []candle.Candle{c})
		}
	})
}

// The candle of a single trade is the smallest piece there is.
func TestMergeOf(t *testing.T) {
	eachFold(t, slices.Concat(intervals("1d"), byArrival), func(t *testing.T, _ *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		rest := trades
		for _, c := range foldOf(v, anchor, trades) {
			own := rest[:c.Trades]
			rest = rest[c.Trades:]
			if len(own) < 2 {
				continue
			}
			merged := candle.Of(&own[0])
			for i := range own[1:] {
				merged = candle.Merge(v, merged, candle.Of(&own[i+1]))
			}
			if v.ByTime() {
				if merged.Start != c.First {
					t.Fatalf("labelled %d, the earliest piece is %d", merged.Start, c.First)
				}
				merged.Start = c.Start // the interval's label is not the piece's to know
			}
			merged.Number = c.Number
			sameCandles(t, "merged", []candle.Candle{merged}, []candle.Candle{c})
		}
	})
}
