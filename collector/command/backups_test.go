package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
)

var backupsFor = flag.Duration("backups", 4*time.Second, "for how long TestBackupsWhileRecording makes a backup each second")

// TestBackupsWhileRecording makes a backup each second over the socket while 6,000 trades a
// second are recorded: each verifies, its sum is right, and what it holds of each symbol is a
// prefix of what the next one holds. -backups 1m is the long form.
func TestBackupsWhileRecording(t *testing.T) {
	d := newDesk(t, 20, 100, 60)
	to := filepath.Join(t.TempDir(), "b.db")
	before := make(map[string][]candle.Trade)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	made := 0
	for end := time.Now().Add(*backupsFor); time.Now().Before(end); made++ {
		<-tick.C
		var out bytes.Buffer
		if _, err := monitor.Ask(context.Background(), d.socket, "backup", url.Values{"to": {to}}, &out); err != nil {
			t.Fatal(err)
		}
		checkSum(t, to)
		report, err := store.Verify(context.Background(), to)
		if err != nil || len(report.Problems) > 0 {
			t.Fatalf("backup %d: %+v %v", made+1, report, err)
		}
		before = prefixOf(t, before, to)
	}
	n := 0
	for _, list := range before {
		n += len(list)
	}
	if made < 2 || n == 0 {
		t.Errorf("%d backups, %d trades in the last one", made, n)
	}
	t.Logf("%d backups, %d trades in the last one; append p99 %v", made, n, d.tape.quantile(0.99))
	d.checkNothingLost(t)
}

func checkSum(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path + ".sha256")
	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), filepath.Base(path)); err != nil || string(text) != want {
		t.Errorf("the sum is %q %v, want %q", text, err, want)
	}
}

// prefixOf reads a backup, makes sure that it begins with all that was before, and returns
// what it holds.
func prefixOf(t *testing.T, before map[string][]candle.Trade, path string) map[string][]candle.Trade {
	t.Helper()
	f, err := store.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now := make(map[string][]candle.Trade)
	for row, err := range f.Trades(ledger.Day(deskSession.Open), nil) {
		if err != nil {
			t.Fatal(err)
		}
		row.Trade.Conditions = strings.Clone(row.Trade.Conditions)
		now[row.Symbol] = append(now[row.Symbol], row.Trade)
	}
	for symbol, list := range before {
		if len(now[symbol]) < len(list) {
			t.Fatalf("%s: %d trades, the backup before had %d", symbol, len(now[symbol]), len(list))
		}
		for i := range list {
			if now[symbol][i] != list[i] {
				t.Fatalf("%s: trade %d is %+v, was %+v", symbol, i+1, now[symbol][i], list[i])
			}
		}
	}
	return now
}
