package command

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// TestInterrupted stops each export before it has read anything: it says so, fails,
// and leaves neither the file nor a draft of it.
func TestInterrupted(t *testing.T) {
	folder := t.TempDir()
	db := filepath.Join(folder, "a.db")
	writeTrade(t, db)
	ctx, stop := context.WithCancel(context.Background())
	for _, what := range []string{"1s", "100t", "trades", "coverage"} {
		if code, said := exportTo(ctx, what, db, filepath.Join(folder, what+".csv")); code != exitOK {
			t.Errorf("export %s: exit %d: %s", what, code, said)
		}
	}
	stop()
	for _, what := range []string{"1s", "100t", "trades", "coverage"} {
		code, said := exportTo(ctx, what, db, filepath.Join(folder, what+"-stopped.csv"))
		if code != exitFailure || !strings.HasPrefix(said, "Stopped before the end") {
			t.Errorf("export %s: exit %d: %s", what, code, said)
		}
	}
	for _, pattern := range []string{"*-stopped.csv", "*.part"} {
		left, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

func exportTo(ctx context.Context, what, db, name string) (code int, said string) {
	var out, errs bytes.Buffer
	code = dispatch(ctx, []string{"export", what, "--db", db, "-o", name}, console{&out, &errs})
	return code, errs.String()
}

func writeTrade(t *testing.T, db string) {
	t.Helper()
	for _, name := range []string{"TAPEDECK_DB", "TAPEDECK_SESSION", "TAPEDECK_FROM", "TAPEDECK_TO"} {
		t.Setenv(name, "") // put back afterwards
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	s := ledger.Day(1381156200250)
	f, err := store.Open(db, store.Options{Command: "test", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(s, s.Open); err != nil {
		t.Fatal(err)
	}
	one := candle.Trade{Symbol: "SPY", Time: 1381156200250, Received: 1381156200300,
		Price: candle.Decimal{Units: 16725, Scale: 2}, Size: candle.Decimal{Units: 100}}
	if _, err := f.Append(s, []candle.Trade{one}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
