// Package schedule knows when there is a session: the plan that the recorder
// follows. It is pure: it is handed a time and returns the session that contains it,
// else the next one, so that it can be asked again at any moment, and a late start,
// a suspend or a step of the clock need nothing more.
package schedule

import (
	"time"

	"tapedeck/collector/ledger"
)

// Weekdays is the plan of the New York Stock Exchange's regular hours: 09:30 to
// 16:00 in New York, Monday to Friday (nyse.com, "Holidays & Trading Hours").
// Holidays and early closes it does not know. The zero value is ready and safe for
// concurrent use.
type Weekdays struct{}

// Next is the session that contains t, else the next one. t may be in any time
// zone. Whether the feed states its clock the plan does not know: Stated is false,
// for the caller to set.
func (Weekdays) Next(t time.Time) ledger.Session {
	year, month, day := t.In(newYork).Date()
	for {
		open := time.Date(year, month, day, 9, 30, 0, 0, newYork)
		until := time.Date(year, month, day, 16, 0, 0, 0, newYork)
		if weekday := open.Weekday(); weekday != time.Saturday && weekday != time.Sunday && t.Before(until) {
			return ledger.Session{Hours: ledger.Regular, Open: open.UnixMilli(), Close: until.UnixMilli()}
		}
		day++ // time.Date carries what is over into the next month
	}
}
