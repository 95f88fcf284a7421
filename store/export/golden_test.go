package export_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// written is a file of a few candles with each option, against what it has to be.
func TestOptionsGolden(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	must(t, err)
	for _, c := range []struct {
		name string
		o    export.Options
		want string
	}{
		{"json lines", export.Options{Format: export.JSONLines}, `
{"time":"2026-11-20T14:30:00Z","symbol":"QLD","open":70.4000,"high":71.0000,"low":70.4000,"close":71.0000,"volume":100.5,"vwap":70.402985,"trades":2,"state":"traded"}
{"time":"2026-11-20T14:30:01Z","symbol":"QLD","open":70.4425,"high":70.4425,"low":70.4425,"close":70.4425,"volume":0.0,"vwap":null,"trades":1,"state":"partial"}
`},
		{"columns", export.Options{Columns: []string{"close", "time"}}, `
close,time
71.0000,2026-11-20T14:30:00Z
70.4425,2026-11-20T14:30:01Z
`},
		{"New York", export.Options{Zone: zone, Columns: []string{"time"}}, `
time
2026-11-20T09:30:00-05:00
2026-11-20T09:30:01-05:00
`},
		{"New York, the wall's clock", export.Options{Zone: zone, Time: export.Local, Columns: []string{"time"}}, `
time
2026-11-20 09:30:00
2026-11-20 09:30:01
`},
		{"seconds", export.Options{Time: export.Seconds, Columns: []string{"time"}}, "\ntime\n1795185000\n1795185001\n"},
		{"milliseconds", export.Options{Time: export.Milliseconds, Columns: []string{"time"}}, "\ntime\n1795185000000\n1795185001000\n"},
		{"microseconds", export.Options{Time: export.Microseconds, Columns: []string{"time"}}, "\ntime\n1795185000000000\n1795185001000000\n"},
		{"nanoseconds, JSON", export.Options{Format: export.JSONLines, Time: export.Nanoseconds, Columns: []string{"time"}}, `
{"time":1795185000000000000}
{"time":1795185001000000000}
`},
		{"followed", export.Options{Follow: true, Columns: []string{"time", "amended"}}, `
time,amended
2026-11-20T14:30:00Z,false
2026-11-20T14:30:01Z,false
`},
		{"Excel", export.Options{Excel: true, Zone: zone, Time: export.Local, Columns: []string{"time", "symbol", "close"}}, "\n\ufeff" + `time,symbol,close
2026-11-20 09:30:00,QLD,71.0000
2026-11-20 09:30:01,QLD,70.4425
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := "\n" + string(candlesAs(t, c.o, prints(t), "QLD")); got != c.want {
				t.Errorf("the file is%s\nwant%s", got, c.want)
			}
		})
	}
}

// candlesAs is a file of the 1-second candles of trades, the first traded, the others partial.
func candlesAs(t *testing.T, o export.Options, trades []candle.Trade, symbol string) []byte {
	t.Helper()
	candles := folded(trades, candle.Second)
	var d export.Decimals
	for i := range candles {
		d.Candle(&candles[i])
	}
	var file bytes.Buffer
	e, err := export.NewTimeCandles(&file, o, d)
	must(t, err)
	for i := range candles {
		must(t, e.Encode(symbol, &candles[i], []ledger.State{ledger.Traded, ledger.Partial}[min(i, 1)]))
	}
	must(t, e.Close())
	return file.Bytes()
}

// A trade's milliseconds stay in every form of time.
func TestTimesOfTradesGolden(t *testing.T) {
	for form, want := range map[export.TimeFormat]string{
		export.RFC3339: "2026-11-20T14:30:00.007Z", export.Seconds: "1795185000.007", export.Milliseconds: "1795185000007",
		export.Microseconds: "1795185000007000", export.Nanoseconds: "1795185000007000000", export.Local: "2026-11-20 14:30:00.007",
	} {
		var file bytes.Buffer
		e, err := export.NewTrades(&file, export.Options{Time: form, Columns: []string{"time"}}, export.Decimals{})
		must(t, err)
		must(t, e.Encode(&prints(t)[0], 1))
		must(t, e.Close())
		if got := file.String(); got != "time\n"+want+"\n" {
			t.Errorf("%s: %s, want %s", form, got, want)
		}
	}
}

// An hour that New York has twice is told apart by its offset; the wall's clock has it twice.
func TestHourThatComesTwice(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	must(t, err)
	first := moment(t, "2026-11-01T05:59:59Z")
	s, wall := export.NewStamp(export.RFC3339, zone), export.NewStamp(export.Local, zone)
	for _, c := range []struct {
		at         int64
		want, wall string
	}{
		{first, "2026-11-01T01:59:59-04:00", "2026-11-01 01:59:59"},
		{first + 1000, "2026-11-01T01:00:00-05:00", "2026-11-01 01:00:00"},
		{first - 1000, "2026-11-01T01:59:58-04:00", "2026-11-01 01:59:58"},
		{moment(t, "2026-03-08T06:59:59Z"), "2026-03-08T01:59:59-05:00", "2026-03-08 01:59:59"},
		{moment(t, "2026-03-08T07:00:00Z"), "2026-03-08T03:00:00-04:00", "2026-03-08 03:00:00"},
		{moment(t, "2027-01-01T04:59:59Z"), "2026-12-31T23:59:59-05:00", "2026-12-31 23:59:59"},
		{moment(t, "2027-01-01T05:00:00Z"), "2027-01-01T00:00:00-05:00", "2027-01-01 00:00:00"},
	} {
		if got := string(s.Seconds(nil, c.at)); got != c.want {
			t.Errorf("%d is %s, want %s", c.at, got, c.want)
		}
		if got := string(wall.Seconds(nil, c.at)); got != c.wall {
			t.Errorf("%d is %s on the wall, want %s", c.at, got, c.wall)
		}
	}
}

// In any zone a stamp says what time.Format says, whatever it said before.
func TestStampInZones(t *testing.T) {
	r := seeded(t)
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
		zone, err := time.LoadLocation(name)
		must(t, err)
		s, wall := export.NewStamp(export.RFC3339, zone), export.NewStamp(export.Local, zone)
		at := moment(t, "2020-01-01T00:00:00Z")
		for range 20_000 {
			at += r.Int64N(3*24*3600_000) - 24*3600_000
			want := time.UnixMilli(at).In(zone)
			if got := string(s.Millis(nil, at)); got != want.Format("2006-01-02T15:04:05.000Z07:00") {
				t.Fatalf("%s: %d is %s, want %s", name, at, got, want)
			}
			if got := string(wall.Millis(nil, at)); got != want.Format("2006-01-02 15:04:05.000") {
				t.Fatalf("%s: %d is %s on the wall, want %s", name, at, got, want)
			}
		}
	}
}

// What Excel would compute, or take for something else, it is kept from.
func TestExcelGuards(t *testing.T) {
	for symbol, want := range map[string]string{
		"QLD": "QLD", "NA": "NA", "BTC-USD": "BTC-USD", "BRK.B": "BRK.B", "": "", "NAN": "NAN",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)", "\tx": "'\tx",
		"TRUE": `"=""TRUE"""`, "1E5": `"=""1E5"""`, "0123": `"=""0123"""`, "MAR1": `"=""MAR1"""`, "DEC-12": `"=""DEC-12"""`,
		"=\"a\n": "\"'=\"\"a\n\"", "MARA": "MARA", "DECK": "DECK",
	} {
		if got := string(candlesAs(t, export.Options{Excel: true, Columns: []string{"symbol"}}, prints(t)[:1], symbol)); got != "\ufeffsymbol\n"+want+"\n" {
			t.Errorf("%q is written %q, want %q", symbol, got, want)
		}
	}
}

// A column that there is not, or twice, is refused with those that there are.
func TestNoColumn(t *testing.T) {
	for _, names := range [][]string{{"price"}, {"time", "time"}, {""}, {"amended"}} {
		_, err := export.NewTimeCandles(io.Discard, export.Options{Columns: names}, export.Decimals{})
		if none := new(export.NoColumn); !errors.As(err, &none) || len(none.Has) != 10 {
			t.Errorf("%q: %v", names, err)
		}
	}
	if _, err := export.NewTrades(io.Discard, export.Options{Format: "xls"}, export.Decimals{}); err == nil {
		t.Error("xls is taken for a format")
	}
}
