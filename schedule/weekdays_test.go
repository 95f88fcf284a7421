package schedule_test

import (
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

func newYork(t testing.TB) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func utc(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The weeks of both changes of 2026 (8 March and 1 November), of the last spring and
// autumn of the old rule (2 April and 29 October 2006), and the edges of a session.
// An offset in the question is not UTC.
func TestWeekdaysNext(t *testing.T) {
	w := schedule.Weekdays{}
	for _, c := range []struct{ at, open, until string }{
		{"2026-03-06T14:30:00Z", "2026-03-06T14:30:00Z", "2026-03-06T21:00:00Z"},
		{"2026-03-06T21:00:00Z", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"},
		{"2026-03-08T06:59:59Z", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"},
		{"2026-03-08T07:00:00Z", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"},
		{"2026-03-10T12:00:00Z", "2026-03-10T13:30:00Z", "2026-03-10T20:00:00Z"},
		{"2026-10-30T20:00:00Z", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z"},
		{"2026-10-30T19:59:59Z", "2026-10-30T13:30:00Z", "2026-10-30T20:00:00Z"},
		{"2026-11-01T05:30:00Z", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z"},
		{"2026-11-01T06:30:00Z", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z"},
		{"2006-03-31T21:00:00Z", "2006-04-03T13:30:00Z", "2006-04-03T20:00:00Z"},
		{"2006-10-27T20:00:00Z", "2006-10-30T14:30:00Z", "2006-10-30T21:00:00Z"},

		{"2026-11-20T14:29:59.999999999Z", "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"},
		{"2026-11-20T20:59:59.999999999Z", "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"},
		{"2026-11-20T21:00:00Z", "2026-11-23T14:30:00Z", "2026-11-23T21:00:00Z"},
		{"2026-11-20T16:00:00+09:00", "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"},
		{"2026-11-21T07:00:00+09:00", "2026-11-23T14:30:00Z", "2026-11-23T21:00:00Z"},
		{"2026-11-24T03:00:00Z", "2026-11-24T14:30:00Z", "2026-11-24T21:00:00Z"}, // still Monday in New York
		{"2026-12-31T22:00:00Z", "2027-01-01T14:30:00Z", "2027-01-01T21:00:00Z"}, // no holidays yet
	} {
		want := ledger.Session{Hours: ledger.Regular, Open: utc(t, c.open).UnixMilli(), Close: utc(t, c.until).UnixMilli()}
		if got := w.Next(utc(t, c.at)); got != want {
			t.Errorf("after %s comes %s to %s, want %s to %s", c.at, moment(got.Open), moment(got.Close), c.open, c.until)
		}
	}
}

func moment(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }

// From 2000 to 2030 there is one session each weekday, in order, of 6.5 hours from
// 09:30 in New York.
func TestWeekdaysAll(t *testing.T) {
	w, zone := schedule.Weekdays{}, newYork(t)
	day := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)
	session := w.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, zone))
	sessions := 0
	for ; day.Year() <= 2030; day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			continue
		}
		sessions++
		open := time.UnixMilli(session.Open).In(zone)
		if date := day.Format(time.DateOnly); open.Format("2006-01-02 15:04:05.000") != date+" 09:30:00.000" || session.Date() != date {
			t.Fatalf("the session of %s opens at %s and is called %s", date, open, session.Date())
		}
		if session.Close-session.Open != 6.5*60*60*1000 || session.Hours != ledger.Regular || session.Stated {
			t.Fatalf("the session of %s is %+v", session.Date(), session)
		}
		session = checkEdges(t, w, session)
	}
	if sessions != 8087 { // 11,323 days less 1,618 Saturdays and as many Sundays
		t.Errorf("%d sessions", sessions)
	}
}

// plan is what both plans are.
type plan interface {
	Next(time.Time) ledger.Session
}

// checkEdges asks at the edges of a session and returns the one after it.
func checkEdges(t *testing.T, p plan, s ledger.Session) ledger.Session {
	t.Helper()
	for _, at := range []int64{s.Open, s.Open + 1, (s.Open + s.Close) / 2, s.Close - 1} {
		if got := p.Next(time.UnixMilli(at)); got != s {
			t.Fatalf("at %s, within the session of %s, comes %+v", moment(at), s.Date(), got)
		}
	}
	if got := p.Next(time.UnixMilli(s.Close).Add(-1)); got != s {
		t.Fatalf("a nanosecond before the close of %s comes %+v", s.Date(), got)
	}
	next := p.Next(time.UnixMilli(s.Close))
	if next.Open < s.Close || next.Close <= next.Open {
		t.Fatalf("after %+v comes %+v", s, next)
	}
	if got := p.Next(time.UnixMilli(next.Open - 1)); got.Open > s.Close && got != next || got.Open < s.Open {
		t.Fatalf("just before %+v comes %+v", next, got)
	}
	return next
}

// Any instant is in the session that it is given, or before it and after all others:
// a plan never goes back, and stands still until its session has ended.
func checkNext(t *testing.T, p plan, at time.Time) {
	t.Helper()
	s := p.Next(at)
	if s.Close <= at.UnixMilli() || s.Open >= s.Close {
		t.Fatalf("at %s comes %+v, which is over", at, s)
	}
	if s.Open > at.UnixMilli() { // closed: nothing may lie between
		if before := p.Next(time.UnixMilli(s.Open - 1)); before.Open < s.Open && before.Close > at.UnixMilli() {
			t.Fatalf("at %s comes %+v and not %+v", at, s, before)
		}
		if s.Open-at.UnixMilli() > 4*24*60*60*1000 {
			t.Fatalf("at %s the next session is %+v", at, s)
		}
	}
	if again := p.Next(time.UnixMilli(max(s.Open, at.UnixMilli()))); again != s {
		t.Fatalf("at %s comes %+v, and at its open %+v", at, s, again)
	}
	if zoned := p.Next(at.In(time.FixedZone("Tokyo", 9*60*60))); zoned != s {
		t.Fatalf("at %s comes %+v, and in Tokyo %+v", at, s, zoned)
	}
	checkEdges(t, p, s)
}

func TestNextAnywhere(t *testing.T) {
	r := seeded(t)
	begin, end := utc(t, "2000-01-01T00:00:00Z"), utc(t, "2031-01-01T00:00:00Z")
	for _, p := range []plan{schedule.Weekdays{}, schedule.EveryDay{}} {
		for range 10_000 {
			checkNext(t, p, begin.Add(time.Duration(r.Int64N(int64(end.Sub(begin))))))
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, text := range []string{"2026-03-08T07:00:00Z", "2026-11-01T05:59:59.999999999Z", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1883-11-18T17:00:00Z"} {
		at := utc(f, text)
		f.Add(at.Unix(), int64(at.Nanosecond()))
	}
	w := schedule.Weekdays{}
	f.Fuzz(func(t *testing.T, seconds, nanos int64) {
		const years = 10_000 * 366 * 24 * 60 * 60
		at := time.Unix(seconds%years, nanos%1e9)
		checkNext(t, w, at)
		checkNext(t, schedule.EveryDay{}, at)
	})
}
