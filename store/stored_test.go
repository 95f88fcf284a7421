package store_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

var writeFormat = flag.String("writeformat", "", "write the stored file of this format here, when a format is finished")

// stored1 is what the stored file of format 1 holds: a session without its trades, a
// sealed one, and one on the tape.
func stored1() (sessions []ledger.Session, all [][]candle.Trade) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range int64(3) {
		s := day
		s.Open, s.Close = s.Open+i*86_400_000, s.Close+i*86_400_000
		sessions, all = append(sessions, s), append(all, trades(rng, s, 1500, "QLD", "SPY", "BTC-USD"))
	}
	return sessions, all
}

// TestStoredFile: a file that was written when format 1 was finished is read by every
// later version, and goes on being recorded into.
func TestStoredFile(t *testing.T) {
	if *writeFormat != "" {
		writeStored1(t, *writeFormat)
	}
	data, err := os.ReadFile("testdata/format-1.0.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	recheck(t, path)
	sessions, all := stored1()
	f := open(t, path)
	holds(t, f, sessions[1], all[1])
	holds(t, f, sessions[2], all[2])
	n := int64(0)
	for c, err := range f.Candles(sessions[0], nil, candle.Second, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n += c.Trades
	}
	if n != int64(len(all[0])) {
		t.Errorf("the candles of dropped trades fold %d, want %d", n, len(all[0]))
	}
	spans, err := f.Spans(sessions[1])
	if err != nil || len(spans) != 2 || spans[1].Cause != ledger.Drop {
		t.Errorf("ledger %v, %v", spans, err)
	}
	more := trades(seeded(t), sessions[2], 500, "QLD", "NEW")
	if _, err := f.Append(sessions[2], more); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	seal(t, f, sessions[2], true)
	holds(t, f, sessions[2], append(all[2], more...))
}

func writeStored1(t *testing.T, path string) {
	draft := filepath.Join(t.TempDir(), "a.db")
	f := open(t, draft)
	sessions, all := stored1()
	for i, s := range sessions {
		if _, err := f.Append(s, all[i]); err != nil {
			t.Fatal(err)
		}
		set := ledger.NewSymbols("QLD", "SPY")
		f.Enter(s, []ledger.Span{{From: s.Open, Until: s.Open + 60_000, Symbols: set}, {From: s.Open + 60_000, Until: s.Close, Symbols: set, Cause: ledger.Drop}}, nil)
		f.Count(s, ledger.Counts{ledger.Accepted: int64(len(all[i])), "of_a_later_version": 1})
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			seal(t, f, s, true)
		}
	}
	if _, err := f.Retain(t.Context(), sessions[0].Close+1, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Compact(t.Context(), draft, store.Options{}, 0); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(draft)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
