package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/store/block"
)

func seeded(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// decimal is any number that is at least least, without trailing zeros.
func decimal(rng *rand.Rand, least int64) candle.Decimal {
	d := candle.Decimal{Units: max(least, rng.Int64()>>rng.IntN(63)), Scale: uint8(rng.IntN(candle.MaxScale + 1))}
	for d.Scale > 0 && d.Units%10 == 0 {
		d.Units /= 10
		d.Scale--
	}
	return d
}

// market makes n trades: plausible ones, or with absurd also numbers that have no scale
// in common, times that jump, and long conditions.
func market(rng *rand.Rand, n int, absurd bool) []candle.Trade {
	list := make([]candle.Trade, n)
	at, price := int64(1763994600000), int64(70_000)
	conditions := []string{"", "14|37|41|", "12|", "37|", strings.Repeat("9|", 2048)}
	for i := range list {
		at += rng.Int64N(300)
		price = max(1, price+rng.Int64N(21)-10)
		list[i] = candle.Trade{Time: at - rng.Int64N(60_000)*rng.Int64N(2), Received: at + rng.Int64N(900),
			Price: candle.Decimal{Units: price*10 + 1, Scale: 3}, Size: candle.Decimal{Units: rng.Int64N(1000)},
			Conditions: conditions[rng.IntN(4)], Dark: rng.IntN(9) == 0}
		if absurd {
			list[i].Time, list[i].Received = rng.Int64()-rng.Int64(), rng.Int64()-rng.Int64()
			list[i].Price, list[i].Size = decimal(rng, 1), decimal(rng, 0)
			list[i].Conditions = conditions[rng.IntN(5)]
			if rng.IntN(40) == 0 {
				list[i].Conditions = fmt.Sprint(rng.Int64(), "|")
			}
		}
	}
	return list
}

// TestTradesComeBack: what is encoded comes back, and always as the same bytes.
func TestTradesComeBack(t *testing.T) {
	rng := seeded(t)
	used, d := block.NewEncoder(), block.NewDecoder()
	for _, n := range []int{1, 2, 3, 100, 1000, block.Limit} {
		for _, absurd := range []bool{false, true} {
			list := market(rng, n, absurd)
			body := used.AppendTrades([]byte("before"), list)[6:]
			if again := block.NewEncoder().AppendTrades(nil, list); !bytes.Equal(again, body) {
				t.Errorf("%d trades, absurd %v: another encoder wrote %d bytes, not %d", n, absurd, len(again), len(body))
			}
			got, err := d.Trades(nil, body)
			if err != nil || !slices.Equal(got, list) {
				t.Fatalf("%d trades, absurd %v: %d came back, %v", n, absurd, len(got), err)
			}
			h, err := block.ReadHeader(body)
			last := list[n-1]
			if err != nil || h.Count != n || h.Last != (candle.Trade{Time: last.Time, Price: last.Price, Size: last.Size}) {
				t.Errorf("header %+v, %v", h, err)
			}
			for i := range list {
				if list[i].Time < h.Earliest || list[i].Time > h.Latest {
					t.Fatalf("trade %d lies outside of %d to %d", i, h.Earliest, h.Latest)
				}
			}
			if !absurd && n == 1 && len(body) > 60 {
				t.Errorf("one trade takes %d bytes", len(body))
			}
		}
	}
}

func TestCandlesComeBack(t *testing.T) {
	rng := seeded(t)
	for _, text := range []string{"1s", "100t", "5m", "1d", "500v", "1000000usd"} {
		v, err := candle.ParseInterval(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 90, 5000} {
			for _, absurd := range []bool{false, true} {
				fold := candle.NewFold(v, 0)
				for _, trade := range market(rng, n, absurd) {
					if absurd { // the fold of a session: no times beyond all reason
						trade.Time = rng.Int64N(1 << 44)
					}
					fold.Add(&trade)
				}
				candles := fold.Candles()
				comesBack(t, v, candles)
			}
		}
	}
}

// The scale of a sum does not show in the bytes.
func TestCandlesAreCanonical(t *testing.T) {
	fold := candle.NewFold(candle.Second, 0)
	for _, trade := range market(seeded(t), 300, false) {
		fold.Add(&trade)
	}
	list := slices.Clone(fold.Candles())
	want := block.NewEncoder().AppendCandles(nil, candle.Second, list)
	zero := candle.SumOf(candle.Decimal{Units: 0, Scale: 9})
	for i := range list {
		list[i].Volume.Add(zero)
		list[i].Turnover.Add(zero)
	}
	if got := block.NewEncoder().AppendCandles(nil, candle.Second, list); !bytes.Equal(got, want) {
		t.Error("sums at another scale gave other bytes")
	}
}

// Sums beyond 64 and 128 bits come back to the last digit.
func TestVastSums(t *testing.T) {
	vast := candle.Trade{Time: 1000, Price: candle.Decimal{Units: math.MaxInt64, Scale: 12}, Size: candle.Decimal{Units: math.MaxInt64 - 1}}
	fine := candle.Trade{Time: 1500, Price: candle.Decimal{Units: 1, Scale: 12}, Size: candle.Decimal{Units: 1, Scale: 12}}
	for _, v := range []candle.Interval{candle.Second, candle.HundredTrades} {
		fold := candle.NewFold(v, 0)
		for i := range 1000 {
			vast.Time += int64(i)
			fold.Add(&vast)
			fold.Add(&fine)
		}
		comesBack(t, v, fold.Candles())
	}
}

func FuzzTrades(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, absurd := range []bool{false, true} {
		f.Add(block.NewEncoder().AppendTrades(nil, market(rng, 40, absurd)))
	}
	d := block.NewDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := d.Trades(nil, body)
		if err != nil {
			if !errors.Is(err, block.ErrCorrupt) || len(list) != 0 {
				t.Fatalf("%d trades and %v", len(list), err)
			}
			return
		}
		again, err := d.Trades(nil, block.NewEncoder().AppendTrades(nil, list))
		if err != nil || !slices.Equal(again, list) {
			t.Fatalf("what was decoded does not come back: %v", err)
		}
	})
}

func FuzzCandles(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, v := range []candle.Interval{candle.Second, candle.HundredTrades} {
		fold := candle.NewFold(v, 0)
		for _, trade := range market(rng, 400, false) {
			fold.Add(&trade)
		}
		f.Add(i == 0, block.NewEncoder().AppendCandles(nil, v, fold.Candles()))
	}
	d := block.NewDecoder()
	f.Fuzz(func(t *testing.T, second bool, body []byte) {
		v := candle.HundredTrades
		if second {
			v = candle.Second
		}
		list, err := d.Candles(nil, v, body)
		if err != nil && (!errors.Is(err, block.ErrCorrupt) || len(list) != 0) {
			t.Fatalf("%d candles and %v", len(list), err)
		}
	})
}
