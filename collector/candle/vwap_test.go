package candle_test

import (
	"math/big"
	"testing"

	"tapedeck/collector/candle"
)

// roundedVWAP is turnover / volume by math/big: half to even at 6 decimals, or at
// 10 when it is under 0.01.
func roundedVWAP(turnover, volume *big.Rat) (vwap *big.Rat, scale int) {
	exact := new(big.Rat).Quo(turnover, volume)
	scale = 6
	if exact.Cmp(big.NewRat(1, 100)) < 0 {
		scale = 10
	}
	shifted := new(big.Rat).Mul(exact, new(big.Rat).SetInt(pow(scale)))
	floor := new(big.Int).Quo(shifted.Num(), shifted.Denom())
	rest := new(big.Rat).Sub(shifted, new(big.Rat).SetInt(floor))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return new(big.Rat).SetFrac(floor, pow(scale)), scale
}

// lot is one price and size that a vwap is made of.
type lot struct{ price, size candle.Decimal }

func checkVWAP(t *testing.T, lots ...lot) {
	t.Helper()
	var c candle.Candle
	turnover, volume := new(big.Rat), new(big.Rat)
	for i, p := range lots {
		if i == 0 || p.price.Cmp(c.High) > 0 {
			c.High = p.price
		}
		if i == 0 || p.price.Cmp(c.Low) < 0 {
			c.Low = p.price
		}
		c.Volume.Add(candle.SumOf(p.size))
		c.Turnover.Add(candle.ProductOf(p.price, p.size))
		volume.Add(volume, rat(p.size))
		turnover.Add(turnover, new(big.Rat).Mul(rat(p.price), rat(p.size)))
	}
	got, ok := c.VWAP()
	if ok != (volume.Sign() != 0) {
		t.Fatalf("vwap of %v: ok is %v", lots, ok)
	}
	units, decimals, short := c.ShortVWAP()
	if !ok {
		if short {
			t.Fatalf("vwap of %v is %d units, of no volume", lots, units)
		}
		return
	}
	want, scale := roundedVWAP(turnover, volume)
	if ratOf(got.String()).Cmp(want) != 0 || got.Scale() != scale {
		t.Fatalf("vwap of %v = %s at %d decimals, want %s at %d", lots, got, got.Scale(), want.FloatString(scale), scale)
	}
	if text := (candle.Decimal{Units: units, Scale: decimals}).String(); short && ratOf(text).Cmp(want) != 0 {
		t.Fatalf("vwap of %v = %s in short, want %s", lots, text, want.FloatString(scale))
	}
}

func TestVWAP(t *testing.T) {
	one := decimal(1, 0)
	for name, lots := range map[string][]lot{
		"volume 0":             {{decimal(7044, 2), decimal(0, 0)}},
		"half down to even":    {{decimal(15, 7), decimal(1, 2)}, {decimal(70_0000025, 7), one}},
		"exact half, even":     {{decimal(70_0000025, 7), one}},
		"exact half, odd":      {{decimal(70_0000035, 7), one}},
		"half of two prices":   {{decimal(70_000002, 6), one}, {decimal(70_000003, 6), one}},
		"over a half":          {{decimal(70_0000025_00001, 12), one}},
		"under a half":         {{decimal(70_0000024_99999, 12), one}},
		"0.01":                 {{decimal(1, 2), one}},
		"just under 0.01":      {{decimal(9_999_999_999, 12), one}},
		"fine half, even":      {{decimal(800_000_005, 11), one}},
		"fine half, odd":       {{decimal(800_000_015, 11), one}},
		"0.00999999995, up":    {{decimal(999_999_995, 11), one}},
		"tiny":                 {{decimal(1, 12), one}},
		"rounds to 0":          {{decimal(50, 12), one}},
		"rounds to 0.0000...1": {{decimal(51, 12), one}},
		"three in a third":     {{decimal(70, 0), decimal(1, 0)}, {decimal(71, 0), decimal(2, 0)}},
		"largest":              {{decimal(1<<63-1, 0), decimal(1<<63-1, 0)}},
		"largest by least":     {{decimal(1<<63-1, 0), decimal(1, 12)}},
		"least by largest":     {{decimal(1, 12), decimal(1<<63-1, 0)}},
		"all scales":           {{decimal(1<<63-1, 0), decimal(1, 12)}, {decimal(1, 12), decimal(1<<63-1, 0)}},
		"0.01, huge":           {{decimal(1, 2), decimal(1<<63-1, 0)}, {decimal(1, 2), decimal(1<<63-1, 0)}, {decimal(1, 2), decimal(1<<63-1, 0)}},
		"under 0.01, huge":     {{decimal(1, 2), decimal(1<<63-1, 0)}, {decimal(1, 2), decimal(1<<63-1, 0)}, {decimal(9_999, 6), decimal(1<<63-1, 0)}},
		// The quotient is 2^64 - 1 + 0.6 millionths: rounding it up leaves 64 bits.
		"rounds up to 2^64": {{decimal(18446744073709_55161, 5), decimal(44, 0)}, {decimal(18446744073709_55162, 5), decimal(56, 0)}},
	} {
		t.Run(name, func(t *testing.T) { checkVWAP(t, lots...) })
	}
}

func TestVWAPRandom(t *testing.T) {
	for name, look := range markets {
		t.Run(name, func(t *testing.T) {
			r := seeded(t)
			for range 1000 {
				lots := make([]lot, 1+r.IntN(4))
				for i := range lots {
					lots[i].price, lots[i].size = look(r)
				}
				checkVWAP(t, lots...)
			}
		})
	}
	// Halves and the edge at 0.01 do not come up by themselves.
	t.Run("edges", func(t *testing.T) {
		r := seeded(t)
		for range 4000 {
			scale := 7 + r.IntN(5)
			near := pow(scale - 2).Int64() // 0.01
			checkVWAP(t,
				lot{decimal(near-5+r.Int64N(10), scale), decimal(1+r.Int64N(4), 0)},
				lot{decimal(near-5+r.Int64N(10), scale), decimal(1+r.Int64N(4), 0)})
			checkVWAP(t, lot{decimal(r.Int64N(1e9)*10+5, 7+4*r.IntN(2)), decimal(1+r.Int64N(1e6), r.IntN(9))})
		}
	})
}

// What is traded all day has its vwap in short; what does not fit has it at length only.
func TestShortVWAP(t *testing.T) {
	for _, c := range []struct {
		price, size candle.Decimal
		short       bool
	}{
		{decimal(70445, 3), decimal(100, 0), true},
		{decimal(316_960_301, 6), decimal(25, 1), true},
		{decimal(1<<62, 12), decimal(1<<62, 0), false},
	} {
		all := candle.Of(&candle.Trade{Price: c.price, Size: c.size})
		other := candle.Of(&candle.Trade{Price: decimal(1, 2), Size: c.size})
		both := candle.Merge(candle.Second, all, other)
		if _, _, ok := both.ShortVWAP(); ok != c.short {
			t.Errorf("%s for %s and for 0.01: short is %v", c.size, c.price, ok)
		}
	}
}
