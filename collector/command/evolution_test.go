package command_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
	"tapedeck/store"
)

// TestFormerProgram builds the program of the commit at which format 1 was finished and
// lets it read and record into a file of today: rolling back works.
func TestFormerProgram(t *testing.T) {
	t.Parallel()
	former := formerBinary(t)
	db := filepath.Join(t.TempDir(), "a.db")
	writeToday(t, db)
	for _, what := range []string{"trades", "1s", "100t", "coverage"} {
		ours := exportRaw(t, db, what, "--session", "2026-11-18..2026-11-19")
		cmd := exec.Command(former, "export", what, "--session", "2026-11-18..2026-11-19", "--db", db)
		cmd.Env = environment()
		theirs, err := cmd.Output()
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Fatalf("export %s: the former program: %v, %d bytes, today's %d", what, err, len(theirs), len(ours))
		}
	}
	before := exportRaw(t, db, "trades", "--session", "all")
	session := ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000}
	market := playback.NewMarket(playback.MarketOptions{Seed: 1, Symbols: []string{"QLD", "TSLA"}, Session: session, Rate: 1})
	recordAll(t, former, market, db, "--symbols", "QLD,TSLA")
	out, err := exec.Command(binary(t), "verify", db).CombinedOutput()
	if err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	after := exportRaw(t, db, "trades", "--session", "2026-11-18..2026-11-19")
	if !bytes.Equal(before, after) {
		t.Error("the trades of today's file are not what they were")
	}
	rolled := len(export(t, db, "trades", "--session", "all"))
	if rolled < bytes.Count(before, []byte("\n"))+100 {
		t.Errorf("%d trades in all: the former program recorded too few", rolled)
	}
	recordBack(t, db, rolled)
}

// recordBack lets today's program go on in the file that the former one has recorded into.
func recordBack(t *testing.T, db string, before int) {
	t.Helper()
	session := ledger.Session{Hours: ledger.Regular, Open: 1763994600000, Close: 1764018000000}
	market := playback.NewMarket(playback.MarketOptions{Seed: 2, Symbols: []string{"QLD", "TSLA"}, Session: session, Rate: 1})
	recordAll(t, binary(t), market, db, "--symbols", "QLD,TSLA")
	if out, err := exec.Command(binary(t), "verify", db).CombinedOutput(); err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	after := len(export(t, db, "trades", "--session", "all"))
	if after < before+100 {
		t.Errorf("%d trades in all, of them %d from before: today's program recorded too few", after, before)
	}
	t.Logf("%d trades by today's program and the former one, %d more by today's", before, after-before)
	f, err := store.OpenReadOnly(db)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if state, err := f.Alarms(); err != nil || string(state) != toldToday {
		t.Errorf("the former program left %q of the alarms, %v", state, err)
	}
}

// toldToday is something that the former program does not know.
const toldToday = `{"a target":{"crash":{"key":"1"}}}`

// formerBinary builds the commit that FORMAT.md names.
func formerBinary(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../store/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`Format 1 was finished at commit ([0-9a-f]{40})`).FindSubmatch(text)
	if m == nil {
		t.Fatal("FORMAT.md names no commit")
	}
	commit := string(m[1])
	git := func(args ...string) error {
		cmd := exec.Command("git", args...)
		cmd.Dir = "../.."
		return cmd.Run()
	}
	if err := git("cat-file", "-e", commit+"^{commit}"); err != nil {
		t.Skipf("skipped: the history here has no commit %s (%v)", commit, err)
	}
	tree := filepath.Join(t.TempDir(), "former")
	if err := git("worktree", "add", "--detach", tree, commit); err != nil {
		t.Fatalf("git worktree: %v", err)
	}
	t.Cleanup(func() {
		if err := git("worktree", "remove", "--force", tree); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(t.TempDir(), "tapedeck-former")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = tree
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// writeToday makes a file with all that today's program writes: a sealed session, and one
// partly sealed.
func writeToday(t *testing.T, db string) {
	t.Helper()
	f, err := store.Open(db, store.Options{Command: "test", Source: "simulated", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	open := time.Date(2026, 11, 18, 14, 30, 0, 0, time.UTC).UnixMilli()
	for i := range int64(2) {
		s := ledger.Session{Hours: ledger.Regular, Open: open + i*86_400_000, Close: open + i*86_400_000 + 23_400_000, Stated: true}
		for part := range 2 {
			var list []candle.Trade
			for j := range int64(1000) {
				at := s.Open + (int64(part)*1000+j)*5000 + rng.Int64N(5000)
				list = append(list, candle.Trade{Symbol: []string{"QLD", "SPY"}[rng.IntN(2)], Time: at, Received: at + 70,
					Price: candle.Decimal{Units: 7001 + rng.Int64N(50)*10, Scale: 2}, Size: candle.Decimal{Units: 1 + rng.Int64N(300)}, Conditions: "14|"})
			}
			if _, err := f.Append(s, list); err != nil {
				t.Fatal(err)
			}
			f.Enter(s, []ledger.Span{{From: list[0].Time, Until: list[len(list)-1].Time, Symbols: ledger.NewSymbols("QLD", "SPY")}}, nil)
			f.Count(s, ledger.Counts{ledger.Accepted: int64(len(list))})
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if i == 0 || part == 0 {
				if err := f.Seal(t.Context(), s, i == 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := errors.Join(f.SetAlarms([]byte(toldToday)), f.Close()); err != nil {
		t.Fatal(err)
	}
}
