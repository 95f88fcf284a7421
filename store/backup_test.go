package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// TestBackup backs a file up while trades are appended and committed between and during the
// backups: each is whole, holds what was committed before it began and of each symbol a
// prefix of what the next one holds; the sum beside it is its own, and --keep keeps so many.
func TestBackup(t *testing.T) {
	random := seeded(t)
	folder := t.TempDir()
	f := open(t, filepath.Join(folder, "a.db"))
	s := ledger.Day(1763735400000)
	if err := f.Begin(s, s.Open); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(folder, "kept", "b.db")
	stop := make(chan struct{})
	written := make(chan error, 1)
	go func() { written <- writeOn(f, s, rand.New(rand.NewPCG(random.Uint64(), 0)), stop, 0) }()
	var before map[string][]candle.Trade
	for i := range 8 {
		committed := tapeOf(t, f, s)
		saved, err := f.Backup(context.Background(), to, 3, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		now := readBackup(t, to, s)
		isPrefix(t, committed, now)
		isPrefix(t, before, now)
		before = now
		if text, err := os.ReadFile(to + ".sha256"); err != nil || string(text) != saved.SHA256+"  b.db\n" {
			t.Errorf("the sum is %q %v, want %s", text, err, saved.SHA256)
		}
		if at, path, ok, err := f.LastBackup(); err != nil || !ok || at != int64(i) || path != to {
			t.Errorf("the last backup is %d %s %v %v", at, path, ok, err)
		}
	}
	close(stop)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(to + "*")
	if err != nil || len(names) != 6 {
		t.Errorf("kept are %v %v, want three with their sums", names, err)
	}
	isPrefix(t, readBackup(t, to+".2", s), readBackup(t, to+".1", s))
	isPrefix(t, readBackup(t, to+".1", s), before)
	for _, name := range []string{to + ".1", to + ".2"} {
		if text, err := os.ReadFile(name + ".sha256"); err != nil || !strings.HasSuffix(string(text), "  "+filepath.Base(name)+"\n") || !strings.HasPrefix(string(text), sumOf(t, name)) {
			t.Errorf("the sum of %s is %q %v", name, text, err)
		}
	}
}

// writeOn appends and commits until stop is closed.
func writeOn(f *store.File, s ledger.Session, random *rand.Rand, stop chan struct{}, pause time.Duration) error {
	price := int64(10_000)
	for n := int64(0); ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		var trades []candle.Trade
		for range 1 + random.IntN(200) {
			price += random.Int64N(5) - 2
			at := s.Open + (n*137)%86_000_000
			trades = append(trades, candle.Trade{Symbol: fmt.Sprintf("S%d", random.IntN(5)), Time: at, Received: at + 90,
				Price: candle.Decimal{Units: max(price, 1)*10 + 1, Scale: 2}, Size: candle.Decimal{Units: random.Int64N(500)}})
		}
		if _, err := f.Append(s, trades); err != nil {
			return err
		}
		if err := f.Commit(); err != nil {
			return err
		}
		time.Sleep(pause)
		if n%50 == 49 {
			if err := f.Seal(context.Background(), s, false); err != nil {
				return err
			}
		}
	}
}

func tapeOf(t *testing.T, f *store.File, s ledger.Session) map[string][]candle.Trade {
	t.Helper()
	all := make(map[string][]candle.Trade)
	for row, err := range f.Trades(s, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(all[row.Symbol])) != row.Seq-1 {
			t.Fatalf("%s: trade %d comes after %d", row.Symbol, row.Seq, len(all[row.Symbol]))
		}
		all[row.Symbol] = append(all[row.Symbol], row.Trade)
	}
	return all
}

// readBackup proves a backup and reads it.
func readBackup(t *testing.T, path string, s ledger.Session) map[string][]candle.Trade {
	t.Helper()
	recheck(t, path)
	f, err := store.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Interrupted() || f.Copied() {
		t.Errorf("%s: interrupted %v, copied %v", path, f.Interrupted(), f.Copied())
	}
	return tapeOf(t, f, s)
}

func isPrefix(t *testing.T, short, long map[string][]candle.Trade) {
	t.Helper()
	for symbol, want := range short {
		got := long[symbol]
		if len(got) < len(want) {
			t.Fatalf("%s: %d trades, there were %d", symbol, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: trade %d is %+v, was %+v", symbol, i+1, got[i], want[i])
			}
		}
	}
}

// TestBackupRefuses shows what a backup does not write over.
func TestBackupRefuses(t *testing.T) {
	folder := t.TempDir()
	f := open(t, filepath.Join(folder, "a.db"))
	notes := filepath.Join(folder, "notes.txt")
	if err := os.WriteFile(notes, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(f.Path(), filepath.Join(folder, "link.db")); err != nil {
		t.Fatal(err)
	}
	var foreign *store.Foreign
	if _, err := f.Backup(context.Background(), notes, 1, 0); !errors.As(err, &foreign) {
		t.Errorf("onto a text: %v", err)
	}
	for _, itself := range []string{f.Path(), filepath.Join(folder, "link.db")} {
		if _, err := f.Backup(context.Background(), itself, 1, 0); !errors.Is(err, store.ErrItself) {
			t.Errorf("onto itself: %v", err)
		}
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := f.Backup(stopped, filepath.Join(folder, "c.db"), 1, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(folder, "c.db*"))
	if err != nil || len(left) > 0 {
		t.Errorf("a stopped backup leaves %v %v", left, err)
	}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x  ", sha256.Sum256(data))
}
