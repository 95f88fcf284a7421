package export_test

import (
	"bytes"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// Whatever stands in a text comes back, and moves no other field.
func FuzzTexts(f *testing.F) {
	for _, s := range []string{"QLD", "BTC-USD", "", " ", `"`, `""`, `a"b`, "a,b", "a\nb", "a\r\nb", "\r", `\.`, "\x00", "\ufeffQLD", "é", "=1+1"} {
		f.Add(s, "14|37|", int64(1763649000123))
		f.Add("QLD", s, int64(-1))
	}
	f.Fuzz(func(t *testing.T, symbol, conditions string, at int64) {
		at %= 253402300800000 // the last year of RFC 3339 is 9999
		if at < -62167219200000 {
			at = -at
		}
		trade := candle.Trade{Symbol: symbol, Conditions: conditions, Time: at, Received: at, Price: candle.Decimal{Units: 1}, Size: candle.Decimal{Units: 1}}
		one := candle.Of(&trade)
		var trades, candles, coverage bytes.Buffer
		te := newTrades(&trades, export.Decimals{})
		ce := newCountCandles(&candles, export.Decimals{})
		ge := newCoverage(&coverage)
		for range 2 {
			must(t, te.Encode(&trade, 1))
			must(t, ce.Encode(symbol, &one))
			must(t, ge.Encode(ledger.Run{From: at, Until: at, Cause: ledger.Cause(conditions)}, []string{symbol, conditions}))
		}
		must(t, te.Close())
		must(t, ce.Close())
		must(t, ge.Close())
		for name, want := range map[*bytes.Buffer]map[string]string{
			&trades:   {"symbol": symbol, "conditions": conditions, "seq": "1"},
			&candles:  {"symbol": symbol, "complete": "false"},
			&coverage: {"symbols": symbol + " " + conditions, "cause": conditions},
		} {
			back := read(t, name.Bytes())
			for i := range 2 {
				for column, text := range want {
					// encoding/csv reads CR LF as LF, also inside quotes.
					if got := back.field(t, i, column); got != strings.ReplaceAll(text, "\r\n", "\n") {
						t.Fatalf("%s comes back as %q, was %q", column, got, text)
					}
				}
				if moment(t, back.field(t, i, "time")) != at {
					t.Fatalf("time comes back as %s, was %d", back.field(t, i, "time"), at)
				}
			}
		}
	})
}
