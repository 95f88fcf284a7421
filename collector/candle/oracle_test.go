package candle_test

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tapedeck/collector/candle"
)

// naiveFold is the fold once more, from the rules of the data and by math/big: it
// sorts trades into heaps first and looks at each heap afterwards. It reads the
// interval by its name.
func naiveFold(v candle.Interval, anchor int64, trades []candle.Trade) []candle.Candle {
	if v.ByTime() {
		return naiveByTime(v, anchor, trades)
	}
	unit := strings.TrimLeft(v.String(), "0123456789")
	size := ratOf(strings.TrimSuffix(v.String(), unit))
	var candles []candle.Candle
	for begin := 0; begin < len(trades); {
		end, reached := begin, new(big.Rat)
		for end < len(trades) && reached.Cmp(size) < 0 {
			t := &trades[end]
			end++
			switch unit {
			case "t":
				reached.Add(reached, big.NewRat(1, 1))
			case "v":
				reached.Add(reached, rat(t.Size))
			case "usd":
				reached.Add(reached, new(big.Rat).Mul(rat(t.Size), rat(t.Price)))
			}
		}
		c := naiveCandle(trades[begin:end])
		c.Start, c.Number = trades[begin].Time, int64(len(candles)+1)
		c.Complete = reached.Cmp(size) >= 0
		candles = append(candles, c)
		begin = end
	}
	return candles
}

func naiveByTime(v candle.Interval, anchor int64, trades []candle.Trade) []candle.Candle {
	heaps := make(map[int64][]candle.Trade)
	for _, t := range trades {
		start := anchor
		if v.Kind() == candle.Time {
			// The greatest start that is not after the trade.
			steps := new(big.Int).Div(big.NewInt(t.Time-anchor), big.NewInt(v.Millis())) // Euclidean: floors
			start += steps.Int64() * v.Millis()
		}
		heaps[start] = append(heaps[start], t)
	}
	var candles []candle.Candle
	for start, heap := range heaps {
		slices.SortStableFunc(heap, func(a, b candle.Trade) int { return cmp.Compare(a.Time, b.Time) })
		c := naiveCandle(heap)
		c.Start, c.Complete = start, true
		candles = append(candles, c)
	}
	slices.SortFunc(candles, func(a, b candle.Candle) int { return cmp.Compare(a.Start, b.Start) })
	return candles
}

// naiveCandle is the candle of trades in the order that decides open and close.
func naiveCandle(trades []candle.Trade) candle.Candle {
	first, last := trades[0], trades[len(trades)-1]
	c := candle.Candle{First: first.Time, Last: last.Time, Open: first.Price, Close: last.Price,
		High: first.Price, Low: first.Price, Trades: int64(len(trades))}
	high, low := rat(c.High), rat(c.Low)
	for _, t := range trades {
		price := rat(t.Price)
		if price.Cmp(high) > 0 {
			high, c.High = price, t.Price
		}
		if price.Cmp(low) < 0 {
			low, c.Low = price, t.Price
		}
		c.Volume.Add(candle.SumOf(t.Size)) // sum_test.go answers for these two
		c.Turnover.Add(candle.ProductOf(t.Price, t.Size))
	}
	return c
}

func sameCandles(t *testing.T, what string, got, want []candle.Candle) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("%s: %d candles, want %d; number %d is\n%s, want\n%s", what, len(got), len(want), i, at(got, i), at(want, i))
		}
	}
}

func at(candles []candle.Candle, i int) string {
	if i >= len(candles) {
		return "none"
	}
	c := candles[i]
	return strings.Join([]string{"start", strconv.FormatInt(c.Start, 10), "number", strconv.FormatInt(c.Number, 10),
		"first", strconv.FormatInt(c.First, 10), "last", strconv.FormatInt(c.Last, 10),
		c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(), "volume", c.Volume.String(),
		"turnover", c.Turnover.String(), "trades", strconv.FormatInt(c.Trades, 10),
		"complete", strconv.FormatBool(c.Complete)}, " ")
}
