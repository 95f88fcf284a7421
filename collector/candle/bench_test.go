package candle_test

import (
	"math/rand/v2"
	"testing"

	"tapedeck/collector/candle"
)

// BenchmarkFold is the cost of a trade in a busy hour of one symbol, one trade in
// eight of them late, and with all of them in order.
func BenchmarkFold(b *testing.B) {
	late := randomTrades(rand.New(rand.NewPCG(1, 1)), 100_000, 1699974000000, markets["stock"])
	ordered := make([]candle.Trade, len(late))
	for i, t := range late {
		t.Time = t.Received
		ordered[i] = t
	}
	for _, c := range []struct {
		name   string
		v      candle.Interval
		trades []candle.Trade
	}{
		{"1s", candle.Second, ordered},
		{"1s late", candle.Second, late},
		{"100t", candle.HundredTrades, ordered},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			f := candle.NewFold(c.v, 0)
			for b.Loop() {
				f.Reset(0)
				for i := range c.trades {
					f.Add(&c.trades[i])
				}
				f.Candles()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(c.trades)), "ns/trade")
		})
	}
}

func BenchmarkParseDecimal(b *testing.B) {
	for _, text := range []string{"70.44", "100", "105410.10000", "0.00005000", "1.41e2"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			raw := []byte(text)
			for b.Loop() {
				_, _ = candle.ParseDecimal(raw)
			}
		})
	}
}
