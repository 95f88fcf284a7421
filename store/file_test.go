package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// open opens a file for recording. When the test ends the whole file is checked.
func open(t testing.TB, path string) *store.File {
	t.Helper()
	f, err := store.Open(path, store.Options{Command: "test", Source: "simulated", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		recheck(t, path)
	})
	return f
}

// recheck reads the whole file again, with bbolt's own check and with ours: every page
// and checksum, every record and block, every entry of the ledger, every candle.
func recheck(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Errorf("bbolt's check: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	report, err := store.Verify(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("verify: %v", p)
	}
}

var day = ledger.Session{Hours: ledger.Regular, Open: 1763994600000, Close: 1764018000000, Stated: true}

// trades makes n trades of the symbols in a session, in a plausible order of arrival.
func trades(rng *rand.Rand, s ledger.Session, n int, symbols ...string) []candle.Trade {
	list := make([]candle.Trade, n)
	conditions := []string{"", "14|37|41|", "12|", "37|"}
	at := s.Open
	for i := range list {
		at = min(at+rng.Int64N(200), s.Close-1)
		when := max(at-rng.Int64N(60_000)*rng.Int64N(2), s.Open)
		list[i] = candle.Trade{
			Symbol: symbols[rng.IntN(len(symbols))], Time: when, Received: at + rng.Int64N(900),
			Price:      candle.Decimal{Units: 1 + rng.Int64N(1_000_000)*10 + 1, Scale: uint8(rng.IntN(5))},
			Size:       candle.Decimal{Units: rng.Int64N(1000)},
			Conditions: conditions[rng.IntN(len(conditions))], Dark: rng.IntN(10) == 0,
		}
	}
	return list
}

// fewer is how much of a random test is done: a fifth with -short, as under the race
// detector in CI.
func fewer(n int) int {
	if testing.Short() {
		return max(1, n/5)
	}
	return n
}

func seeded(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func read(t testing.TB, f *store.File, s ledger.Session, symbols []string) []candle.Trade {
	t.Helper()
	var list []candle.Trade
	for row, err := range f.Trades(s, symbols) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Trade)
	}
	return list
}

// bySymbol is the order of a reading: by symbol, then arrival.
func bySymbol(list []candle.Trade) []candle.Trade {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b candle.Trade) int {
		switch {
		case a.Symbol < b.Symbol:
			return -1
		case a.Symbol > b.Symbol:
			return 1
		}
		return 0
	})
	return list
}

func TestTapeComesBack(t *testing.T) {
	rng := seeded(t)
	path := filepath.Join(t.TempDir(), "a.db")
	var want []candle.Trade
	for round := range 4 { // each time the file is opened anew
		f := open(t, path)
		for range 5 {
			batch := trades(rng, day, rng.IntN(3000), "QLD", "SPY", "S1", "S2")
			for len(batch) > 0 {
				n := 1 + rng.IntN(len(batch))
				if _, err := f.Append(day, batch[:n]); err != nil {
					t.Fatal(err)
				}
				want = append(want, batch[:n]...)
				batch = batch[n:]
			}
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if f.Staged() != 0 {
				t.Fatalf("%d bytes staged after a commit", f.Staged())
			}
		}
		if got := read(t, f, day, nil); !slices.Equal(got, bySymbol(want)) {
			t.Fatalf("round %d: %d trades came back of %d", round, len(got), len(want))
		}
		one := slices.DeleteFunc(slices.Clone(want), func(c candle.Trade) bool { return c.Symbol != "SPY" })
		if got := read(t, f, day, []string{"SPY"}); !slices.Equal(got, one) {
			t.Fatalf("%d trades of SPY came back of %d", len(got), len(one))
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingUncommittedIsOnFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	list := trades(seeded(t), day, 100, "QLD")
	if _, err := f.Append(day, list[:50]); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(day, list[50:]); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f, day, nil); !slices.Equal(got, list[:50]) {
		t.Fatalf("%d trades on file, want 50", len(got))
	}
}

func TestEcho(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	list := trades(seeded(t), day, 2000, "QLD", "SPY")
	echo := func(c candle.Trade) []candle.Trade {
		c.Echo, c.Conditions, c.Received = true, "", c.Received+5000
		return []candle.Trade{c}
	}
	fresh := list[7]
	fresh.Price.Units++
	for _, stage := range []string{"staged", "committed", "reopened"} {
		f := open(t, path)
		if stage == "staged" {
			if _, err := f.Append(day, list); err != nil {
				t.Fatal(err)
			}
		} else if stage == "committed" {
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		for _, i := range []int{0, 700, 1999} {
			if left, err := f.Append(day, echo(list[i])); left[ledger.RejectedEcho] != 1 || err != nil {
				t.Errorf("%s: echo of trade %d: left out %v, %v", stage, i, left, err)
			}
		}
		if stage == "reopened" {
			if left, err := f.Append(day, echo(fresh)); left != nil || err != nil {
				t.Errorf("a trade never recorded was dropped as an echo: %v, %v", left, err)
			}
			if left, err := f.Append(day, []candle.Trade{list[0]}); left != nil || err != nil {
				t.Errorf("an equal trade that is no suspect was dropped: %v, %v", left, err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, path)
	if got := len(read(t, f, day, nil)); got != len(list)+2 {
		t.Errorf("%d trades, want %d", got, len(list)+2)
	}
}

func TestLedgerComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	qld, both := ledger.NewSymbols("QLD"), ledger.NewSymbols("QLD", "SPY")
	f := open(t, path)
	check := func(want ...ledger.Span) {
		t.Helper()
		got, err := f.Spans(day)
		if err != nil {
			t.Fatal(err)
		}
		equal := slices.EqualFunc(got, want, func(a, b ledger.Span) bool {
			return a.From == b.From && a.Until == b.Until && a.Cause == b.Cause && slices.Equal(a.Symbols.Names(), b.Symbols.Names())
		})
		if !equal {
			t.Fatalf("ledger is %+v, want %+v", got, want)
		}
	}
	enter := func(settled, open []ledger.Span) {
		t.Helper()
		f.Enter(day, settled, open)
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	a := ledger.Span{From: day.Open, Until: day.Open + 1000, Symbols: both}
	b := ledger.Span{From: day.Open, Until: day.Open + 9000, Symbols: both}
	gap := ledger.Span{From: day.Open + 9000, Until: day.Open + 12000, Symbols: qld, Cause: ledger.Drop}
	enter(nil, []ledger.Span{a})
	check(a)
	enter(nil, []ledger.Span{b, gap})
	check(b, gap)
	enter([]ledger.Span{b}, []ledger.Span{gap})
	check(b, gap)
	enter(nil, nil)
	check(b)
	enter([]ledger.Span{gap}, []ledger.Span{a, a})
	check(b, gap, a, a)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = open(t, path)
	enter([]ledger.Span{a}, nil)
	check(b, gap, a, a, a)
}

func TestCountsAddUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for range 3 {
		f := open(t, path)
		for range 2 {
			f.Count(day, ledger.Counts{ledger.Reconnects: 5, "of_a_later_version": 1})
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, path)
	sessions, err := f.Sessions()
	if err != nil || len(sessions) != 1 {
		t.Fatal(sessions, err)
	}
	if got := sessions[0].Counts; got[ledger.Reconnects] != 30 || got["of_a_later_version"] != 6 {
		t.Errorf("counts %v", got)
	}
	if sessions[0].Source != "simulated" || sessions[0].Session != day {
		t.Errorf("summary %+v", sessions[0])
	}
}

// An echo is known although another trade of its symbol comes before it in its batch.
func TestEchoBehindAnother(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	list := trades(seeded(t), day, 2, "QLD")
	if _, err := f.Append(day, list[:1]); err != nil {
		t.Fatal(err)
	}
	echo := list[0]
	echo.Echo = true
	if left, err := f.Append(day, []candle.Trade{list[1], echo}); left[ledger.RejectedEcho] != 1 || err != nil {
		t.Errorf("left out %v, %v", left, err)
	}
}

// A process that dies leaves its mark; the next one accounts for the rest.
func TestBeginAccounts(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprint("crash ", crash), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			f := open(t, path)
			qld := ledger.NewSymbols("QLD")
			heard := ledger.Span{From: day.Open, Until: day.Open + 5000, Symbols: qld}
			f.Enter(day, []ledger.Span{heard}, nil)
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			want := ledger.Shutdown
			if crash { // a copy of the file as it is now is what a dead process leaves
				want = ledger.Crash
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				path = filepath.Join(t.TempDir(), "b.db")
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			} else if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f = open(t, path)
			if f.Interrupted() != crash {
				t.Errorf("Interrupted is %v", f.Interrupted())
			}
			if err := f.Begin(day, day.Open+60_000); err != nil {
				t.Fatal(err)
			}
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			spans, err := f.Spans(day)
			if err != nil || len(spans) != 2 {
				t.Fatal(spans, err)
			}
			if got := spans[1]; got.From != heard.Until || got.Until != day.Open+60_000 || got.Cause != want {
				t.Errorf("accounted for with %+v", got)
			}
		})
	}
}
