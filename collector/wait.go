package collector

import (
	"context"
	"time"
)

// look is how long anything sleeps at most before it looks at the clock again.
const look = time.Minute

// wallUntil is how long to sleep for the event time t, at most look.
func (r *Recorder) wallUntil(t int64) time.Duration {
	now := r.o.Clock.Now()
	if t-now.UnixMilli() > int64(1)<<40 || t > int64(1)<<50 { // decades: do not overflow
		return look
	}
	return max(0, min(look, r.o.Clock.Wall(time.UnixMilli(t).Sub(now))))
}

// waitEvent sleeps until the event time t or for a minute. It is false when ctx
// has ended.
func (r *Recorder) waitEvent(ctx context.Context, t int64) bool {
	return wait(ctx, r.wallUntil(t))
}

// wait sleeps; it is false when ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
