package schedule_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

func utc(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func moment(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339) }

// planOf is a plan of regular hours with cron expressions.
func planOf(t testing.TB, open, close string) *schedule.Plan {
	t.Helper()
	p, err := schedule.NewPlan(ledger.Regular, open, close, schedule.Calendar{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func extended(t testing.TB) *schedule.Plan {
	t.Helper()
	p, err := schedule.NewPlan(ledger.Extended, "", "", schedule.Calendar{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The weeks of both changes of 2026 (8 March and 1 November), of the last spring and
// autumn of the old rule (2 April and 29 October 2006), holidays, an early close, and the
// edges of a session. An offset in the question is not UTC.
func TestNext(t *testing.T) {
	p := planOf(t, "", "")
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

		{"2026-11-25T21:00:00Z", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"}, // Thanksgiving, then 1 PM
		{"2026-11-27T18:00:00Z", "2026-11-30T14:30:00Z", "2026-11-30T21:00:00Z"},
		{"2026-12-31T22:00:00Z", "2027-01-04T14:30:00Z", "2027-01-04T21:00:00Z"},
		{"2027-12-31T20:00:00Z", "2027-12-31T14:30:00Z", "2027-12-31T21:00:00Z"}, // New Year's Day is a Saturday
	} {
		want := ledger.Session{Hours: ledger.Regular, Open: utc(t, c.open).UnixMilli(), Close: utc(t, c.until).UnixMilli()}
		if got := p.Next(utc(t, c.at)); got != want {
			t.Errorf("after %s comes %s to %s, want %s to %s", c.at, moment(got.Open), moment(got.Close), c.open, c.until)
		}
	}
}

// Cron expressions cut the days of the exchange; the zone is New York's unless it is said.
func TestNextByCron(t *testing.T) {
	const friday, monday = "2026-11-20T12:00:00Z", "2026-11-23T12:00:00Z"
	for _, c := range []struct{ open, close, at, opens, closes string }{
		{"30 9 * * MON-FRI", "0 16 * * MON-FRI", friday, "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"},
		{"0 10 * * *", "", friday, "2026-11-20T15:00:00Z", "2026-11-20T21:00:00Z"},
		{"", "45 15 * * *", friday, "2026-11-20T14:30:00Z", "2026-11-20T20:45:00Z"},
		{"0 0 * * MON", "0 0 * * WED", friday, "2026-11-23T14:30:00Z", "2026-11-23T21:00:00Z"},
		{"0 12 * * FRI", "0 12 * * MON", friday, "2026-11-20T17:00:00Z", "2026-11-20T21:00:00Z"},
		{"0 12 * * FRI", "0 12 * * MON", monday, "2026-11-23T14:30:00Z", "2026-11-23T17:00:00Z"},
		{"0,15,30,45 * * * *", "0 16 * * *", friday, "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"}, // many openings, one closing
		{"0 4 * * *", "0 20 * * *", friday, "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"},          // no more than the hours
		{"0 14 * * *", "0 11 * * *", "2026-11-20T17:00:00Z", "2026-11-20T19:00:00Z", "2026-11-20T21:00:00Z"},
		{"0 14 * * *", "0 11 * * *", friday, "2026-11-20T14:30:00Z", "2026-11-20T16:00:00Z"}, // since yesterday
		{"CRON_TZ=UTC 0 15 * * *", "CRON_TZ=Asia/Tokyo 0 4 * * *", friday, "2026-11-20T15:00:00Z", "2026-11-20T19:00:00Z"},
		{"TZ=Europe/London 30 14 * * *", "", "2026-03-16T12:00:00Z", "2026-03-16T14:30:00Z", "2026-03-16T20:00:00Z"}, // New York has summer
		{"@daily", "@hourly", "2026-11-20T12:00:00Z", "2026-11-20T14:30:00Z", "2026-11-20T15:00:00Z"},
		{"0 0 1 * *", "0 12 15 * *", "2026-11-13T12:00:00Z", "2026-11-13T14:30:00Z", "2026-11-13T21:00:00Z"}, // opened twelve days ago
		{"0 0 1 * *", "0 12 15 * *", friday, "2026-12-01T14:30:00Z", "2026-12-01T21:00:00Z"},
		{"30 9 24 12 *", "", friday, "2026-12-24T14:30:00Z", "2026-12-24T18:00:00Z"},
	} {
		if c.open == "@daily" { // closes an hour after midnight, before the market is open
			_, err := schedule.NewPlan(ledger.Regular, c.open, c.close, schedule.Calendar{})
			if !errors.Is(err, schedule.ErrNoSession) {
				t.Errorf("%q to %q: %v", c.open, c.close, err)
			}
			continue
		}
		p := planOf(t, c.open, c.close)
		if got := p.Next(utc(t, c.at)); moment(got.Open) != c.opens || moment(got.Close) != c.closes {
			t.Errorf("%q to %q: after %s comes %s to %s, want %s to %s", c.open, c.close, c.at, moment(got.Open), moment(got.Close), c.opens, c.closes)
		}
	}
}

func TestCronErrors(t *testing.T) {
	for _, text := range []string{"x", "30 9 * *", "30 9 * * MON-FRI *", "60 9 * * *", "CRON_TZ=UTC", "CRON_TZ=Nowhere 30 9 * * *", "@every 1h", "@reboot", "* * 30 2 0-9", "*/0 * * * *"} {
		var wrong *schedule.PlanError
		if _, err := schedule.NewPlan(ledger.Regular, text, "", schedule.Calendar{}); !errors.As(err, &wrong) || !wrong.Open || wrong.Text != text {
			t.Errorf("an opening at %q: %v", text, err)
		}
		if _, err := schedule.NewPlan(ledger.Regular, "", text, schedule.Calendar{}); !errors.As(err, &wrong) || wrong.Open || wrong.Text != text {
			t.Errorf("a closing at %q: %v", text, err)
		}
	}
	for _, c := range [][2]string{{"0 0 31 2 *", ""}, {"0 17 * * *", "0 9 * * *"}, {"30 9 * * SAT", "0 16 * * SAT"}, {"0 12 25 12 *", "0 13 25 12 *"}} {
		if _, err := schedule.NewPlan(ledger.Regular, c[0], c[1], schedule.Calendar{}); !errors.Is(err, schedule.ErrNoSession) {
			t.Errorf("%q to %q: %v", c[0], c[1], err)
		}
	}
}

// Whatever cron's parser is given, panic or not, a plan comes of it that keeps its laws,
// or an error.
func FuzzCron(f *testing.F) {
	for _, text := range []string{"30 9 * * MON-FRI", "CRON_TZ=UTC", "TZ=", "CRON_TZ=Asia/Tokyo 0 4 * * *", "@every 1s", "*/7 */5 1-31/2 JAN-DEC ?", "59/9223372036854775807 * * * *", "0 0 29 2 *"} {
		f.Add(text, "0 16 * * *")
		f.Add("30 9 * * *", text)
	}
	f.Fuzz(func(t *testing.T, open, close string) {
		p, err := schedule.NewPlan(ledger.Regular, open, close, schedule.Calendar{})
		if err != nil {
			return
		}
		for _, text := range []string{"2026-11-20T16:00:00Z", "2026-03-08T12:00:00Z"} {
			at := utc(t, text)
			s := p.Next(at)
			if s.Close <= at.UnixMilli() || s.Close < s.Open {
				t.Fatalf("at %s comes %+v", text, s)
			}
			if again := p.Next(time.UnixMilli(s.Open)); again != s && s.Open != s.Close {
				t.Fatalf("at %s comes %+v, and at its open %+v", text, s, again)
			}
		}
	})
}

// plan is what all plans are.
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
		if s.Open-at.UnixMilli() > 7*24*60*60*1000 { // four days in September 2001, and a weekend
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
	for _, p := range []plan{planOf(t, "", ""), extended(t), planOf(t, "CRON_TZ=Asia/Tokyo 0 1 * * *", "45 11 * * *"), schedule.EveryDay{}} {
		for range fewer(600) {
			checkNext(t, p, begin.Add(time.Duration(r.Int64N(int64(end.Sub(begin))))))
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, text := range []string{"2026-03-08T07:00:00Z", "2026-11-01T05:59:59.999999999Z", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9998-12-01T23:59:59Z", "1883-11-18T17:00:00Z"} {
		at := utc(f, text)
		f.Add(at.Unix(), int64(at.Nanosecond()))
	}
	p, late := planOf(f, "", ""), extended(f)
	f.Fuzz(func(t *testing.T, seconds, nanos int64) {
		const years = 9_000 * 366 * 24 * 60 * 60
		at := time.Unix(seconds%years, nanos%1e9)
		checkNext(t, p, at)
		checkNext(t, late, at)
		checkNext(t, schedule.EveryDay{}, at)
	})
}

func BenchmarkNext(b *testing.B) {
	p := planOf(b, "", "")
	at := utc(b, "2026-11-25T22:00:00Z") // the eve of a holiday
	for b.Loop() {
		p.Next(at)
	}
}

// What any two expressions give is what a person would say who looks at each minute: it is
// open from an opening until the next closing, as far as the exchange is.
func TestCronAgainstMinutes(t *testing.T) {
	r := seeded(t)
	whole := planOf(t, "", "")
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	for range fewer(60) {
		fields := func() string {
			return pick("0", "15", "30", "*/20", "7,50") + " " + pick("*", "9", "10-12", "16", "9,13,15", "*/5", "0") + " * * " + pick("*", "MON", "TUE-FRI", "WED,SUN")
		}
		open, close := fields(), fields()
		p, err := schedule.NewPlan(ledger.Regular, open, close, schedule.Calendar{})
		if errors.Is(err, schedule.ErrNoSession) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		opens, closes := minutes(t, open), minutes(t, close)
		state, ours, theirs := false, []ledger.Session(nil), []ledger.Session(nil)
		begin := inNewYork(t, "2026-10-12 00:00:00")
		for at := begin; at.Before(begin.AddDate(0, 0, 28)); at = at.Add(time.Minute) {
			local := at.In(schedule.NewYork())
			state = state && !closes(local) || opens(local)
			if at.Before(begin.AddDate(0, 0, 8)) {
				continue // until a week has passed it does not know what came before
			}
			if local.Hour()+local.Minute() == 0 {
				ours, theirs = p.Sessions(schedule.DateIn(at)), whole.Sessions(schedule.DateIn(at))
			}
			contains := func(s ledger.Session) bool { return s.Contains(at.UnixMilli()) }
			want := state && slices.ContainsFunc(theirs, contains)
			if got := slices.ContainsFunc(ours, contains); got != want {
				t.Fatalf("%q to %q: at %s it is open: %v", open, close, local, got)
			}
		}
	}
}

// minutes says of each minute whether an expression names it.
func minutes(t *testing.T, text string) func(time.Time) bool {
	s, err := cron.ParseStandard(text)
	if err != nil {
		t.Fatal(err)
	}
	spec := s.(*cron.SpecSchedule)
	return func(at time.Time) bool {
		return spec.Minute&(1<<at.Minute()) != 0 && spec.Hour&(1<<at.Hour()) != 0 && spec.Dow&(1<<at.Weekday()) != 0
	}
}
