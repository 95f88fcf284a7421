package block_test

import (
	"slices"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/store/block"
)

// BenchmarkTrades encodes and decodes a real day: ns/trade and bytes/trade.
func BenchmarkTrades(b *testing.B) {
	for _, day := range realDays {
		list := realTrades(b, day.name)
		parts := slices.Collect(slices.Chunk(list, block.Limit))
		e, d := block.NewEncoder(), block.NewDecoder()
		var bodies [][]byte
		b.Run("encode/"+day.name, func(b *testing.B) {
			bytes := 0
			for b.Loop() {
				bodies, bytes = nil, 0
				for _, part := range parts {
					body := e.AppendTrades(nil, part)
					bodies, bytes = append(bodies, body), bytes+len(body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/trade")
			b.ReportMetric(float64(bytes)/float64(len(list)), "bytes/trade")
		})
		b.Run("decode/"+day.name, func(b *testing.B) {
			var trades []candle.Trade
			for b.Loop() {
				for _, body := range bodies {
					var err error
					if trades, err = d.Trades(trades[:0], body); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/trade")
		})
	}
}
