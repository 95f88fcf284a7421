package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// Compacting gives space back, seals what has ended, and changes no row.
func TestCompact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	list := trades(seeded(t), day, 60_000, "QLD", "SPY")
	for part := range 6 {
		if _, err := f.Append(day, list[part*10_000:(part+1)*10_000]); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := store.Compact(t.Context(), path, store.Options{}, day.Close+1)
	if err != nil || after >= before {
		t.Fatalf("%d bytes, then %d: %v", before, after, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != after {
		t.Errorf("the file has %d bytes, said were %d", info.Size(), after)
	}
	recheck(t, path)
	f = open(t, path)
	holds(t, f, day, list)
	if left, err := f.Unfinished(); err != nil || len(left) != 0 {
		t.Errorf("unfinished: %v, %v", left, err)
	}
}

func TestCompactNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, _, err := store.Compact(t.Context(), path, store.Options{}, 0); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("compacting made a file")
	}
}

// A recorder that died is not forgotten by compacting what it left: the next one finds
// the gap a crash, not a stop in peace.
func TestCompactKeepsTheMark(t *testing.T) {
	live := filepath.Join(t.TempDir(), "live.db")
	f := open(t, live)
	f.Enter(day, []ledger.Span{{From: day.Open, Until: day.Open + 1000, Symbols: ledger.NewSymbols("QLD")}}, nil)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(live) // as a dead process leaves it
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := store.Compact(t.Context(), path, store.Options{}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if f = open(t, path); !f.Interrupted() {
		t.Error("the mark of the process that died is gone")
	}
}

// A file that is recorded into is not salvaged, nor one that is not there.
func TestSalvageHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := store.Salvage(t.Context(), path, path+".new", store.Options{}); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	open(t, path)
	var held *store.Held
	if _, err := store.Salvage(t.Context(), path, path+".new", store.Options{}); !errors.As(err, &held) {
		t.Errorf("a file in use: %v", err)
	}
}

// Who has waited for the lock of a file that was replaced meanwhile does not get it.
func TestReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for _, name := range []string{path, path + ".new"} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if store.Replaced(old, path) {
		t.Error("the file was not replaced")
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if !store.Replaced(old, path) {
		t.Error("the file was replaced")
	}
}
