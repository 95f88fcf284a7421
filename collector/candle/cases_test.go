package candle_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"tapedeck/collector/candle"
)

// barCase is one case of bar_cases_sample.json: what other projects' own tests
// say about the same trades.
type barCase struct {
	ID, Mode, Policy string
	Param            struct {
		Interval int64 `json:"interval_ms"`
		Ticks    int64
		Bars     int64
	}
	Flush     bool   `json:"flush_at_end"`
	CompareAt string `json:"compare_at"`
	Trades    []barTrade
	Bars      []map[string]any
	Expected  []map[string]any
}

type barTrade struct {
	T      int64 `json:"t_ms"`
	P, V   string
	Second int64 `json:"t1s_ms"` // the same case restated for candles of 1 second
}

// TestBarCases folds the trades of each case; NT-PY-08 hands over bars and is
// merged. Our fold has no clock, so what a case's clock would close is simply there.
func TestBarCases(t *testing.T) {
	var file struct{ Cases []barCase }
	if err := json.NewDecoder(shared(t, "bar_cases_sample.json")).Decode(&file); err != nil {
		t.Fatal(err)
	}
	folded, merged := 0, 0
	for _, c := range file.Cases {
		if c.Mode == "resample" {
			merged++
		} else {
			folded++
		}
		t.Run(c.ID, func(t *testing.T) {
			if c.Policy != "" && c.Policy != "no_gap_fill" {
				t.Fatalf("policy %q is not ours", c.Policy)
			}
			switch c.Mode {
			case "time":
				c.compare(t, c.shown(foldOf(everyMillis(t, c.Param.Interval), 0, c.trades(t, false))), "start_ms")
				c.compare(t, c.shown(foldOf(candle.Second, 0, c.trades(t, true))), "start1s_ms")
			case "tick":
				v := intervals(fmt.Sprintf("%dt", c.Param.Ticks))[0]
				c.compare(t, c.shown(foldOf(v, 0, c.trades(t, false))), "start_ms")
			case "resample":
				c.compare(t, []candle.Candle{c.mergeBars(t)}, "start_ms")
			default:
				t.Fatalf("mode %q is unknown", c.Mode)
			}
		})
	}
	if folded != 12 || merged != 1 {
		t.Errorf("%d cases were folded and %d merged, want 12 and 1", folded, merged)
	}
}

func everyMillis(t *testing.T, millis int64) candle.Interval {
	t.Helper()
	v := intervals(fmt.Sprintf("%ds", millis/1000))[0]
	if v.Millis() != millis {
		t.Fatalf("no interval of %d ms", millis)
	}
	return v
}

func (c barCase) trades(t *testing.T, restated bool) []candle.Trade {
	t.Helper()
	var trades []candle.Trade
	for _, b := range c.Trades {
		trade := candle.Trade{Time: b.T, Price: parsed(t, b.P), Size: parsed(t, b.V)}
		if restated {
			trade.Time = b.Second
		}
		trades = append(trades, trade)
	}
	return trades
}

// shown leaves out the candle that is still open when the case looks: the last one
// of a case that looks right after the last trade, and one by trades that has not
// reached its size, unless the case flushes.
func (c barCase) shown(candles []candle.Candle) []candle.Candle {
	n := len(candles)
	if n > 0 && !c.Flush && (c.CompareAt == "after_last_trade" || !candles[n-1].Complete) {
		n--
	}
	return candles[:n]
}

func (c barCase) mergeBars(t *testing.T) candle.Candle {
	t.Helper()
	if int64(len(c.Bars)) != c.Param.Bars {
		t.Fatalf("%d bars, want %d", len(c.Bars), c.Param.Bars)
	}
	v := intervals(fmt.Sprintf("%dt", c.Param.Bars))[0]
	var whole candle.Candle
	for i, bar := range c.Bars {
		number := func(name string) candle.Decimal { return parsed(t, bar[name].(string)) }
		start := int64(bar["t_ms"].(float64))
		piece := candle.Candle{Start: start, First: start, Last: start, Trades: 1, Volume: candle.SumOf(number("volume")),
			Open: number("open"), High: number("high"), Low: number("low"), Close: number("close")}
		if i == 0 {
			whole = piece
		} else {
			whole = candle.Merge(v, whole, piece)
		}
	}
	return whole
}

// compare asserts the fields that an expected bar has, and no others. Of start_ms
// and start1s_ms it takes the one that is asked for.
func (c barCase) compare(t *testing.T, got []candle.Candle, start string) {
	t.Helper()
	if len(got) != len(c.Expected) {
		t.Fatalf("%d candles, want %d", len(got), len(c.Expected))
	}
	for i, bar := range c.Expected {
		g := got[i]
		prices := map[string]candle.Decimal{"open": g.Open, "high": g.High, "low": g.Low, "close": g.Close}
		integers := map[string]int64{start: g.Start, "trades": g.Trades, "end_ms": g.Last}
		for name, want := range bar {
			if p, ok := prices[name]; ok {
				if p != parsed(t, want.(string)) {
					t.Errorf("candle %d: %s is %s, want %s", i, name, p, want)
				}
			} else if n, ok := integers[name]; ok {
				if float64(n) != want.(float64) {
					t.Errorf("candle %d: %s is %d, want %.0f", i, name, n, want)
				}
			} else if name == "volume" {
				if g.Volume.Cmp(candle.SumOf(parsed(t, want.(string)))) != 0 {
					t.Errorf("candle %d: volume is %s, want %s", i, g.Volume, want)
				}
			} else if name != "start_ms" && name != "start1s_ms" {
				t.Errorf("candle %d: nobody looks at %s", i, name)
			}
		}
	}
}
