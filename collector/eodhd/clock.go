package eodhd

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// clockHeader is in the handshake response of a playback server (collector/playback
// has the other end of it). EODHD does not send it.
const clockHeader = "Tapedeck-Clock"

// sourceHeader is where such a server says what it plays.
const sourceHeader = "Tapedeck-Source"

// Clock is the clock that a playback server states: the event time of its market.
type Clock struct {
	// Start is the event time when the server wrote its response, UTC.
	Start time.Time
	// Speed is how many seconds of event time pass in a second, above 0.
	Speed float64
	// Seen is when the response had come, by our own clock.
	Seen time.Time
}

// At is the event time at a moment of our own clock, UTC.
func (c Clock) At(wall time.Time) time.Time {
	return c.Start.Add(time.Duration(float64(wall.Sub(c.Seen)) * c.Speed))
}

// parseClock reads the header's value: START, RFC 3339, a blank, and SPEED.
func parseClock(value string, seen time.Time) (Clock, error) {
	start, speed, _ := strings.Cut(value, " ")
	at, err := time.Parse(time.RFC3339, start) // reads fractions as well
	if err == nil {
		var perSecond float64
		if perSecond, err = strconv.ParseFloat(speed, 64); err == nil && perSecond > 0 && !math.IsInf(perSecond, 0) {
			return Clock{Start: at.UTC(), Speed: perSecond, Seen: seen}, nil
		}
	}
	return Clock{}, errors.New("the feed states its clock in a " + clockHeader + " header that is not START SPEED")
}

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds, or a date.
func retryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter, true
	}
	// The zone must be GMT, or the server's clock and ours are hours apart.
	at, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", value)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}
