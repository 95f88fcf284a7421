package schedule_test

import (
	"strings"
	"testing"
	"time"

	"tapedeck/schedule"
)

// inNewYork reads a time on New York's clocks.
func inNewYork(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, schedule.NewYork())
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC() // as the clocks of machines are
}

func TestStatus(t *testing.T) {
	days, err := schedule.ParseOverrides("2026-12-01 closed\n2026-12-05 open")
	if err != nil {
		t.Fatal(err)
	}
	p := planOf(t, "", "").With(schedule.Calendar{Overrides: days})
	for at, want := range map[string]string{
		"2025-12-11 08:45:00": "CLOSED (Before market open (9:30 AM New York))",
		"2025-12-11 00:00:00": "CLOSED (Before market open (9:30 AM New York))",
		"2025-12-11 09:29:59": "CLOSED (Before market open (9:30 AM New York))",
		"2025-12-11 09:30:00": "OPEN (until 4:00 PM New York)",
		"2025-12-11 15:59:59": "OPEN (until 4:00 PM New York)",
		"2025-12-11 16:00:00": "CLOSED (After market close (4:00 PM New York))",
		"2025-12-13 12:00:00": "CLOSED (Weekend)",
		"2026-11-26 12:00:00": "CLOSED (Thanksgiving Day)",
		"2026-11-27 12:00:00": "OPEN (until 1:00 PM New York, Day after Thanksgiving)",
		"2026-11-27 13:00:00": "CLOSED (After market close (1:00 PM New York, Day after Thanksgiving))",
		"2026-12-01 12:00:00": "CLOSED (Closed by the calendar file)",
		"2026-12-05 12:00:00": "OPEN (until 4:00 PM New York)",
	} {
		if got := p.Status(inNewYork(t, at)); got != want {
			t.Errorf("at %s it is %s, want %s", at, got, want)
		}
	}
	if got := extended(t).Status(inNewYork(t, "2025-12-11 03:00:00")); got != "CLOSED (Before market open (4:00 AM New York))" {
		t.Error(got)
	}
	if got := planOf(t, "0 10 * * MON-WED", "0 15 * * MON-WED").Status(inNewYork(t, "2025-12-11 12:00:00")); got != "CLOSED (No day of the cron expressions)" {
		t.Error(got)
	}
	if got := planOf(t, "0 10,14 * * *", "0 12,15 * * *").Status(inNewYork(t, "2025-12-11 13:00:00")); got != "CLOSED (Between two sessions, until 2:00 PM New York)" {
		t.Error(got)
	}
}

func TestWords(t *testing.T) {
	p := planOf(t, "", "")
	for _, c := range []struct{ at, connect, next, ahead string }{
		{"2025-12-11 08:45:00", "Will connect at market open: 09:30:00 AM (45 minutes; dialling from 09:29:00)",
			"Next session: Thu Dec 11 09:30:00 AM EST (45 minutes)", ""},
		{"2026-11-22 20:18:00", "Will connect at market open: Mon Nov 23 09:30:00 AM (13 h 12 min; dialling from 09:29:00)",
			"Next session: Mon Nov 23 09:30:00 AM EST (13 h 12 min)",
			"Thu Nov 26 closed (Thanksgiving Day), Fri Nov 27 closes at 1:00 PM (Day after Thanksgiving)"},
		{"2026-11-25 16:00:00", "Will connect at market open: Fri Nov 27 09:30:00 AM (41 h 30 min; dialling from 09:29:00)",
			"Next session: Fri Nov 27 09:30:00 AM EST (41 h 30 min)",
			"Thu Nov 26 closed (Thanksgiving Day), Fri Nov 27 closes at 1:00 PM (Day after Thanksgiving)"},
		{"2026-07-02 16:00:01", "Will connect at market open: Mon Jul 6 09:30:00 AM (3 d 17 h; dialling from 09:29:00)",
			"Next session: Mon Jul 6 09:30:00 AM EDT (3 d 17 h)", "Fri Jul 3 closed (Independence Day)"},
		{"2026-07-06 09:29:20", "Will connect at market open: 09:30:00 AM (40 seconds; dialling from 09:29:00)",
			"Next session: Mon Jul 6 09:30:00 AM EDT (40 seconds)", ""},
	} {
		at := inNewYork(t, c.at)
		s := p.Next(at)
		if got := schedule.WillConnect(at, s, time.Minute); got != c.connect {
			t.Errorf("at %s: %s, want %s", c.at, got, c.connect)
		}
		if got := schedule.NextSession(at, s); got != c.next {
			t.Errorf("at %s: %s, want %s", c.at, got, c.next)
		}
		if got := p.Ahead(at); got != c.ahead {
			t.Errorf("at %s: %s, want %s", c.at, got, c.ahead)
		}
	}
	for d, want := range map[time.Duration]string{-1: "0 seconds", time.Second: "1 second", 59 * time.Second: "59 seconds", time.Minute: "1 minute",
		90 * time.Second: "2 minutes", 59*time.Minute + 31*time.Second: "1 h 0 min", 48 * time.Hour: "2 d 0 h"} {
		if got := schedule.Span(d); got != want {
			t.Errorf("%s is %s, want %s", d, got, want)
		}
	}
}

func TestEnds(t *testing.T) {
	for at, want := range map[string]string{"2026-11-23 00:00:00": "", "2030-10-31 00:00:00": "", "2030-11-02 12:00:00": "in 58 days", "2031-01-05 00:00:00": "ended on 2030-12-31"} {
		got, soon := schedule.Ends(inNewYork(t, at))
		if soon != (want != "") || !strings.Contains(got, want) {
			t.Errorf("at %s: %q, want %q", at, got, want)
		}
	}
}
