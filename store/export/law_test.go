package export_test

import (
	"bytes"
	"strconv"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// Trades come back from the file as they were, with as many decimals in a column as
// the row needs that needs the most.
func TestTradesComeBack(t *testing.T) {
	r := seeded(t)
	for _, m := range markets {
		t.Run(m.name, func(t *testing.T) {
			for range 30 {
				trades := append(m.trades(r, "QLD", 1+r.IntN(60)), m.trades(r, `B,"1`, r.IntN(60))...)
				var d export.Decimals
				price, size := 2, 0
				for i := range trades {
					d.Trade(&trades[i])
					price = max(price, int(trades[i].Price.Scale))
					size = max(size, int(trades[i].Size.Scale))
				}
				var file bytes.Buffer
				e := newTrades(&file, d)
				for i := range trades {
					must(t, e.Encode(&trades[i], int64(i)+1))
				}
				must(t, e.Close())
				f := read(t, file.Bytes())
				if len(f.rows) != len(trades) {
					t.Fatalf("%d rows of %d trades", len(f.rows), len(trades))
				}
				if p, s := f.decimals(t, "price"), f.decimals(t, "size"); p != price || s != size {
					t.Fatalf("prices have %d decimals and sizes %d, want %d and %d", p, s, price, size)
				}
				for i := range trades {
					back := candle.Trade{
						Symbol: f.field(t, i, "symbol"), Conditions: f.field(t, i, "conditions"), Dark: f.field(t, i, "dark") == "true",
						Time: moment(t, f.field(t, i, "time")), Received: moment(t, f.field(t, i, "received")),
						Price: number(t, f.field(t, i, "price")), Size: number(t, f.field(t, i, "size")),
					}
					if back != trades[i] {
						t.Fatalf("trade %d comes back as %+v, was %+v", i, back, trades[i])
					}
					equal(t, "price", f.field(t, i, "price"), trades[i].Price.String())
					equal(t, "size", f.field(t, i, "size"), trades[i].Size.String())
					equal(t, "seq", f.field(t, i, "seq"), strconv.Itoa(i+1))
				}
			}
		})
	}
}

// Candles come back with equal numbers; the four prices share their decimals, and
// the vwap has 6 of them, or 10 in a file where one is under 0.01.
func TestCandlesComeBack(t *testing.T) {
	r := seeded(t)
	count := candleInterval(t, "7t")
	for _, m := range markets {
		t.Run(m.name, func(t *testing.T) {
			for range 30 {
				symbols := []string{"QLD", "A\nB"}
				var timed, counted []row
				for _, symbol := range symbols {
					trades := m.trades(r, symbol, 1+r.IntN(60))
					for _, c := range folded(trades, candle.Second) {
						timed = append(timed, row{symbol, c})
					}
					for _, c := range folded(trades, count) {
						counted = append(counted, row{symbol, c})
					}
				}
				checkTimed(t, timed)
				checkCounted(t, counted)
			}
		})
	}
}

type row struct {
	symbol string
	candle candle.Candle
}

func candleInterval(t testing.TB, text string) candle.Interval {
	t.Helper()
	v, err := candle.ParseInterval(text)
	must(t, err)
	return v
}

func checkTimed(t *testing.T, list []row) {
	t.Helper()
	var file bytes.Buffer
	e := newTimeCandles(&file, decimalsOf(list))
	for i := range list {
		must(t, e.Encode(list[i].symbol, &list[i].candle, ledger.State(i%5)))
	}
	must(t, e.Close())
	f := read(t, file.Bytes())
	checkNumbers(t, f, list)
	for i := range list {
		if at := moment(t, f.field(t, i, "time")); at != list[i].candle.Start || len(f.field(t, i, "time")) != len("2026-11-20T14:30:00Z") {
			t.Fatalf("time of row %d is %s, want %d", i, f.field(t, i, "time"), list[i].candle.Start)
		}
		if state := f.field(t, i, "state"); state != ledger.State(i%5).String() {
			t.Fatalf("state of row %d is %s", i, state)
		}
	}
}

func checkCounted(t *testing.T, list []row) {
	t.Helper()
	var file bytes.Buffer
	e := newCountCandles(&file, decimalsOf(list))
	for i := range list {
		must(t, e.Encode(list[i].symbol, &list[i].candle))
	}
	must(t, e.Close())
	f := read(t, file.Bytes())
	checkNumbers(t, f, list)
	for i := range list {
		c := list[i].candle
		for column, want := range map[string]int64{"time": c.Start, "last_time": c.Last} {
			if text := f.field(t, i, column); moment(t, text) != want || len(text) != len("2026-11-20T14:30:00.000Z") {
				t.Fatalf("%s of row %d is %s, want %d", column, i, text, want)
			}
		}
		equal(t, "number", f.field(t, i, "number"), strconv.FormatInt(c.Number, 10))
		if complete := f.field(t, i, "complete"); complete != strconv.FormatBool(c.Complete) {
			t.Fatalf("complete of row %d is %s", i, complete)
		}
	}
}

func decimalsOf(list []row) (d export.Decimals) {
	for i := range list {
		d.Candle(&list[i].candle)
	}
	return d
}

// checkNumbers compares what both kinds of candle have.
func checkNumbers(t *testing.T, f table, list []row) {
	t.Helper()
	if len(f.rows) != len(list) {
		t.Fatalf("%d rows of %d candles", len(f.rows), len(list))
	}
	price, size, vwapDecimals := 2, 0, -1
	for i, r := range list {
		c := r.candle
		if symbol := f.field(t, i, "symbol"); symbol != r.symbol {
			t.Fatalf("symbol of row %d is %q", i, symbol)
		}
		for column, d := range map[string]candle.Decimal{"open": c.Open, "high": c.High, "low": c.Low, "close": c.Close} {
			equal(t, column, f.field(t, i, column), d.String())
			price = max(price, int(d.Scale))
		}
		equal(t, "volume", f.field(t, i, "volume"), c.Volume.String())
		equal(t, "trades", f.field(t, i, "trades"), strconv.FormatInt(c.Trades, 10))
		size = max(size, c.Volume.Decimals())
		if vwap, ok := c.VWAP(); ok {
			equal(t, "vwap", f.field(t, i, "vwap"), vwap.String())
			vwapDecimals = max(vwapDecimals, vwap.Scale(), 6)
		} else if text := f.field(t, i, "vwap"); text != "" {
			t.Fatalf("vwap of row %d is %s at volume 0", i, text)
		}
	}
	for column, want := range map[string]int{"open": price, "high": price, "low": price, "close": price, "volume": size, "vwap": vwapDecimals} {
		if got := f.decimals(t, column); got != want {
			t.Fatalf("%s has %d decimals, want %d", column, got, want)
		}
	}
}
