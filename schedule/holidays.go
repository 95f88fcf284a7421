package schedule

import "time"

// holiday is one that the exchange keeps, and when in a year; false in a year without.
type holiday struct {
	name string
	in   func(year int) (Date, bool)
}

// The holidays are those of NYSE Rule 7.2, with the dates of nyse.com, "Holidays &
// Trading Hours": one on a Saturday is kept on the Friday before, one on a Sunday on the
// Monday after; but the Friday is a session when an accounting period ends with it, which
// 31 December does.
var holidays = []holiday{
	{"New Year's Day", func(y int) (Date, bool) {
		d := Date{y, time.January, 1}
		return kept(d), d.Weekday() != time.Saturday
	}},
	{"Martin Luther King Jr. Day", always(nth(3, time.Monday, time.January))},
	{"Washington's Birthday", always(nth(3, time.Monday, time.February))},
	{"Good Friday", func(y int) (Date, bool) { return easter(y).AddDays(-2), true }},
	{"Memorial Day", func(y int) (Date, bool) { return nth(1, time.Monday, time.June)(y).AddDays(-7), true }},
	{"Juneteenth", func(y int) (Date, bool) { return kept(Date{y, time.June, 19}), y >= 2022 }},
	{"Independence Day", func(y int) (Date, bool) { return kept(Date{y, time.July, 4}), true }},
	{"Labor Day", always(nth(1, time.Monday, time.September))},
	{"Thanksgiving Day", always(nth(4, time.Thursday, time.November))},
	{"Christmas Day", func(y int) (Date, bool) { return kept(Date{y, time.December, 25}), true }},
}

func always(in func(year int) Date) func(int) (Date, bool) {
	return func(year int) (Date, bool) { return in(year), true }
}

// kept is the weekday on which a holiday of a fixed date is kept.
func kept(d Date) Date {
	switch d.Weekday() {
	case time.Saturday:
		return d.AddDays(-1)
	case time.Sunday:
		return d.AddDays(1)
	}
	return d
}

// nth is the n-th such weekday of the month.
func nth(n int, day time.Weekday, month time.Month) func(year int) Date {
	return func(year int) Date {
		first := Date{year, month, 1}
		return first.AddDays((int(day-first.Weekday())+7)%7 + 7*(n-1))
	}
}

// easter is Easter Sunday by the anonymous Gregorian algorithm, as in Meeus,
// "Astronomical Algorithms", chapter 8.
func easter(year int) Date {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return Date{year, time.Month(n / 31), n%31 + 1}
}

// holidayOn is the name of the holiday kept on d, "" on other days.
func holidayOn(d Date) string {
	for _, h := range holidays {
		if on, ok := h.in(d.Year); ok && on == d {
			return h.name
		}
	}
	return ""
}

// earlyOn is the name of the day when it is one that closes at 13:00 by rule, "" on
// other days. It is asked of weekdays that are no holiday.
func earlyOn(d Date) string {
	switch {
	case d == nth(4, time.Thursday, time.November)(d.Year).AddDays(1):
		return "Day after Thanksgiving"
	case d.Month == time.December && d.Day == 24:
		return "Christmas Eve"
	case d.Month == time.July && d.Day == 3 && (d.Weekday() != time.Wednesday || d.Year >= 2013):
		return "Day before Independence Day"
	case d.Month == time.July && d.Day == 5 && d.Weekday() == time.Friday && d.Year < 2013:
		return "Day after Independence Day"
	}
	return ""
}
