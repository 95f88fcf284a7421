package candle_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tapedeck/collector/candle"
)

var (
	byTime    = intervals("1s", "5s", "1m", "4h", "24h", "1d")
	byArrival = intervals("1t", "2t", "100t", "1v", "300v", "100000v", "1usd", "250000usd", "9223372036854775807usd")
)

// eachFold calls law with runs of trades of every market, each with an interval
// and an anchor. Times lie on both sides of 1970, so that floor and truncation differ.
func eachFold(t *testing.T, all []candle.Interval, law func(t *testing.T, r *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade)) {
	for _, v := range all {
		for name, look := range markets {
			t.Run(v.String()+" "+name, func(t *testing.T) {
				r := seeded(t) // one for each, so that a part run alone repeats too
				for range 6 {
					start := []int64{1699974000000, 0, -1_000_000_000}[r.IntN(3)] + r.Int64N(100_000)
					anchor := []int64{0, start - r.Int64N(100_000), start + 90_500}[r.IntN(3)]
					law(t, r, v, anchor, randomTrades(r, r.IntN(400), start, look))
				}
			})
		}
	}
}

// The fold is what the rules say, however often somebody looks at it meanwhile.
func TestFoldOracle(t *testing.T) {
	eachFold(t, slices.Concat(byTime, byArrival), func(t *testing.T, r *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		want := naiveFold(v, anchor, trades)
		sameCandles(t, "folded at once", foldOf(v, anchor, trades), want)
		f := candle.NewFold(v, anchor)
		for i := range trades {
			f.Add(&trades[i])
			if r.IntN(200) == 0 {
				sameCandles(t, "looked at on the way", f.Candles(), naiveFold(v, anchor, trades[:i+1]))
			}
		}
		sameCandles(t, "looked at on the way", f.Candles(), want)
		f.Reset(anchor)
		if n := len(f.Candles()); n != 0 {
			t.Fatalf("%d candles after Reset", n)
		}
		for i := range trades {
			f.Add(&trades[i])
		}
		sameCandles(t, "folded again after Reset", f.Candles(), want)
	})
}

// Whatever the order of arrival, the candles of time are the same, as long as
// trades of one millisecond keep theirs.
func TestFoldArrival(t *testing.T) {
	eachFold(t, byTime, func(t *testing.T, r *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		sameCandles(t, "shuffled", foldOf(v, anchor, shuffled(r, trades)), foldOf(v, anchor, trades))
	})
}

// shuffled are the trades in another order, those of equal time in the same.
func shuffled(r *rand.Rand, trades []candle.Trade) []candle.Trade {
	mixed := slices.Clone(trades)
	r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	waiting := make(map[int64][]candle.Trade)
	for _, t := range trades {
		waiting[t.Time] = append(waiting[t.Time], t)
	}
	for i, t := range mixed {
		mixed[i] = waiting[t.Time][0]
		waiting[t.Time] = waiting[t.Time][1:]
	}
	return mixed
}

// Every trade is in one candle, and only there.
func TestFoldTotals(t *testing.T) {
	eachFold(t, slices.Concat(byTime, byArrival), func(t *testing.T, _ *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		var all, folded candle.Candle
		for _, trade := range trades {
			all.Trades++
			all.Volume.Add(candle.SumOf(trade.Size))
			all.Turnover.Add(candle.ProductOf(trade.Price, trade.Size))
		}
		candles := foldOf(v, anchor, trades)
		for i, c := range candles {
			folded.Trades += c.Trades
			folded.Volume.Add(c.Volume)
			folded.Turnover.Add(c.Turnover)
			for _, p := range []candle.Decimal{c.Open, c.Close, c.Low} {
				if c.High.Cmp(p) < 0 || c.Low.Cmp(p) > 0 {
					t.Fatalf("%s lies outside low and high: %s", p, at(candles, i))
				}
			}
			if !c.Complete && (v.ByTime() || i != len(candles)-1) {
				t.Fatalf("candle %d of %d is not complete: %s", i, len(candles), at(candles, i))
			}
			if v.ByTime() && c.Number != 0 || !v.ByTime() && c.Number != int64(i+1) {
				t.Fatalf("candle %d has number %d", i, c.Number)
			}
			if v.Kind() == candle.Time && (c.Start > c.First || c.Last >= c.Start+v.Millis() || (c.Start-anchor)%v.Millis() != 0) {
				t.Fatalf("anchor %d, the label is not the floor: %s", anchor, at(candles, i))
			}
		}
		if folded != all {
			t.Fatalf("candles come to %+v, trades to %+v", folded, all)
		}
	})
}

// Candle k of N trades holds the trades N(k-1)+1 to Nk: anybody can rebuild it.
func TestFoldCounts(t *testing.T) {
	const size = 100
	eachFold(t, intervals("100t"), func(t *testing.T, _ *rand.Rand, v candle.Interval, anchor int64, trades []candle.Trade) {
		for i, c := range foldOf(v, anchor, trades) {
			part := trades[size*i : min(size*(i+1), len(trades))]
			want := naiveCandle(part)
			want.Start, want.Number, want.Complete = part[0].Time, int64(i+1), len(part) == size
			sameCandles(t, "from its trades", []candle.Candle{c}, []candle.Candle{want})
		}
	})
}

// A candle ends with the trade that brings it to its size or over it; what is over
// is not carried.
func TestFoldSize(t *testing.T) {
	for _, c := range []struct {
		interval string
		sizes    []int64 // of trades at 0.50
		want     []int64 // volumes
		complete bool    // the last one
	}{
		{"3v", []int64{1, 1, 1, 3, 2}, []int64{3, 3, 2}, false},
		{"3v", []int64{2, 2, 2, 100, 1, 0, 2}, []int64{4, 102, 3}, true},
		{"3usd", []int64{2, 2, 2, 6, 5, 1}, []int64{6, 6, 6}, true},
		{"3usd", []int64{5, 5, 5}, []int64{10, 5}, false},
		{"1t", []int64{0, 7}, []int64{0, 7}, true},
	} {
		var trades []candle.Trade
		for _, size := range c.sizes {
			trades = append(trades, candle.Trade{Price: decimal(5, 1), Size: decimal(size, 0)})
		}
		got := foldOf(intervals(c.interval)[0], 0, trades)
		var volumes []int64
		for _, g := range got {
			volumes = append(volumes, ratOf(g.Volume.String()).Num().Int64())
		}
		if !slices.Equal(volumes, c.want) || got[len(got)-1].Complete != c.complete {
			t.Errorf("%s of %v: volumes %v, want %v; the last complete: %v", c.interval, c.sizes, volumes, c.want, got[len(got)-1].Complete)
		}
	}
}
