package schedule_test

import (
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// From 2000 to 2030 each UTC day is a session, and they touch.
func TestEveryDay(t *testing.T) {
	days := 0
	s := schedule.EveryDay{}.Next(utc(t, "2000-01-01T00:00:00Z"))
	for day := utc(t, "2000-01-01T00:00:00Z"); day.Year() <= 2030; day = day.AddDate(0, 0, 1) {
		want := ledger.Session{Hours: ledger.WholeDay, Open: day.UnixMilli(), Close: day.Add(24 * time.Hour).UnixMilli()}
		if s != want {
			t.Fatalf("the session of %s is %+v, want %+v", day.Format(time.DateOnly), s, want)
		}
		next := checkEdges(t, schedule.EveryDay{}, s)
		if next.Open != s.Close {
			t.Fatalf("%+v and %+v do not touch", s, next)
		}
		s = next
		days++
	}
	if days != 11_323 {
		t.Errorf("%d days", days)
	}
}
