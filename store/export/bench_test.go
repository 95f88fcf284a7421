package export_test

import (
	"encoding/csv"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// busy is a market of one stock: cents, some prints of fractions of a cent, odd
// lots, a few trades a second.
func busy(n int) []candle.Trade {
	r := rand.New(rand.NewPCG(1, 1))
	trades := make([]candle.Trade, n)
	at, price := int64(1763649000000), int64(704_400)
	for i := range trades {
		at += r.Int64N(600)
		price += 100 * (r.Int64N(5) - 2)
		p := price
		if r.IntN(10) == 0 {
			p += r.Int64N(100)
		}
		trades[i] = candle.Trade{Symbol: "QLD", Time: at, Received: at + 40 + r.Int64N(80), Conditions: "14|37|"[:3*r.IntN(3)],
			Price: decimal(p, 4), Size: candle.Decimal{Units: 1 + r.Int64N(300)}, Dark: r.IntN(3) == 0}
	}
	return trades
}

// BenchmarkTimeCandles is the cost of a row of candles, both passes, beside the
// obvious program over encoding/csv.
func BenchmarkTimeCandles(b *testing.B) {
	candles := folded(busy(100_000), candle.Second)
	b.Run("export", func(b *testing.B) {
		measure(b, len(candles), func() {
			var d export.Decimals
			for i := range candles {
				d.Candle(&candles[i])
			}
			e := newTimeCandles(io.Discard, d)
			for i := range candles {
				_ = e.Encode("QLD", &candles[i], ledger.Traded)
			}
			_ = e.Close()
		})
	})
	b.Run("peer=encoding-csv", func(b *testing.B) {
		measure(b, len(candles), func() {
			w := csv.NewWriter(io.Discard)
			for i := range candles {
				c := &candles[i]
				vwap, _ := c.VWAP()
				_ = w.Write([]string{time.UnixMilli(c.Start).UTC().Format(time.RFC3339), "QLD",
					c.Open.String(), c.High.String(), c.Low.String(), c.Close.String(),
					c.Volume.String(), vwap.String(), strconv.FormatInt(c.Trades, 10), ledger.Traded.String()})
			}
			w.Flush()
		})
	})
}

// BenchmarkTrades is the cost of a row of trades, both passes, beside the obvious
// program over encoding/csv.
func BenchmarkTrades(b *testing.B) {
	trades := busy(100_000)
	b.Run("export", func(b *testing.B) {
		measure(b, len(trades), func() {
			var d export.Decimals
			for i := range trades {
				d.Trade(&trades[i])
			}
			e := newTrades(io.Discard, d)
			for i := range trades {
				_ = e.Encode(&trades[i], int64(i)+1)
			}
			_ = e.Close()
		})
	})
	b.Run("peer=encoding-csv", func(b *testing.B) {
		measure(b, len(trades), func() {
			const millis = "2006-01-02T15:04:05.000Z07:00"
			w := csv.NewWriter(io.Discard)
			for i := range trades {
				t := &trades[i]
				_ = w.Write([]string{time.UnixMilli(t.Time).UTC().Format(millis), t.Symbol, t.Price.String(), t.Size.String(),
					t.Conditions, strconv.FormatBool(t.Dark), time.UnixMilli(t.Received).UTC().Format(millis), strconv.Itoa(i + 1)})
			}
			w.Flush()
		})
	})
}

// measure runs a pass over n rows and reports the cost of a row.
func measure(b *testing.B, n int, pass func()) {
	b.ReportAllocs()
	for b.Loop() {
		pass()
	}
	perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N*n)
	b.ReportMetric(perRow, "ns/row")
	b.ReportMetric(1e3/perRow, "Mrows/s")
}
