package ledger_test

import (
	"testing"
	"time"

	"tapedeck/collector/ledger"
)

// The UTC day of any instant contains it, begins at midnight and lasts 24 hours.
func TestDay(t *testing.T) {
	r := seeded(t)
	const day = 86_400_000
	instants := []int64{0, -1, 1, day, day - 1, -day, -day - 1, -day + 1}
	for range 10_000 {
		instants = append(instants, r.Int64N(8e15)-4e15)
	}
	for _, at := range instants {
		s := ledger.Day(at)
		if !s.Contains(at) || s.Close-s.Open != day || s.Seconds() != 86_400 || s.Hours != ledger.WholeDay || s.Stated {
			t.Fatalf("Day(%d) = %+v", at, s)
		}
		if midnight := time.UnixMilli(at).UTC().Truncate(24 * time.Hour).UnixMilli(); s.Open != midnight {
			t.Fatalf("Day(%d) opens at %d, midnight is %d", at, s.Open, midnight)
		}
		if date := time.UnixMilli(at).UTC().Format(time.DateOnly); s.Date() != date {
			t.Fatalf("Day(%d) is called %s, want %s", at, s.Date(), date)
		}
		if ledger.Day(s.Open) != s || ledger.Day(s.Close-1) != s || ledger.Day(s.Close).Open != s.Close || ledger.Day(s.Open-1).Close != s.Open {
			t.Fatalf("the days beside Day(%d) do not touch it", at)
		}
	}
}

func TestSessionContains(t *testing.T) {
	open := time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC)
	s := ledger.Session{Hours: ledger.Regular, Open: open.UnixMilli(), Close: open.Add(6*time.Hour + 30*time.Minute).UnixMilli()}
	for at, want := range map[int64]bool{s.Open - 1: false, s.Open: true, s.Close - 1: true, s.Close: false} {
		if got := s.Contains(at); got != want {
			t.Errorf("Contains(open%+d ms) = %v", at-s.Open, got)
		}
	}
	if s.Date() != "2026-11-20" || s.Seconds() != 23_400 {
		t.Errorf("%s of %d s", s.Date(), s.Seconds())
	}
	// The pre-market opens at 09:00 UTC in winter and 08:00 in summer, on New York's date.
	s.Open = time.Date(2026, 7, 6, 8, 0, 0, 0, time.UTC).UnixMilli()
	if s.Date() != "2026-07-06" {
		t.Errorf("the pre-market of 2026-07-06 is called %s", s.Date())
	}
}

func TestHoursString(t *testing.T) {
	for h, want := range map[ledger.Hours]string{ledger.Regular: "regular", ledger.Extended: "extended",
		ledger.WholeDay: "day", 0: "hours 0", 9: "hours 9"} {
		if got := h.String(); got != want {
			t.Errorf("hours %d are called %q, want %q", uint8(h), got, want)
		}
	}
}
