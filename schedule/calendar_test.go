package schedule_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

func date(t testing.TB, text string) schedule.Date {
	t.Helper()
	d, err := schedule.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// published reads a list of days of other systems, by date.
func published(t *testing.T, name string) map[string][]string {
	t.Helper()
	file, err := os.Open(filepath.Join("../../shared/data/calendar", name))
	if os.IsNotExist(err) {
		t.Skipf("without ../shared/data there is nothing to compare with: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	days := map[string][]string{}
	for _, row := range rows[1:] {
		days[row[0]] = row
	}
	return days
}

// From 2024 to 2028 each weekday is closed, early or open as five other sources say, and
// so are the hours of the early ones.
func TestPublishedDays(t *testing.T) {
	closed, early := published(t, "nyse_nonsession_weekdays_2024_2028.csv"), published(t, "nyse_early_closes_2024_2028.csv")
	if len(closed) != 50 || len(early) != 11 {
		t.Fatalf("the lists have %d and %d days", len(closed), len(early))
	}
	var c schedule.Calendar
	for d := date(t, "2024-01-01"); d.Year <= 2028; d = d.AddDays(1) {
		if d.Weekend() {
			continue
		}
		want := schedule.Open
		if closed[d.String()] != nil {
			want = schedule.Closed
		}
		if early[d.String()] != nil {
			want = schedule.Early
		}
		day := c.Day(d)
		if day.Status != want || (day.Name == "") != (want == schedule.Open) {
			t.Errorf("%s is %s (%s), want %s", d, day.Status, day.Name, want)
		}
		if row := early[d.String()]; row != nil {
			regular, _ := day.Session(ledger.Regular)
			late, _ := day.Session(ledger.Extended)
			local := time.UnixMilli(late.Close).In(schedule.NewYork()).Format("15:04")
			if moment(regular.Close) != row[3] || local != row[4] {
				t.Errorf("%s closes at %s and its late session at %s, want %s and %s", d, moment(regular.Close), local, row[3], row[4])
			}
		}
	}
}

// What the exchange did outside its rules, and where its rules changed.
func TestHistoricDays(t *testing.T) {
	const (
		special = "NYSE, Special Closings (nyse.com/publicdocs)"
		rule    = "NYSE Rule 7.2 and nyse.com, Holidays & Trading Hours"
	)
	for _, c := range []struct{ date, status, name, source string }{
		{"2001-09-10", "open", "", special},
		{"2001-09-11", "closed", "September 11 attacks", special},
		{"2001-09-12", "closed", "September 11 attacks", special},
		{"2001-09-13", "closed", "September 11 attacks", special},
		{"2001-09-14", "closed", "September 11 attacks", special},
		{"2001-09-17", "open", "", special + ": a moment of silence until 9:33"},
		{"2002-09-11", "open", "Anniversary of the September 11 attacks", special},
		{"2003-12-26", "early", "Day after Christmas", special},
		{"2004-06-07", "open", "", special + ": a moment of silence until 9:32"},
		{"2004-06-11", "closed", "Day of mourning for Ronald Reagan", special},
		{"2005-06-01", "early", "Communication failure", special},
		{"2007-01-02", "closed", "Day of mourning for Gerald Ford", special},
		{"2012-10-29", "closed", "Hurricane Sandy", special},
		{"2012-10-30", "closed", "Hurricane Sandy", special},
		{"2015-07-08", "open", "", "NYSE: trading was halted from 11:32 to 15:10, the session was not"},
		{"2018-12-05", "closed", "Day of mourning for George H. W. Bush", "NYSE Group, 1 December 2018"},
		{"2020-03-16", "open", "", "a circuit breaker is no close"},
		{"2025-01-09", "closed", "Day of mourning for Jimmy Carter", "NYSE Group, 30 December 2024"},

		// Juneteenth since 2022.
		{"2020-06-19", "open", "", rule},
		{"2021-06-18", "open", "", "NYSE: not kept in 2021"},
		{"2022-06-20", "closed", "Juneteenth", rule},
		{"2023-06-19", "closed", "Juneteenth", rule},
		{"2027-06-18", "closed", "Juneteenth", rule},

		// The eve of 4 July, and the day after: one that falls on a Thursday had a short
		// Friday before 2013, and has a short Wednesday since.
		{"2000-07-03", "early", "Day before Independence Day", rule},
		{"2001-07-03", "early", "Day before Independence Day", rule},
		{"2002-07-03", "open", "", special},
		{"2002-07-05", "early", "Day after Independence Day", special},
		{"2003-07-03", "early", "Day before Independence Day", rule},
		{"2004-07-05", "closed", "Independence Day", rule},
		{"2004-07-02", "open", "", rule},
		{"2008-07-03", "early", "Day before Independence Day", rule},
		{"2009-07-03", "closed", "Independence Day", rule},
		{"2009-07-02", "open", "", rule},
		{"2013-07-03", "early", "Day before Independence Day", rule},
		{"2013-07-05", "open", "", rule},
		{"2019-07-03", "early", "Day before Independence Day", rule},
		{"2024-07-05", "open", "", rule},
		{"2026-07-02", "open", "", rule},
		{"2026-07-03", "closed", "Independence Day", rule},
		{"2030-07-03", "early", "Day before Independence Day", rule},
		{"2030-07-05", "open", "", rule},

		// New Year's Day on a Saturday is not kept; on a Sunday on Monday.
		{"2004-12-31", "open", "", rule},
		{"2006-01-02", "closed", "New Year's Day", rule},
		{"2010-12-31", "open", "", rule},
		{"2017-01-02", "closed", "New Year's Day", rule},
		{"2021-12-31", "open", "", rule},
		{"2027-12-31", "open", "", rule},

		// Christmas Eve, also where the 25th is kept on the 24th.
		{"2001-12-24", "early", "Christmas Eve", rule},
		{"2004-12-24", "closed", "Christmas Day", rule},
		{"2005-12-26", "closed", "Christmas Day", rule},
		{"2005-12-23", "open", "", rule},
		{"2010-12-24", "closed", "Christmas Day", rule},
		{"2010-12-23", "open", "", rule},
		{"2012-12-24", "early", "Christmas Eve", rule},
		{"2021-12-24", "closed", "Christmas Day", rule},
		{"2027-12-24", "closed", "Christmas Day", rule},

		{"2000-04-21", "closed", "Good Friday", rule},
		{"2008-03-21", "closed", "Good Friday", rule},
		{"2011-04-22", "closed", "Good Friday", rule},
		{"2001-11-23", "early", "Day after Thanksgiving", rule},
		{"2000-05-29", "closed", "Memorial Day", rule},
		{"2010-05-31", "closed", "Memorial Day", rule},
		{"2000-01-17", "closed", "Martin Luther King Jr. Day", rule},
		{"2014-02-17", "closed", "Washington's Birthday", rule},
		{"2015-09-07", "closed", "Labor Day", rule},
	} {
		day := schedule.Calendar{}.Day(date(t, c.date))
		if string(day.Status) != c.status || day.Name != c.name {
			t.Errorf("%s is %s (%s), want %s (%s) by %s", c.date, day.Status, day.Name, c.status, c.name, c.source)
		}
	}
}

// The early closes of every year to 2023, by rule and otherwise (NYSE, Special Closings,
// and its yearly announcements of trading hours).
func TestHistoricEarlyCloses(t *testing.T) {
	want := strings.Fields(`2000-07-03 2000-11-24 2001-07-03 2001-11-23 2001-12-24 2002-07-05 2002-11-29 2002-12-24
		2003-07-03 2003-11-28 2003-12-24 2003-12-26 2004-11-26 2005-06-01 2005-11-25 2006-07-03 2006-11-24 2007-07-03
		2007-11-23 2007-12-24 2008-07-03 2008-11-28 2008-12-24 2009-11-27 2009-12-24 2010-11-26 2011-11-25 2012-07-03
		2012-11-23 2012-12-24 2013-07-03 2013-11-29 2013-12-24 2014-07-03 2014-11-28 2014-12-24 2015-11-27 2015-12-24
		2016-11-25 2017-07-03 2017-11-24 2018-07-03 2018-11-23 2018-12-24 2019-07-03 2019-11-29 2019-12-24 2020-11-27
		2020-12-24 2021-11-26 2022-11-25 2023-07-03 2023-11-24`)
	var got []string
	for d := schedule.CalendarFrom; d.Year <= 2023; d = d.AddDays(1) {
		if (schedule.Calendar{}).Day(d).Status == schedule.Early {
			got = append(got, d.String())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("early closes are %q, want %q", got, want)
	}
}

// odd are the sessions that are neither 6.5 nor 3.5 hours long.
var odd = map[string][2]string{
	"2002-09-11": {"12:00", "16:00"},
	"2005-06-01": {"09:30", "15:56"},
}

// From 2000 to 2030 no session is on a weekend, all are in order, and each is 6.5 hours
// long or 3.5 but for two. The extended one begins at 4 AM, and ends four hours after.
func TestAllSessions(t *testing.T) {
	regular, late := planOf(t, "", ""), extended(t)
	lengths := map[float64]int{}
	s := regular.Next(schedule.CalendarFrom.At(0))
	for {
		open, until := time.UnixMilli(s.Open).In(schedule.NewYork()), time.UnixMilli(s.Close).In(schedule.NewYork())
		d := schedule.DateIn(open)
		if d.Year > 2030 {
			break
		}
		hours := until.Sub(open).Hours()
		lengths[hours]++
		if d.Weekend() || s.Hours != ledger.Regular || s.Stated || s.Date() != d.String() || schedule.DateIn(until) != d {
			t.Fatalf("a session on %s: %+v", d.Weekday(), s)
		}
		want := [2]string{"09:30", "16:00"}
		if hours == 3.5 {
			want[1] = "13:00"
		}
		if other, ok := odd[s.Date()]; ok {
			want = other
		}
		if got := [2]string{open.Format("15:04"), until.Format("15:04")}; got != want {
			t.Fatalf("%s is from %s to %s, want %s", d, got[0], got[1], want)
		}
		around := late.Next(open)
		if around.Hours != ledger.Extended || around.Close-s.Close != 4*3600_000 || time.UnixMilli(around.Open).In(schedule.NewYork()).Format("15:04") != "04:00" || around.Date() != s.Date() {
			t.Fatalf("%s is extended to %s until %s", d, moment(around.Open), moment(around.Close))
		}
		if !testing.Short() {
			checkEdges(t, late, around)
		}
		s = checkEdges(t, regular, s)
	}
	want := map[float64]int{6.5: 7723, 3.5: 69, 4: 1, 6 + 26./60: 1}
	total := 0
	for hours, n := range lengths {
		total += n
		if want[hours] != n {
			t.Errorf("%d sessions of %.3f hours, want %d", n, hours, want[hours])
		}
	}
	if total != 7794 {
		t.Errorf("%d sessions", total)
	}
}

// In the weeks around every change of the clocks the open in UTC is that of the offset
// that the law gives: the second Sunday of March to the first of November since 2007, the
// first of April to the last of October before (15 U.S.C. 260a).
func TestDaylightSaving(t *testing.T) {
	sunday := func(year int, month time.Month, day int) schedule.Date { // the first on or after
		d := schedule.Date{Year: year, Month: month, Day: day}
		for d.Weekday() != time.Sunday {
			d = d.AddDays(1)
		}
		return d
	}
	p := planOf(t, "", "")
	weeks := 0
	for year := 2000; year <= 2030; year++ {
		spring, autumn := sunday(year, time.March, 8), sunday(year, time.November, 1)
		if year < 2007 {
			spring, autumn = sunday(year, time.April, 1), sunday(year, time.October, 25)
		}
		for _, change := range []schedule.Date{spring, autumn} {
			weeks++
			for n := -7; n <= 7; n++ {
				d := change.AddDays(n)
				summer := !d.Before(spring) && d.Before(autumn)
				for _, s := range p.Sessions(d) {
					want := "14:30"
					if summer {
						want = "13:30"
					}
					if got := time.UnixMilli(s.Open).UTC().Format("15:04"); got != want {
						t.Errorf("%s opens at %s UTC, want %s", d, got, want)
					}
				}
			}
		}
	}
	if weeks != 62 {
		t.Errorf("%d changes", weeks)
	}
}

// Every closed weekday and every early close has a name.
func TestNames(t *testing.T) {
	closed := 0
	for d := schedule.CalendarFrom; !schedule.CalendarUntil.Before(d); d = d.AddDays(1) {
		day := schedule.Calendar{}.Day(d)
		if d.Weekend() {
			if day.Status != schedule.Closed || day.Name != "" || schedule.WhyClosed(day) != "Weekend" {
				t.Errorf("%s is %+v", d, day)
			}
			continue
		}
		if day.Status != schedule.Open && day.Name == "" {
			t.Errorf("%s is %s and has no name", d, day.Status)
		}
		if day.Status == schedule.Closed {
			closed++
		}
	}
	if closed != 293 { // 8,087 weekdays less 7,794 sessions
		t.Errorf("%d closed weekdays", closed)
	}
}
