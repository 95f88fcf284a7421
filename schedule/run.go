package schedule

import (
	"context"
	"time"

	"tapedeck/collector/ledger"
)

// Look is how long anything sleeps at most before it looks at the clock again, wall
// time: clocks step, and machines sleep.
const Look = time.Minute

// Clock is what time it is: the machine's or, in a playback, the feed's.
type Clock interface {
	// Now is the time of the sessions.
	Now() time.Time
	// Wall is how long a stretch of that time takes on our own clock.
	Wall(d time.Duration) time.Duration
}

// Wait sleeps until t on the clock, or for Look, whichever is earlier: the caller looks
// again. It is false when ctx has ended. It may be called from any goroutine.
func Wait(ctx context.Context, c Clock, t time.Time) bool { return Pause(ctx, Until(c, t)) }

// Until is how long Wait sleeps: wall time, from 0 to Look.
func Until(c Clock, t time.Time) time.Duration {
	// Without the monotonic clocks that both may carry: a suspend stops those.
	left := t.Round(0).Sub(c.Now().Round(0))
	if left > decades {
		return Look
	}
	return max(0, min(Look, c.Wall(left)))
}

// decades is more than anybody waits for, and few enough not to overflow.
const decades = 30 * 365 * 24 * time.Hour

// Pause sleeps for d, wall time; it is false when ctx has ended. It may be called from any
// goroutine.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Loop goes from session to session.
type Loop struct {
	Clock Clock
	// Next is the plan's.
	Next func(t time.Time) ledger.Session
	// Lead is how long before the open Session is called.
	Lead time.Duration
	// Session records one. It returns when it is over, or before, when the plan does
	// not have it any more.
	Session func(ctx context.Context, s ledger.Session)
	// Closed is told of each look while no session is near.
	Closed func(now time.Time, next ledger.Session)
}

// Run calls Session for the session that runs and for each that comes, until ctx ends.
// It is level-triggered: it asks the plan again after each session and at least once a
// minute, and remembers nothing, so that a start in mid-session, a suspend over the open
// and a step of the clock need no care of their own. It blocks; Session and Closed are
// called from the goroutine that called it.
func (l Loop) Run(ctx context.Context) {
	for ctx.Err() == nil {
		now := l.Clock.Now()
		s := l.Next(now)
		begin := time.UnixMilli(s.Open).Add(-l.Lead)
		if now.Before(begin) || now.UnixMilli() >= s.Close { // the latter: a plan that has no more
			l.Closed(now, s)
			Wait(ctx, l.Clock, l.look(now, begin))
			continue
		}
		l.Session(ctx, s)
		if now := l.Clock.Now(); l.Next(now) == s && now.UnixMilli() < s.Close { // it gave up: not hot
			Wait(ctx, l.Clock, now.Add(time.Second))
		}
	}
}

// look is when to look next: at begin, or at the next full minute, so that what is said
// at a minute is said at its beginning.
func (l Loop) look(now, begin time.Time) time.Time {
	next := now.Truncate(time.Minute).Add(time.Minute)
	if begin.After(now) && begin.Before(next) {
		return begin
	}
	return next
}
