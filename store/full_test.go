package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// A commit that finds no room leaves the file as it was and loses nothing: what was
// staged, and what comes meanwhile, is there once there is room again, once.
func TestFullAndAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	list := trades(seeded(t), day, 300_000, "QLD", "SPY")
	qld := ledger.NewSymbols("QLD")
	span := func(until int64) ledger.Span {
		return ledger.Span{From: day.Open, Until: day.Open + until, Symbols: qld}
	}
	add := func(from, to int) {
		t.Helper()
		if _, err := f.Append(day, list[from:to]); err != nil {
			t.Fatal(err)
		}
		f.Count(day, ledger.Counts{ledger.Accepted: int64(to - from)})
	}
	add(0, 1000)
	f.Enter(day, []ledger.Span{span(1)}, []ledger.Span{span(2)})
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f.SetMaxSize(int(info.Size()))
	for i := 1000; i < len(list); i += 100_000 {
		add(i, min(i+100_000, len(list)))
		f.Enter(day, []ledger.Span{span(int64(i))}, []ledger.Span{span(int64(i + 1))})
		staged := f.Staged()
		var full interface{ Full() bool }
		if err := f.Commit(); !errors.As(err, &full) || !full.Full() {
			t.Fatalf("a full file: %v", err)
		}
		if f.Staged() != staged {
			t.Errorf("%d bytes staged after the commit failed, %d before", f.Staged(), staged)
		}
	}
	if got := read(t, f, day, nil); len(got) != 1000 {
		t.Errorf("%d trades on the full file", len(got))
	}
	f.SetMaxSize(0)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f, day, nil); !slices.Equal(got, bySymbol(list)) {
		t.Errorf("%d trades came back of %d", len(got), len(list))
	}
	sessions, err := f.Sessions()
	if err != nil || len(sessions) != 1 || sessions[0].Counts[ledger.Accepted] != int64(len(list)) {
		t.Errorf("counts: %+v, %v", sessions, err)
	}
	spans, err := f.Spans(day)
	if err != nil {
		t.Fatal(err)
	}
	var until []int64
	for _, p := range spans {
		until = append(until, p.Until-day.Open)
	}
	if want := []int64{1, 1000, 101_000, 201_000, 201_001}; !slices.Equal(until, want) {
		t.Errorf("the ledger ends at %v, want %v", until, want)
	}
}

// Closing a file that is full says so, and what was committed before is there.
func TestCloseFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	f, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	f.SetMaxSize(1)
	if _, err := f.Append(day, trades(seeded(t), day, 300_000, "QLD")); err != nil {
		t.Fatal(err)
	}
	var full *store.NoRoom
	if err := f.Close(); !errors.As(err, &full) {
		t.Errorf("Close: %v", err)
	}
	recheck(t, path)
}
