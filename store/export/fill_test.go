package export_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// listened is a session of 10 seconds, of which second 5 and half of second 6 were not heard.
func listened(t *testing.T) (ledger.Session, ledger.Timeline) {
	open := moment(t, "2026-11-20T14:30:00Z")
	s := ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 10_000, Stated: true}
	all := ledger.NewSymbols("QLD")
	return s, ledger.NewTimeline(s, []ledger.Span{{From: open, Until: open + 5000, Symbols: all},
		{From: open + 5000, Until: open + 6500, Symbols: all, Cause: ledger.Drop}, {From: open + 6500, Until: open + 10_000, Symbols: all}}, "QLD", ledger.Heard)
}

func TestFillGolden(t *testing.T) {
	s, line := listened(t)
	trade := func(second int64, price string) candle.Trade {
		return candle.Trade{Symbol: "QLD", Time: s.Open + second*1000 + 600, Price: number(t, price), Size: number(t, "2")}
	}
	trades := []candle.Trade{trade(1, "70"), trade(3, "71"), trade(6, "72"), trade(8, "73")}
	for _, c := range []struct {
		name     string
		fill     export.Fill
		interval string
		from, to int64
		want     string
	}{
		{"none", export.FillNone, "1s", 0, 10, "1 70.00 2 1 traded|3 71.00 2 1 traded|6 72.00 2 1 partial|8 73.00 2 1 traded"},
		{"state", export.FillState, "1s", 0, 10, "0  0 0 quiet|1 70.00 2 1 traded|2  0 0 quiet|3 71.00 2 1 traded|4  0 0 quiet|5    down|6 72.00 2 1 partial|7  0 0 quiet|8 73.00 2 1 traded|9  0 0 quiet"},
		{"forward", export.FillForward, "1s", 0, 10, "0  0 0 quiet|1 70.00 2 1 traded|2 70.00 0 0 quiet|3 71.00 2 1 traded|4 71.00 0 0 quiet|5    down|6 72.00 2 1 partial|7 72.00 0 0 quiet|8 73.00 2 1 traded|9 73.00 0 0 quiet"},
		{"forward, longer", export.FillForward, "5s", 0, 10, "0 71.00 4 2 traded|5 73.00 4 2 partial"},
		{"state, cut", export.FillState, "1s", 2, 6, "2  0 0 quiet|3 71.00 2 1 traded|4  0 0 quiet|5    down"},
		{"forward, cut in the quiet", export.FillForward, "1s", 4, 5, "4 71.00 0 0 quiet"},
		{"a day", export.FillState, "1d", 0, 10, "0 73.00 8 4 partial"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := candle.ParseInterval(c.interval)
			must(t, err)
			anchor := int64(0)
			if v.Kind() == candle.Day {
				anchor = s.Open
			}
			fold := candle.NewFold(v, anchor)
			for i := range trades {
				fold.Add(&trades[i])
			}
			from, to := s.Open+c.from*1000, s.Open+c.to*1000
			var file bytes.Buffer
			out := newTimeCandles(&file, export.Decimals{})
			f := export.NewFiller(out, c.fill)
			f.Begin(export.Piece{Symbol: "QLD", Session: s, Line: line, Until: s.Close, From: from, To: to, Interval: v})
			for _, each := range fold.Candles() {
				must(t, f.Encode(&each))
			}
			must(t, f.End())
			must(t, out.Close())
			back := read(t, file.Bytes())
			var got []string
			for i := range back.rows {
				second := (moment(t, back.field(t, i, "time")) - s.Open) / 1000
				got = append(got, strings.Join([]string{string(rune('0' + second)), back.field(t, i, "close"), back.field(t, i, "volume"), back.field(t, i, "trades"), back.field(t, i, "state")}, " "))
			}
			if all := strings.Join(got, "|"); all != c.want {
				t.Errorf("the rows are\n%s, want\n%s", all, c.want)
			}
			if f.Rows() != int64(len(back.rows)) {
				t.Errorf("it says %d rows, there are %d", f.Rows(), len(back.rows))
			}
		})
	}
}

// What is not told of yet gets no row: a session that is being recorded ends with what was
// heard last.
func TestFillEndsWithTheLedger(t *testing.T) {
	s, line := listened(t)
	var file bytes.Buffer
	out := newTimeCandles(&file, export.Decimals{})
	f := export.NewFiller(out, export.FillState)
	f.Begin(export.Piece{Symbol: "QLD", Session: s, Line: line, Until: s.Open + 3700, From: math.MinInt64, To: math.MaxInt64, Interval: candle.Second})
	must(t, f.End())
	must(t, out.Close())
	if n := len(read(t, file.Bytes()).rows); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

// A price is carried over the end of a session no more than over a hole.
func TestFillForwardEndsWithTheSession(t *testing.T) {
	s, line := listened(t)
	next := ledger.Session{Hours: s.Hours, Open: s.Close, Close: s.Close + 2000, Stated: true}
	heard := ledger.NewTimeline(next, []ledger.Span{{From: next.Open, Until: next.Close, Symbols: ledger.NewSymbols("QLD")}}, "QLD", ledger.Heard)
	one := candle.Of(&candle.Trade{Time: s.Close - 1000, Price: number(t, "70"), Size: number(t, "1")})
	var file bytes.Buffer
	out := newTimeCandles(&file, export.Decimals{})
	f := export.NewFiller(out, export.FillForward)
	f.Begin(export.Piece{Symbol: "QLD", Session: s, Line: line, Until: s.Close, From: s.Close - 1000, To: math.MaxInt64, Interval: candle.Second})
	must(t, f.Encode(&one))
	must(t, f.End())
	f.Begin(export.Piece{Symbol: "QLD", Session: next, Line: heard, Until: next.Close, From: math.MinInt64, To: math.MaxInt64, Interval: candle.Second})
	must(t, f.End())
	must(t, out.Close())
	back := read(t, file.Bytes())
	if len(back.rows) != 3 || back.field(t, 0, "close") != "70.00" || back.field(t, 1, "close") != "" || back.field(t, 1, "state") != "quiet" {
		t.Errorf("the rows are %q", back.rows)
	}
}
