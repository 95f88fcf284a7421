package schedule

import (
	"time"

	"tapedeck/collector/ledger"
)

// Status says what the exchange does on a day.
type Status string

// The kinds of Status, as the command line prints them.
const (
	Open   Status = "open"
	Early  Status = "early" // open, and closes before 16:00
	Closed Status = "closed"
)

// The hours of the exchange in New York, and those around them in which its listings
// trade elsewhere: NYSE Arca's early session begins at 4:00 AM, its late session is the
// four hours after the close (nyse.com, "Holidays & Trading Hours").
const (
	openTime     = TimeOfDay(9*60 + 30)
	closeTime    = TimeOfDay(16 * 60)
	earlyClose   = TimeOfDay(13 * 60)
	extendedOpen = TimeOfDay(4 * 60)
	extendedLast = TimeOfDay(20 * 60)
	lateSession  = TimeOfDay(4 * 60)
)

// Day is what the exchange does on one date.
type Day struct {
	Date   Date
	Status Status
	// Open and Close are the regular hours; both 0 on a day that is closed.
	Open, Close TimeOfDay
	// Name is the holiday, or why the day is not like others; "" on an ordinary day
	// and on a plain weekend.
	Name string
}

// Session is the day's as hours say, false when there is none. Stated is false, for the
// caller to set.
func (d Day) Session(hours ledger.Hours) (s ledger.Session, ok bool) {
	from, until := d.Open, d.Close
	if hours == ledger.Extended {
		from, until = min(from, extendedOpen), min(until+lateSession, max(until, extendedLast))
	}
	if d.Status == Closed {
		return s, false
	}
	return ledger.Session{Hours: hours, Open: d.Date.At(from).UnixMilli(), Close: d.Date.At(until).UnixMilli()}, true
}

// Calendar is that of the New York Stock Exchange: its rules, what happened besides,
// and what the owner of the machine knows better. The zero value is the exchange's own.
// It is a value, and safe anywhere as long as Overrides is not written to.
type Calendar struct {
	// Overrides take the place of days.
	Overrides map[Date]Day
}

// CalendarFrom and CalendarUntil bound the dates for which what the exchange did, or has
// announced, is known. Before and after there are only its rules, as they stand.
var (
	CalendarFrom  = Date{2000, time.January, 1}
	CalendarUntil = Date{2030, time.December, 31}
)

// Day is what the exchange does on a date. It is known from CalendarFrom to
// CalendarUntil; by rule alone outside.
func (c Calendar) Day(d Date) Day {
	if day, ok := c.Overrides[d]; ok {
		return day
	}
	if day, ok := oneOffs[d]; ok {
		day.Date = d
		return day
	}
	if d.Weekend() {
		return Day{Date: d, Status: Closed}
	}
	if name := holidayOn(d); name != "" {
		return Day{Date: d, Status: Closed, Name: name}
	}
	if name := earlyOn(d); name != "" {
		return Day{d, Early, openTime, earlyClose, name}
	}
	return Day{d, Open, openTime, closeTime, ""}
}
