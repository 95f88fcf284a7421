package playback

import (
	"math"
	"strconv"
	"time"
)

// clock is event time that runs with the wall clock, speed times as fast. The
// zero clock has not been started.
type clock struct {
	speed   float64
	begin   int64 // event time, Unix ms
	started time.Time
}

func (c *clock) running() bool { return !c.started.IsZero() }

func (c *clock) start(begin int64, speed float64) {
	*c = clock{speed: speed, begin: begin, started: time.Now()}
}

// now is the event time, Unix milliseconds, rounded down.
func (c *clock) now() int64 {
	return c.begin + int64(float64(time.Since(c.started))*c.speed/1e6)
}

// until is how long the wall clock takes to the event time t: never too short,
// so that whoever waits for it finds t reached.
func (c *clock) until(t int64) time.Duration {
	wall := math.Ceil(float64(t-c.begin) * 1e6 / c.speed)
	if wall > math.MaxInt64/4 { // slow clocks and far times: as good as never
		wall = math.MaxInt64 / 4
	}
	return time.Duration(wall) - time.Since(c.started)
}

// ClockHeader is the header of the handshake's response in which the server
// states its clock: its event time as the response is written, in RFC 3339 with
// milliseconds, UTC, a blank, and the event seconds that pass in a second. It is
// not sent at speed 0.
const ClockHeader = "Tapedeck-Clock"

func (c *clock) header() string {
	return time.UnixMilli(c.now()).UTC().Format("2006-01-02T15:04:05.000Z") + " " +
		strconv.FormatFloat(c.speed, 'f', -1, 64)
}

// SourceHeader is the header of the handshake's response in which the server says
// what it plays, where ServerOptions has it.
const SourceHeader = "Tapedeck-Source"
