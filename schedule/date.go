package schedule

import (
	"fmt"
	"time"
)

// Date is a day of the Gregorian calendar, in New York unless it says otherwise. Made
// by hand it may be out of range, such as 32 January: DateIn and AddDays never are.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateIn is the date in New York at t.
func DateIn(t time.Time) Date {
	y, m, d := t.In(newYork).Date()
	return Date{y, m, d}
}

// ParseDate reads 2026-11-20.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%q is no date; right is for example 2026-11-20", text)
	}
	return Date{t.Year(), t.Month(), t.Day()}, nil
}

// String is 2026-11-20.
func (d Date) String() string { return d.utc().Format(time.DateOnly) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Weekend says whether d is a Saturday or a Sunday.
func (d Date) Weekend() bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }

// AddDays is the date n days later.
func (d Date) AddDays(n int) Date {
	t := d.utc().AddDate(0, 0, n)
	return Date{t.Year(), t.Month(), t.Day()}
}

// Before says whether d is earlier than other.
func (d Date) Before(other Date) bool { return d.utc().Before(other.utc()) }

// At is the moment in New York's time of day. In the hour that spring skips it is an
// hour later, in the one that autumn repeats the first; no session begins or ends there.
func (d Date) At(c TimeOfDay) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, int(c), 0, 0, newYork)
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// TimeOfDay is minutes since midnight on the clocks of New York.
type TimeOfDay int

// clock is a time of day: hour and minute.
func clock(hour, minute int) TimeOfDay { return TimeOfDay(60*hour + minute) }

// String is 9:30 AM.
func (c TimeOfDay) String() string {
	return time.Date(2000, 1, 1, 0, int(c), 0, 0, time.UTC).Format("3:04 PM")
}

// parseTimeOfDay reads 13:00.
func parseTimeOfDay(text string) (TimeOfDay, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day; right is for example 13:00", text)
	}
	return clock(t.Hour(), t.Minute()), nil
}
