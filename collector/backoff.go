package collector

import (
	"errors"
	"math/rand/v2"
	"time"
)

const (
	afterTrades   = 2 * time.Second // after a connection that was worth something
	longestJitter = 60 * time.Second
	afterSlots    = 60 * time.Second
	longestAsked  = 300 * time.Second
	coolest       = 100 * time.Millisecond // jitter is never hotter
)

// keyPauses are for a key that is not allowed: minutes will not heal it.
var keyPauses = [...]time.Duration{15 * time.Second, 30 * time.Second, 60 * time.Second, 120 * time.Second, 300 * time.Second}

// backoff says how long to wait before the next try, event time. The zero value is
// a fresh one.
type backoff struct {
	tries, keys int
}

// next is the pause after a connection or a try that ended like this.
func (b *backoff) next(o outcome) time.Duration { return b.pause(o, rand.Float64()) }

// pause is next with the dice, in [0,1).
func (b *backoff) pause(o outcome, dice float64) time.Duration {
	if o.fresh > 0 {
		*b = backoff{}
	}
	var asked interface {
		RetryAfter() (time.Duration, bool)
	}
	if errors.As(o.err, &asked) {
		if d, ok := asked.RetryAfter(); ok {
			return min(max(d, coolest), longestAsked)
		}
	}
	switch refusal(o.err) {
	case "slots":
		return afterSlots
	case "key":
		d := keyPauses[min(b.keys, len(keyPauses)-1)]
		b.keys++
		return d
	}
	if o.fresh > 0 {
		return afterTrades
	}
	limit := min(longestJitter, time.Second<<min(b.tries, 10))
	b.tries++
	return max(coolest, time.Duration(dice*float64(limit)))
}

// refusal is the word for what the server would not have, "" when it is no refusal.
func refusal(err error) string {
	var refused interface{ Refusal() string }
	if errors.As(err, &refused) {
		return refused.Refusal()
	}
	return ""
}
