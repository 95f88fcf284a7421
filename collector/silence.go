package collector

import (
	"fmt"
	"sync/atomic"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// How long a connection may bring no fresh trade before it is taken for dead, event time.
const (
	silentShort = 45 * time.Second // in regular hours, with a canary that was heard
	silentLong  = 5 * time.Minute  // otherwise: minutes without a trade are normal
	silentMost  = 15 * time.Minute
	silentWall  = 2 * time.Second // of our own time at least: less would judge this machine
)

// silenceLimit is the limit after so many reconnects in a row that brought no fresh
// trade: it doubles with each, so that a quiet evening is no storm of reconnects.
func silenceLimit(canary, regular bool, barren int) time.Duration {
	limit := silentLong
	if canary && regular {
		limit = silentShort
	}
	return min(limit<<min(barren, 8), silentMost)
}

// regularFrom says whether t lies in the exchange's regular hours, and since when.
func regularFrom(s ledger.Session, t int64) (from int64, ok bool) {
	switch s.Hours {
	case ledger.Regular:
		return s.Open, s.Contains(t)
	case ledger.Extended:
		day, ok := schedule.Calendar{}.Day(schedule.DateIn(time.UnixMilli(t))).Session(ledger.Regular)
		return day.Open, ok && day.Contains(t)
	}
	return 0, false
}

// life is when a connection last gave a sign of it: a fresh trade of any symbol, the
// canary included. Whoever reads signs, whoever attends looks.
type life struct {
	at     atomic.Int64 // event time
	seen   atomic.Int64 // the same on our own clock, ns from begun, whatever steps the other makes
	canary atomic.Bool  // the canary has been heard on this connection
	stalls int          // of the reader, when whoever attends looked last
}

// signEvery is how exactly signs are kept: to note each of a million trades would cost.
const signEvery = 100 // ms, event time

// sign notes a sign of life at now, unless one was noted just before.
func (c *connection) sign(now int64) (noted bool) {
	last := c.life.at.Load()
	if noted = now >= last+signEvery || last == 0; noted {
		c.life.at.Store(now)
		c.life.seen.Store(int64(wall().Sub(c.r.begun)))
	}
	return noted
}

// deadline is the event time at which the connection is dead, should nothing come. While
// the reader waits for the store it hears nothing, and the clock stands still.
func (c *connection) deadline(s ledger.Session, now int64) (dead int64, limit time.Duration) {
	if times, stalled := c.r.in.stalled(); stalled || times != c.life.stalls {
		c.life.stalls = times
		c.sign(now)
	}
	last, canary := c.life.at.Load(), c.canary.symbol != "" && c.r.canaryKnown.Load() && !c.in.refusedCanary.Load()
	from, regular := regularFrom(s, now)
	limit = max(silenceLimit(canary, regular, c.in.barren), c.r.eventTime(silentWall))
	if regular {
		last = max(last, from) // before the open nobody needs to trade
	}
	dead = last + limit.Milliseconds()
	// The clock may have been set, or the machine have slept: that is no silence.
	quiet := wall().Sub(c.r.begun) - time.Duration(c.life.seen.Load())
	if left := c.r.o.Clock.Wall(limit) - quiet; now >= dead && left > 0 {
		dead = now + max(c.r.eventTime(left).Milliseconds(), 1)
	}
	return dead, limit
}

// errSilent is a connection that is open, and mute.
type errSilent time.Duration

func (e errSilent) Error() string {
	return fmt.Sprintf("no trade of any symbol for %s", schedule.Span(time.Duration(e)))
}
