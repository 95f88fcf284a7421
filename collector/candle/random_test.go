package candle_test

import (
	"math"
	"math/big"
	"math/rand/v2"

	"tapedeck/collector/candle"
)

// decimal is units x 10^-scale in the one form that a Decimal is kept in.
func decimal(units int64, scale int) candle.Decimal {
	for scale > 0 && units%10 == 0 {
		units /= 10
		scale--
	}
	return candle.Decimal{Units: units, Scale: uint8(scale)}
}

// randomDecimal is any Decimal that is not negative: all lengths and scales are
// equally likely, and the largest units come up often.
func randomDecimal(r *rand.Rand) candle.Decimal {
	units := r.Int64() >> r.IntN(63)
	if r.IntN(20) == 0 {
		units = math.MaxInt64 - r.Int64N(3)
	}
	return decimal(units, r.IntN(candle.MaxScale+1))
}

// market is one way for prices and sizes to look.
type market func(r *rand.Rand) (price, size candle.Decimal)

var markets = map[string]market{
	"stock": func(r *rand.Rand) (price, size candle.Decimal) {
		price = decimal(7000_00+r.Int64N(200), 2)
		if r.IntN(5) == 0 { // sub-penny
			price = decimal(7000_0000+r.Int64N(20_000), 4)
		}
		return price, decimal([]int64{0, 1, 7, 100, 100, 2500}[r.IntN(6)], 0)
	},
	"crypto": func(r *rand.Rand) (price, size candle.Decimal) {
		return decimal(100_000_00000+r.Int64N(1000_00000), 5), decimal(r.Int64N(1e8), 8)
	},
	"dust": func(r *rand.Rand) (price, size candle.Decimal) {
		return decimal(1+r.Int64N(1e6), 12), decimal(r.Int64N(1e9), r.IntN(3))
	},
	"absurd": func(r *rand.Rand) (price, size candle.Decimal) {
		price = randomDecimal(r)
		if price.Units == 0 {
			price.Units = 1
		}
		return price, randomDecimal(r)
	},
}

// randomTrades are n trades that start around the given time. Many share a
// millisecond, some come late, some after a long silence.
func randomTrades(r *rand.Rand, n int, start int64, look market) []candle.Trade {
	trades := make([]candle.Trade, n)
	now := start
	for i := range trades {
		switch r.IntN(10) {
		case 0, 1, 2: // a tie
		case 3:
			now += r.Int64N(60_000)
		default:
			now += r.Int64N(400)
		}
		t := now
		if r.IntN(8) == 0 {
			t -= r.Int64N(60_000)
		}
		trades[i] = candle.Trade{Symbol: "QLD", Time: t, Received: now}
		trades[i].Price, trades[i].Size = look(r)
	}
	return trades
}

func intervals(texts ...string) []candle.Interval {
	var all []candle.Interval
	for _, text := range texts {
		v, err := candle.ParseInterval(text)
		if err != nil {
			panic(err)
		}
		all = append(all, v)
	}
	return all
}

func foldOf(v candle.Interval, anchor int64, trades []candle.Trade) []candle.Candle {
	f := candle.NewFold(v, anchor)
	for i := range trades {
		f.Add(&trades[i])
	}
	return f.Candles()
}

// rat is d as a fraction, made without the code under test.
func rat(d candle.Decimal) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(d.Units), pow(int(d.Scale)))
}

// ratOf reads a number as printed.
func ratOf(text string) *big.Rat {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("no number: " + text)
	}
	return n
}

func pow(scale int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
}
