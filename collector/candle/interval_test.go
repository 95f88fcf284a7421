package candle_test

import (
	"testing"

	"tapedeck/collector/candle"
)

func TestParseInterval(t *testing.T) {
	for _, c := range []struct {
		text   string
		prints string // "" is an error
		kind   candle.Kind
		millis int64
	}{
		{"1s", "1s", candle.Time, 1000},
		{"5s", "5s", candle.Time, 5000},
		{"60s", "1m", candle.Time, 60_000},
		{"90s", "90s", candle.Time, 90_000},
		{"1m", "1m", candle.Time, 60_000},
		{"90m", "90m", candle.Time, 5_400_000},
		{"4h", "4h", candle.Time, 14_400_000},
		{"24h", "24h", candle.Time, 86_400_000},
		{"86400s", "24h", candle.Time, 86_400_000},
		{"1d", "1d", candle.Day, 0},
		{"100t", "100t", candle.Trades, 0},
		{"10000v", "10000v", candle.Volume, 0},
		{"1000000usd", "1000000usd", candle.Dollars, 0},
		{"9223372036854775807usd", "9223372036854775807usd", candle.Dollars, 0},
		{text: ""}, {text: "s"}, {text: "5"}, {text: "0s"}, {text: "0t"}, {text: "0d"}, {text: "-1t"}, {text: "+1t"},
		{text: "1.5s"}, {text: " 1s"}, {text: "1s "}, {text: "1 s"}, {text: "1S"}, {text: "1ms"}, {text: "1w"}, {text: "1s1s"},
		{text: "7s"}, // does not divide 24 hours
		{text: "11m"}, {text: "5h"}, {text: "25h"}, {text: "48h"}, {text: "172800s"},
		{text: "2d"}, {text: "9223372036854775807s"}, {text: "9223372036854775808t"}, {text: "99999999999999999999h"},
		{text: "2562047788016h"}, // times 3,600,000 it wraps to a small number
	} {
		v, err := candle.ParseInterval(c.text)
		if (err != nil) != (c.prints == "") {
			t.Errorf("ParseInterval(%q): %v", c.text, err)
		}
		if err != nil || c.prints == "" {
			continue
		}
		if v.String() != c.prints || v.Kind() != c.kind || v.Millis() != c.millis {
			t.Errorf("ParseInterval(%q) = %s, kind %d, %d ms; want %s, kind %d, %d ms",
				c.text, v, v.Kind(), v.Millis(), c.prints, c.kind, c.millis)
		}
		if v.ByTime() != (c.kind == candle.Time || c.kind == candle.Day) {
			t.Errorf("%s: ByTime is %v", v, v.ByTime())
		}
		if again, err := candle.ParseInterval(v.String()); err != nil || again != v {
			t.Errorf("%s is read back as %v, %v", v, again, err)
		}
	}
}

func TestParseIntervalErrors(t *testing.T) {
	for text, want := range map[string]string{
		"often": `"often" is no interval`,
		"7s":    `"7s" does not divide 24 hours`,
		"2d":    `"2d": the only day is 1d, the session`,
	} {
		if _, err := candle.ParseInterval(text); err == nil || err.Error() != want {
			t.Errorf("ParseInterval(%q): %v, want %s", text, err, want)
		}
	}
}

func TestStoredIntervals(t *testing.T) {
	if v := intervals("1s")[0]; v != candle.Second {
		t.Errorf("1s is %v, Second is %v", v, candle.Second)
	}
	if v := intervals("100t")[0]; v != candle.HundredTrades {
		t.Errorf("100t is %v, HundredTrades is %v", v, candle.HundredTrades)
	}
}
