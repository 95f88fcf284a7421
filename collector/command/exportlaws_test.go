package command

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// shelf is a file with sessions that are not like others, and what was put into it.
type shelf struct {
	path   string
	trades map[pair][]candle.Trade
	spans  map[ledger.Session][]ledger.Span
	all    []ledger.Session
}

// oddDays are a session on the first weekday behind each change of the clocks, two early
// closes, the last and first day of a year, and one on which nothing was traded.
var oddDays = []string{"2026-03-06", "2026-03-09", "2026-10-30", "2026-11-02", "2026-11-27", "2026-12-24", "2026-12-31", "2027-01-04", "2027-01-05"}

const nothingTraded = "2027-01-05"

// newShelf records odd days of four symbols, one of which never trades: with holes, late
// trades, prices of many decimals. All but the last session are sealed.
func newShelf(t *testing.T, r *rand.Rand) *shelf {
	t.Helper()
	s := &shelf{filepath.Join(t.TempDir(), "odd.db"), make(map[pair][]candle.Trade), make(map[ledger.Session][]ledger.Span), nil}
	f, err := store.Open(s.path, store.Options{Command: "test", Source: "simulated, seed 1", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	symbols := ledger.NewSymbols("1E5", "NA", "TRUE", "ZZZ")
	for i, date := range oddDays {
		session, err := sessionOn(date, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		session.Stated = true
		s.all = append(s.all, session)
		if err := f.Begin(session, session.Open); err != nil {
			t.Fatal(err)
		}
		from, until := session.Open+r.Int64N(600_000), session.Open+900_000+r.Int64N(600_000)
		spans := []ledger.Span{{From: session.Open, Until: from, Symbols: symbols}, {From: from, Until: until, Symbols: symbols, Cause: ledger.Drop},
			{From: until, Until: session.Close, Symbols: symbols}}
		f.Enter(session, spans, nil)
		s.spans[session] = spans
		if date != nothingTraded {
			for _, symbol := range []string{"1E5", "NA", "TRUE"} {
				s.put(t, r, f, session, symbol, from, until)
			}
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if i < len(oddDays)-2 || date == nothingTraded {
			if err := f.Seal(context.Background(), session, true); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// put records trades of a symbol, none of them in the hole.
func (s *shelf) put(t *testing.T, r *rand.Rand, f *store.File, session ledger.Session, symbol string, from, until int64) {
	t.Helper()
	var list []candle.Trade
	for at := session.Open + r.Int64N(5000); at < session.Close; at += 1 + r.Int64N(20_000) {
		if at >= from && at < until {
			continue
		}
		price := candle.Decimal{Units: 700_000 + r.Int64N(1000), Scale: 4}
		if symbol == "1E5" {
			price = candle.Decimal{Units: 1_2345678901 + r.Int64N(1000)*2, Scale: 10}
		}
		if text, err := candle.ParseDecimal([]byte(price.String())); err == nil {
			price, _ = candle.ParseDecimal([]byte(strings.TrimRight(text.String(), "0")))
		}
		late := r.Int64N(2000)
		if r.IntN(20) == 0 {
			late = r.Int64N(60_000)
		}
		list = append(list, candle.Trade{Symbol: symbol, Time: at, Received: at + late, Price: price,
			Size: candle.Decimal{Units: r.Int64N(300)}, Conditions: "14|"[:3*r.IntN(2)]})
	}
	slices.SortStableFunc(list, func(a, b candle.Trade) int { return int(a.Received - b.Received) })
	for part := range slices.Chunk(list, 500) {
		if _, err := f.Append(session, part); err != nil {
			t.Fatal(err)
		}
	}
	s.trades[pair{symbol, session}] = list
}

// exported runs the command and reads its CSV back: the rows below the header.
func exported(t *testing.T, path string, args ...string) [][]string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := dispatch(context.Background(), append([]string{"export", "--db", path}, args...), console{&out, &errs}); code != 0 {
		t.Fatalf("export %q: %s", args, errs.String())
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// TestExportLaws holds every interval of the odd days against a fold of what was put there.
func TestExportLaws(t *testing.T) {
	r := seededHere(t)
	s := newShelf(t, r)
	for _, interval := range []string{"1s", "5s", "1m", "90m", "4h", "24h", "1d", "100t", "7t", "1000v", "100000usd"} {
		v, err := candle.ParseInterval(interval)
		if err != nil {
			t.Fatal(err)
		}
		for _, anchor := range []string{"epoch", "session"} {
			args := []string{interval, "--session", "all"}
			if anchor == "session" {
				if !v.ByTime() {
					continue
				}
				args = append(args, "--anchor", anchor)
			}
			var want []string
			for _, symbol := range []string{"1E5", "NA", "TRUE"} {
				for _, session := range s.all {
					base := int64(0)
					if anchor == "session" || v.Kind() == candle.Day {
						base = session.Open
					}
					fold := candle.NewFold(v, base)
					for _, trade := range s.trades[pair{symbol, session}] {
						fold.Add(&trade)
					}
					for _, c := range fold.Candles() {
						want = append(want, lineOf(symbol, &c, v))
					}
				}
			}
			var got []string
			for _, row := range exported(t, s.path, args...) {
				got = append(got, shortened(t, row))
			}
			if !slices.Equal(got, want) {
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Fatalf("%s %s: row %d is %s, want %s", interval, anchor, i, got[i], want[i])
					}
				}
				t.Fatalf("%s %s: %d rows, want %d", interval, anchor, len(got), len(want))
			}
		}
	}
}

// lineOf is a candle by its numbers, without trailing zeros.
func lineOf(symbol string, c *candle.Candle, v candle.Interval) string {
	vwap, ok := c.VWAP()
	average := ""
	if ok {
		average = vwap.String()
	}
	layout := "2006-01-02T15:04:05.000Z"
	if v.ByTime() {
		layout = time.RFC3339
	}
	return fmt.Sprint(time.UnixMilli(c.Start).UTC().Format(layout), " ", symbol, " ", c.Open, " ", c.High, " ", c.Low, " ", c.Close, " ", c.Volume, " ", average, " ", c.Trades)
}

// shortened is a row as lineOf writes it.
func shortened(t *testing.T, row []string) string {
	t.Helper()
	out := append([]string{}, row[:9]...)
	for i := 2; i <= 7; i++ {
		if out[i] == "" {
			continue
		}
		d, err := candle.ParseDecimal([]byte(out[i]))
		if err != nil {
			t.Fatalf("%q: %v", out[i], err)
		}
		out[i] = d.String()
	}
	return strings.Join(out, " ")
}

// A second a row, for every symbol that was subscribed, with the state that the ledger
// tells, and nothing of a price where nobody traded.
func TestFillState(t *testing.T) {
	r := seededHere(t)
	s := newShelf(t, r)
	rows := exported(t, s.path, "1s", "--session", "all", "--fill", "state")
	want := 0
	for _, session := range s.all {
		want += int(session.Seconds()) * 4
	}
	if len(rows) != want {
		t.Fatalf("%d rows, want %d", len(rows), want)
	}
	forward := exported(t, s.path, "1s", "--session", "all", "--fill", "forward")
	i := 0
	for _, symbol := range []string{"1E5", "NA", "TRUE", "ZZZ"} {
		for _, session := range s.all {
			traded := make(map[int64]bool)
			for _, trade := range s.trades[pair{symbol, session}] {
				traded[trade.Time/1000*1000] = true
			}
			line := ledger.NewTimeline(session, s.spans[session], symbol, ledger.Heard)
			last := ""
			for at := session.Open; at < session.Close; at, i = at+1000, i+1 {
				row := rows[i]
				state, _ := line.State(at, at+1000, traded[at])
				if row[0] != time.UnixMilli(at).UTC().Format(time.RFC3339) || row[1] != symbol || row[9] != state.String() {
					t.Fatalf("row %d is %q, want %s of %d, %s", i, row, symbol, at, state)
				}
				empty := strings.Join(row[2:9], ",")
				if !traded[at] && empty != map[ledger.State]string{ledger.Quiet: ",,,,0,,0", ledger.Down: ",,,,,,"}[state] {
					t.Fatalf("row %d is %q", i, row)
				}
				switch {
				case traded[at]:
					last = row[5]
				case state != ledger.Quiet:
					last = ""
				}
				if got := forward[i][5]; got != last || forward[i][9] != state.String() || !traded[at] && (forward[i][2] != last || forward[i][3] != last || forward[i][4] != last) {
					t.Fatalf("forward, row %d is %q, want the price %q", i, forward[i], last)
				}
			}
		}
	}
}

// The formats have the same rows.
func TestFormatsAgree(t *testing.T) {
	s := newShelf(t, seededHere(t))
	for _, what := range []string{"1s", "100t", "trades", "coverage", "sessions"} {
		csvRows := exported(t, s.path, what, "--session", "all")
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), []string{"export", what, "--db", s.path, "--session", "all", "--format", "jsonl"}, console{&out, &errs}); code != 0 {
			t.Fatal(errs.String())
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(csvRows) {
			t.Fatalf("%s: %d lines and %d rows", what, len(lines), len(csvRows))
		}
		for i, line := range lines {
			if got := valuesOf(t, line); !slices.Equal(got, csvRows[i]) {
				t.Fatalf("%s: line %d is %s, the row %q", what, i, line, csvRows[i])
			}
		}
	}
}

// A session that is split is its parts, and each part is what an export of it alone is, but
// for the decimals, which are those of all.
func TestSplitIsTheWhole(t *testing.T) {
	s := newShelf(t, seededHere(t))
	folder := filepath.Join(t.TempDir(), "parts")
	whole := exported(t, s.path, "1m", "--session", "all", "--symbols", "NA,TRUE")
	var errs bytes.Buffer
	if code := dispatch(context.Background(), []string{"export", "1m", "--db", s.path, "--session", "all", "--symbols", "NA,TRUE", "--split", "symbol", "-o", folder}, console{&errs, &errs}); code != 0 {
		t.Fatal(errs.String())
	}
	var parts [][]string
	for _, symbol := range []string{"NA", "TRUE"} {
		for _, session := range s.all {
			if session.Date() != nothingTraded {
				parts = append(parts, readCSV(t, filepath.Join(folder, "symbol="+symbol, "date="+session.Date(), "part.csv"))[1:]...)
			}
		}
	}
	if !slices.EqualFunc(parts, whole, slices.Equal) {
		t.Fatalf("%d rows in parts, %d in all", len(parts), len(whole))
	}
}

// A file whose later rows need more decimals than its first ones is written anew: it is what
// goes to a pipe, which is read twice instead.
func TestDecimalsThatComeLate(t *testing.T) {
	folder := t.TempDir()
	db := filepath.Join(folder, "late.db")
	f, err := store.Open(db, store.Options{Command: "test", Source: "simulated, seed 1", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := ledger.Session{Hours: ledger.Regular, Open: 1795185000000, Close: 1795208400000, Stated: true}
	list := make([]candle.Trade, 3*guessRows)
	for i := range list {
		list[i] = candle.Trade{Symbol: "QLD", Time: s.Open + int64(i)*100, Received: s.Open + int64(i)*100, Price: candle.Decimal{Units: 70}, Size: candle.Decimal{Units: 1}}
	}
	last := &list[len(list)-1]
	last.Price, last.Size = candle.Decimal{Units: 70_0625, Scale: 4}, candle.Decimal{Units: 5, Scale: 1}
	if _, err := f.Append(s, list); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Commit(), f.Seal(context.Background(), s, true), f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"trades", "1t", "1s"} {
		name := filepath.Join(folder, what+".csv")
		var said bytes.Buffer
		if code := dispatch(context.Background(), []string{"export", what, "--db", db, "-o", name}, console{&said, &said}); code != 0 {
			t.Fatal(said.String())
		}
		written, piped := readCSV(t, name)[1:], exported(t, db, what)
		if !slices.EqualFunc(written, piped, slices.Equal) {
			t.Errorf("%s: the first row is %q in the file, %q in the pipe", what, written[0], piped[0])
		}
		if !strings.Contains(strings.Join(piped[0], ","), "70.0000") {
			t.Errorf("%s: the first row is %q", what, piped[0])
		}
		if !strings.HasPrefix(said.String(), thousands(int64(len(piped)))+" rows, ") {
			t.Errorf("%s: it says %q of %d rows", what, said.String(), len(piped))
		}
	}
}
