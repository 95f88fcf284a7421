// Package ledger is the pure account of what was listened to: sessions, the
// spans in which the feed was heard, why it was not in between, and from both
// the state of every second. It knows no clock, lock, goroutine or file. All
// times are Unix milliseconds, UTC; all stretches are half-open.
package ledger

import (
	"fmt"
	"time"
)

// Hours says which part of a day a session is.
type Hours uint8

// The kinds of Hours. The numbers are stored: see store/FORMAT.md.
const (
	Regular  Hours = 1 // New York, 09:30 to the close
	Extended Hours = 2 // New York, 04:00 to the end of the late session
	WholeDay Hours = 3 // the UTC day: crypto, and whatever is recorded outside market hours
)

// String is regular, extended or day.
func (h Hours) String() string {
	switch h {
	case Regular:
		return "regular"
	case Extended:
		return "extended"
	case WholeDay:
		return "day"
	}
	return fmt.Sprintf("hours %d", uint8(h))
}

// Session is one stretch of trading. Trades belong to the session that contains
// their time. Open and Hours name it: they are its key in the file.
type Session struct {
	Hours       Hours
	Open, Close int64
	// Stated is true when the clock of the feed was known while it was recorded.
	// Without it nothing can be said of the seconds before the first and after
	// the last span.
	Stated bool
}

// Day is the UTC day that contains t, as a session.
func Day(t int64) Session {
	const day = 24 * 60 * 60 * 1000
	open := t - (t%day+day)%day
	return Session{Hours: WholeDay, Open: open, Close: open + day}
}

// Contains says whether a trade of time t belongs to s.
func (s Session) Contains(t int64) bool { return s.Open <= t && t < s.Close }

// Date is the day that s is called by, such as 2026-11-20: the UTC date of its
// open, which for every session of New York's is New York's date too.
func (s Session) Date() string {
	return time.UnixMilli(s.Open).UTC().Format(time.DateOnly)
}

// Seconds is the length of s in seconds.
func (s Session) Seconds() int64 { return (s.Close - s.Open) / 1000 }
