package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// A session whose close has moved since it was begun, by another plan or by an early
// close that was announced in the morning, closes then; but never before what is on file
// of it.
func TestBeginMovesTheClose(t *testing.T) {
	const minute = 60_000
	for _, c := range []struct {
		name            string
		heard, now, end int64 // after the open
	}{
		{"later", 120 * minute, 480 * minute, 480 * minute},
		{"earlier", 120 * minute, 180 * minute, 180 * minute},
		{"as it was", 120 * minute, 390 * minute, 390 * minute},
		{"before what was heard", 120*minute + 1, 60 * minute, 121 * minute},
		{"before all that was heard", 390 * minute, 60 * minute, 390 * minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			all := ledger.NewSymbols("QLD")
			f := open(t, path)
			moved := day
			moved.Close = day.Open + c.now
			entered := func() error {
				f.Enter(day, []ledger.Span{{From: day.Open, Until: day.Open + c.heard, Symbols: all}}, nil)
				return f.Commit()
			}
			begin := func() error { return f.Begin(moved, day.Open+c.heard) }
			for _, step := range []func() error{func() error { return f.Begin(day, day.Open) }, entered, begin, f.Commit} {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
			closesAt(t, f, day.Open+c.end)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := store.OpenReadOnly(path)
			if err != nil {
				t.Fatal(err)
			}
			closesAt(t, again, day.Open+c.end)
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func closesAt(t *testing.T, f *store.File, want int64) {
	t.Helper()
	list, err := f.Sessions()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Session.Close != want || list[0].Source != "simulated" {
		t.Errorf("the file says %+v, want a close at %d", list, want)
	}
}

// The new close is written even when the commit after Begin failed.
func TestMovedCloseSurvivesAFullDisk(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	all := ledger.NewSymbols("QLD")
	if err := f.Begin(day, day.Open); err != nil {
		t.Fatal(err)
	}
	f.Enter(day, []ledger.Span{{From: day.Open, Until: day.Open + 1000, Symbols: all}}, nil)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	moved := day
	moved.Close = day.Open + 3_600_000
	if err := f.Begin(moved, day.Open+1000); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(moved, trades(seeded(t), moved, 300_000, "QLD")); err != nil {
		t.Fatal(err)
	}
	f.SetMaxSize(1 << 20)
	var full interface{ Full() bool }
	if err := f.Commit(); !errors.As(err, &full) || !full.Full() {
		t.Fatalf("a full file: %v", err)
	}
	f.SetMaxSize(0)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	closesAt(t, f, moved.Close)
}
