package collector

import (
	"math"
	"time"
)

// Clock is the clock of a feed that states it, event time. The zero value is the wall
// clock. It is a schedule.Clock, a value and safe anywhere.
type Clock struct {
	// Start is the event time at the moment Seen of our own clock.
	Start, Seen time.Time
	// Speed is how many seconds of event time pass in a second; 0 makes it the
	// wall clock, whatever the other fields.
	Speed float64
}

// Now is the event time, UTC.
func (c Clock) Now() time.Time { return c.At(time.Now()) }

// At is the event time at a moment of our own clock, UTC.
func (c Clock) At(wall time.Time) time.Time {
	if c.Speed == 0 {
		return wall.UTC()
	}
	return c.Start.Add(time.Duration(float64(wall.Sub(c.Seen)) * c.Speed)).UTC()
}

// Wall is how long a stretch of event time takes, rounded up.
func (c Clock) Wall(d time.Duration) time.Duration {
	if c.Speed == 0 || c.Speed == 1 {
		return d
	}
	wall := math.Ceil(float64(d) / c.Speed)
	if wall >= math.MaxInt64 { // as good as never
		return math.MaxInt64
	}
	return time.Duration(wall)
}

// now is the event time, Unix milliseconds.
func (r *Recorder) now() int64 {
	return r.o.Clock.Now().UnixMilli()
}

// eventTime is how much event time passes in a stretch of our own.
func (r *Recorder) eventTime(wall time.Duration) time.Duration {
	hour := r.o.Clock.Wall(time.Hour)
	if hour <= 0 {
		return 0
	}
	return time.Duration(float64(wall) * float64(time.Hour) / float64(hour))
}

// wall is our own clock, for what is wall time.
func wall() time.Time { return time.Now() }
