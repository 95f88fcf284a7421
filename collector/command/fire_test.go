package command_test

import (
	"bufio"
	"bytes"
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
	"tapedeck/store"
)

var cuts = flag.Int("cuts", 3, "how often TestKeyUnderFire and TestMissingUnderFire cut the connection; 200 take fourteen minutes")

const tradingDay = 390 * time.Minute

func spy(t *testing.T) (lines []byte, source playback.Source) {
	t.Helper()
	lines = shared(t, "trades/SPY_20131007.eligible.jsonl.gz")
	source, err := playback.ReadRecording(bytes.NewReader(lines), "test")
	if err != nil {
		t.Fatal(err)
	}
	return lines, source
}

// A real day over a connection that is cut again and again, with a FIN behind the last
// frame that it was to have: not a trade is lost and none is twice, so that the candles
// are those of the key.
func TestKeyUnderFire(t *testing.T) {
	if testing.Short() {
		t.Skip("a reconnect takes its time")
	}
	_, source := spy(t)
	db := filepath.Join(t.TempDir(), "spy.db")
	o := playback.ServerOptions{Once: true, CutEvery: tradingDay / time.Duration(*cuts+1)}
	recordUnder(t, o, time.Minute+time.Duration(*cuts)*8*time.Second, binary(t), source, db, "--skip-market-hours", "--symbols", "SPY")
	compareWithKey(t, db, "SPY_20131007")
	if n := connections(t, db); n < *cuts {
		t.Errorf("%d connections", n)
	}
}

// The same day at a speed of its own, over a connection that is reset: what is missing was
// missed, and every trade of it lies in a second that the ledger does not call heard.
func TestMissingUnderFire(t *testing.T) {
	if testing.Short() {
		t.Skip("a session takes its time")
	}
	lines, source := spy(t)
	db := filepath.Join(t.TempDir(), "spy.db")
	o := playback.ServerOptions{Once: true, Speed: 4000, Lead: 2 * time.Minute, CutEvery: tradingDay / time.Duration(max(*cuts, 40)+1)}
	recordUnder(t, o, 2*time.Minute, binary(t), source, db, "--symbols", "SPY", "--canary", "")
	heard := heardSeconds(t, db)
	have := make(map[string]int)
	for _, row := range export(t, db, "trades") {
		have[strings.Join(sent(row)[:6], " ")]++
	}
	missing, all := 0, 0
	for scanner := bufio.NewScanner(bytes.NewReader(lines)); scanner.Scan(); {
		want := wantRow(t, scanner.Bytes(), 0)
		at, err := time.Parse(time.RFC3339, want[0])
		if err != nil {
			t.Fatal(err)
		}
		if at.Before(time.Date(2013, 10, 7, 13, 30, 0, 0, time.UTC)) || !at.Before(time.Date(2013, 10, 7, 20, 0, 0, 0, time.UTC)) {
			continue
		}
		all++
		key := strings.Join(want[:6], " ")
		if have[key] > 0 {
			have[key]--
			continue
		}
		missing++
		if heard[at.Truncate(time.Second)] {
			t.Errorf("the trade %s is missing, and its second was heard", key)
		}
	}
	for key, n := range have {
		if n > 0 {
			t.Errorf("the trade %s is there %d times more than it was sent", key, n)
		}
	}
	if missing == 0 || len(heard) < 10_000 || connections(t, db) < 30 {
		t.Errorf("%d of %d missing, %d seconds heard: nothing was tried", missing, all, len(heard))
	}
	t.Logf("%d of %d trades missing, each in a second that is partial or down; %d seconds heard", missing, all, len(heard))
}

// heardSeconds are the seconds that the ledger calls traded or quiet.
func heardSeconds(t *testing.T, db string) map[time.Time]bool {
	t.Helper()
	heard := make(map[time.Time]bool)
	for _, row := range export(t, db, "coverage") {
		if !slices.Contains([]string{"traded", "quiet"}, row[4]) {
			continue
		}
		from, err1 := time.Parse(time.RFC3339, row[0])
		until, err2 := time.Parse(time.RFC3339, row[1])
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for ; from.Before(until); from = from.Add(time.Second) {
			heard[from] = true
		}
	}
	return heard
}

// connections is how many there were in the last session of a file.
func connections(t *testing.T, db string) int {
	t.Helper()
	f, err := store.OpenReadOnly(db)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := f.Sessions()
	if err != nil || len(all) == 0 {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	return int(all[len(all)-1].Counts[ledger.Connections])
}
