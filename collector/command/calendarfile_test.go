package command

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// A calendar file that changes is followed; a wrong one, or none, is told of once and
// leaves the plan as it was.
func TestCalendarFileIsReadAgain(t *testing.T) {
	path, log := filepath.Join(t.TempDir(), "own.txt"), new(bytes.Buffer)
	base, err := schedule.NewPlan(ledger.Regular, "", "", schedule.Calendar{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watchCalendar(base, path, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("a file that is not there was taken")
	}
	stamp := time.Now()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		stamp = stamp.Add(time.Second) // some file systems keep no more
		if err := os.Chtimes(path, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	write("2026-11-24 closed\n")
	live, err := watchCalendar(base, path, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		do         func()
		next, says string
	}{
		{func() {}, "2026-11-25", ""},
		{func() { write("") }, "2026-11-24", "was read again: it has 0 days"},
		{func() { write("2026-11-24 closed\n2026-11-25 closed\n") }, "2026-11-27", "was read again: it has 2 days"},
		{func() { write("2026-11-24 closed\n2026-11-25 clsed\n") }, "2026-11-27", "is wrong, what it said before holds: line 2: "},
		{func() { _ = os.Remove(path) }, "2026-11-27", "cannot be read, what it said holds"},
		{func() { write("# none\n") }, "2026-11-24", "was read again: it has 0 days"},
	} {
		step.do()
		log.Reset()
		for range 3 {
			if got := live.Next(monday).Date(); got != step.next {
				t.Fatalf("the next session is %s, want %s", got, step.next)
			}
		}
		if lines := strings.Count(log.String(), "\n"); !strings.Contains(log.String(), step.says) || lines > 1 || (lines == 0) != (step.says == "") {
			t.Errorf("it says\n%s, want %q once", log, step.says)
		}
	}
}
