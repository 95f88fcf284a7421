package playback

import (
	"sync"
	"time"
	_ "time/tzdata" // New York must be known on a machine without zone files
)

// newYork is the time zone of the market. It cannot fail: the zone is built in.
var newYork = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic("playback: the built-in time zones lack New York: " + err.Error())
	}
	return zone
})

// closingTime is a moment in the last ten seconds of the regular session before
// the New York day of t: 15:59:5x on the weekday before. Holidays are not known
// here. which spreads the symbols over the ten seconds.
func closingTime(t int64, which int) int64 {
	day := time.UnixMilli(t).In(newYork()).AddDate(0, 0, -1)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, -1)
	}
	last := time.Date(day.Year(), day.Month(), day.Day(), 15, 59, 50, 0, newYork())
	return last.UnixMilli() + spread(which)
}

// dayEnd is a moment in the last ten seconds of the UTC day before t's, for
// markets that never close.
func dayEnd(t int64, which int) int64 {
	const day = 24 * 60 * 60 * 1000
	return t - (t%day+day)%day - 10_000 + spread(which)
}

// spread is a number of milliseconds below ten seconds, another one for each
// symbol.
func spread(which int) int64 { return int64(which) * 7919 % 10_000 }

// nextWeekday is the same time of day in New York on the next weekday.
func nextWeekday(t int64) int64 {
	day := time.UnixMilli(t).In(newYork()).AddDate(0, 0, 1)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return day.UnixMilli()
}
