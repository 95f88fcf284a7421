package export_test

import (
	"bytes"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		name        string
		price, size []string
		want        string // price, volume and vwap of the first row
	}{
		{"least", []string{"70"}, []string{"100"}, "70.00 100 70.000000"},
		{"cents", []string{"70.1"}, []string{"100"}, "70.10 100 70.100000"},
		{"the most wins", []string{"70.1", "70.123"}, []string{"100", "0.5"}, "70.100 100.0 70.100000"},
		{"a total loses its zeros", []string{"70", "70"}, []string{"0.5", "0.5"}, "70.00 1 70.000000"},
		{"under a cent", []string{"0.005"}, []string{"100"}, "0.005 100 0.0050000000"},
		{"a later vwap under a cent", []string{"70.1", "0.0099"}, []string{"100", "2"}, "70.1000 100 70.1000000000"},
		{"a cent", []string{"0.01"}, []string{"100"}, "0.01 100 0.010000"},
		{"a cent without volume", []string{"0.001"}, []string{"0"}, "0.001 0 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			var candles []candle.Candle
			for i := range c.price {
				one := candle.Trade{Time: int64(i) * 1000, Price: number(t, c.price[i]), Size: number(t, c.size[i])}
				if strings.Contains(c.name, "total") {
					one.Time = 0
				}
				candles = append(candles, candle.Of(&one))
			}
			if strings.Contains(c.name, "total") {
				candles = []candle.Candle{candle.Merge(candle.Second, candles[0], candles[1])}
			}
			var d export.Decimals
			for i := range candles {
				d.Candle(&candles[i])
			}
			var file bytes.Buffer
			e := newTimeCandles(&file, d)
			for i := range candles {
				must(t, e.Encode("QLD", &candles[i], ledger.Traded))
			}
			must(t, e.Close())
			f := read(t, file.Bytes())
			if got := f.field(t, 0, "open") + " " + f.field(t, 0, "volume") + " " + f.field(t, 0, "vwap"); got != c.want {
				t.Errorf("the first row has %s, want %s", got, c.want)
			}
		})
	}
}

// A row that nobody announced is written in full.
func TestDecimalsMissed(t *testing.T) {
	one := candle.Trade{Symbol: "QLD", Price: number(t, "0.0012345"), Size: number(t, "0.25")}
	c := candle.Of(&one)
	var trades, candles bytes.Buffer
	te := newTrades(&trades, export.Decimals{})
	must(t, te.Encode(&one, 1))
	must(t, te.Close())
	ce := newTimeCandles(&candles, export.Decimals{})
	must(t, ce.Encode("QLD", &c, ledger.Traded))
	must(t, ce.Close())
	if f := read(t, trades.Bytes()); f.field(t, 0, "price") != "0.0012345" || f.field(t, 0, "size") != "0.25" {
		t.Errorf("the trade is %v", f.rows[0])
	}
	if f := read(t, candles.Bytes()); f.field(t, 0, "close") != "0.0012345" || f.field(t, 0, "volume") != "0.25" || f.field(t, 0, "vwap") != "0.0012345" {
		t.Errorf("the candle is %v", f.rows[0])
	}
}
