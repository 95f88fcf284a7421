package command_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

// TestTornCopy copies a file as cp would while it is recorded at full rate, its first half
// at one moment and its second half later: every command that the damage meets says what
// it is, and the way out; no recorder writes to it.
func TestTornCopy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 8 s")
	}
	folder := t.TempDir()
	db, torn := filepath.Join(folder, "a.db"), filepath.Join(folder, "torn.db")
	session := ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000}
	market := playback.NewMarket(playback.MarketOptions{Seed: 1, Symbols: []string{"QLD", "SPY"}, Rate: 200, Session: session})
	var clock marketClock
	url := serve(t, market, playback.ServerOptions{Speed: killSpeed, Trace: clock.note})
	binary(t)
	cmd := recorder(url, db, []string{"QLD", "SPY"})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3500 * time.Millisecond) // a real recorder
	early, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second)
	late, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	// The head of the first moment, all else of the second.
	if err := os.WriteFile(torn, append(early[:2*os.Getpagesize()], late[2*os.Getpagesize():]...), 0o600); err != nil {
		t.Fatal(err)
	}
	lucky := filepath.Join(folder, "lucky.db")
	if err := os.WriteFile(lucky, late, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	want := fmt.Sprintf("is a torn copy, of two moments: it was copied with something like cp while pid %d recorded into the original", cmd.Process.Pid)
	before, err := os.ReadFile(torn)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", torn}, {"run", "--feed-url", "ws://127.0.0.1:1", "--symbols", "QLD", "--db", torn}} {
		said, err := run(args...)
		if err == nil || !strings.Contains(said, want) || !strings.Contains(said, "Try: tapedeck backup ") || !strings.Contains(said, "--salvage") {
			t.Errorf("tapedeck %v: %v\n%s", args, err, said)
		}
	}
	if after, err := os.ReadFile(torn); err != nil || string(after) != string(before) {
		t.Errorf("the torn copy was written to: %v", err)
	}
	// One that was made in a quiet moment is whole, and yet said to be a copy.
	said, err := run("export", "--db", lucky)
	if err != nil || !strings.Contains(said, "is a copy that was made while somebody recorded into the original") {
		t.Errorf("a whole copy: %v\n%s", err, said[max(0, len(said)-500):])
	}
	if said, err := run("verify", lucky); err != nil || !strings.Contains(said, "is whole") {
		t.Errorf("a whole copy: %v\n%s", err, said)
	}
	// The recorder's own file was never taken for a copy.
	if said, err := run("status", db); err != nil || strings.Contains(said, "Copy:") {
		t.Errorf("the original: %v\n%s", err, said)
	}
}

// run runs the program and returns all that it says.
func run(args ...string) (string, error) {
	cmd := exec.Command(built.path, args...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
