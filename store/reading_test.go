package store_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/pages"
)

// record appends, commits and seals, with a pause between commits as a recorder makes,
// until stop is called.
func record(t *testing.T, f *store.File, s ledger.Session, random *rand.Rand) (stop func()) {
	t.Helper()
	quit, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- writeOn(f, s, random, quit, 2*time.Millisecond) }()
	return func() {
		close(quit)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestReadingStandsStill reads a session twice in one Reading while it is recorded and
// sealed: the rows are the same, and so are the candles, which fold just them.
func TestReadingStandsStill(t *testing.T) {
	random := seeded(t)
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	s := ledger.Day(1763735400000)
	if err := f.Begin(s, s.Open); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(s, trades(random, s, 5000, "A", "B")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	stop := record(t, f, s, random)
	defer stop()
	for range fewer(30) {
		r := f.Read()
		rows, n := make(map[string][]candle.Trade), 0
		for row, err := range r.Trades(s, nil) {
			if err != nil {
				t.Fatal(err)
			}
			rows[row.Symbol] = append(rows[row.Symbol], row.Trade)
			n++
		}
		again := 0
		for row, err := range r.Trades(s, nil) {
			if err != nil {
				t.Fatal(err)
			}
			if list := rows[row.Symbol]; row.Seq > int64(len(list)) || list[row.Seq-1] != row.Trade {
				t.Fatalf("%s %d is another one the second time", row.Symbol, row.Seq)
			}
			again++
		}
		if again != n {
			t.Fatalf("%d rows, and then %d", n, again)
		}
		for _, v := range []candle.Interval{candle.Second, candle.HundredTrades} {
			got := make(map[string][]candle.Candle)
			for c, err := range r.Candles(s, nil, v, 0) {
				if err != nil {
					t.Fatal(err)
				}
				got[c.Symbol] = append(got[c.Symbol], c.Candle)
			}
			for symbol, list := range rows {
				want := folded(list, v)
				if len(got[symbol]) != len(want) {
					t.Fatalf("%s %v: %d candles, want %d", symbol, v, len(got[symbol]), len(want))
				}
				for i := range want {
					if !sameCandle(got[symbol][i], want[i]) {
						t.Fatalf("%s %v: candle %d is %+v, want %+v", symbol, v, i, got[symbol][i], want[i])
					}
				}
			}
		}
	}
}

// TestReadersLetRecordersStart opens a file to read, and then to record into, at once, again
// and again: what is read beside the recorder is whole, grows, and is at no time damaged.
func TestReadersLetRecordersStart(t *testing.T) {
	random := seeded(t)
	path := filepath.Join(t.TempDir(), "a.db")
	s := ledger.Day(1763735400000)
	var before map[string][]candle.Trade
	for range fewer(10) {
		f, err := store.Open(path, store.Options{Command: "test", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Begin(s, s.Open); err != nil {
			t.Fatal(err)
		}
		stop := record(t, f, s, random)
		time.Sleep(30 * time.Millisecond) // the recorder lives in real time
		stop()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		reader, err := store.OpenReadOnly(path)
		if err != nil {
			t.Fatal(err)
		}
		other, err := store.OpenReadOnly(path)
		if err != nil {
			t.Fatal(err)
		}
		as := other.Read()
		if _, err := as.Symbols(s); err != nil {
			t.Fatal(err)
		}
		want := tapeOf(t, other, s)
		if f, err = store.Open(path, store.Options{Command: "test", NoSync: true}); err != nil {
			t.Fatalf("while somebody reads: %v", err)
		}
		if err := f.Begin(s, s.Open); err != nil {
			t.Fatal(err)
		}
		stop = record(t, f, s, random)
		for range 20 {
			now := tapeOf(t, reader, s)
			isPrefix(t, before, now)
			before = now
		}
		// What was begun before goes on as if nobody had come.
		got := make(map[string][]candle.Trade)
		for row, err := range as.Trades(s, nil) {
			if err != nil {
				t.Fatal(err)
			}
			got[row.Symbol] = append(got[row.Symbol], row.Trade)
		}
		isPrefix(t, want, got)
		isPrefix(t, got, want)
		if _, err := store.Verify(context.Background(), path); !errors.As(err, new(*store.Held)) {
			t.Errorf("verify of a file that is recorded: %v", err)
		}
		if report, err := f.Verify(context.Background()); err != nil || len(report.Problems) > 0 {
			t.Errorf("beside the recording: %+v %v", report, err)
		}
		stop()
		for _, each := range []*store.File{f, reader, other} {
			if err := each.Close(); err != nil {
				t.Error(err)
			}
		}
		recheck(t, path)
	}
}

// TestVerifyFindsBeside hurts a block of a file that is being recorded: it is found.
func TestVerifyFindsBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	random := seeded(t)
	f, err := store.Open(path, store.Options{Command: "test", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(day, trades(random, day, 3000, "A")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	seal(t, f, day, true)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	hurtLargest(t, path)
	if f, err = store.Open(path, store.Options{Command: "test", NoSync: true}); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if report, err := f.Verify(context.Background()); err != nil || len(report.Problems) == 0 {
		t.Errorf("nothing found: %+v %v", report, err)
	}
}

// hurtLargest flips a bit in the largest value of a file.
func hurtLargest(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pages.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	size, at := 0, 0
	err = p.Walk(func(i pages.Item) error {
		if !i.Bucket && len(i.Value) > size {
			size, at = len(i.Value), bytes.Index(data, i.Value)+len(i.Value)/2
		}
		return nil
	}, func(p pages.Problem) { t.Fatalf("%+v", p) })
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
