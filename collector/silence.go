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
	canary atomic.Bool  // the canary has been heard on this connection
	stalls int          // of the reader, when whoever attends looked last
}

// sign notes a sign of life at now.
func (l *life) sign(now int64) {
	if now > l.at.Load() {
		l.at.Store(now)
	}
}

// deadline is the event time at which the connection is dead, should nothing come. While
// the reader waits for the store it hears nothing, and the clock stands still.
func (c *connection) deadline(s ledger.Session, now int64) (at int64, limit time.Duration) {
	if times, stalled := c.r.in.stalled(); stalled || times != c.life.stalls {
		c.life.stalls = times
		c.life.sign(now)
	}
	last, canary := c.life.at.Load(), c.life.canary.Load()
	from, regular := regularFrom(s, now)
	limit = max(silenceLimit(canary || c.in.canaryHeard, regular, c.in.barren), c.r.eventTime(silentWall))
	if regular {
		last = max(last, from) // before the open nobody needs to trade
	}
	return last + limit.Milliseconds(), limit
}

// errSilent is a connection that is open, and mute.
type errSilent time.Duration

func (e errSilent) Error() string {
	return fmt.Sprintf("no trade of any symbol for %s", schedule.Span(time.Duration(e)))
}
