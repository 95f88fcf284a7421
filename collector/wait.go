package collector

import (
	"context"
	"time"

	"tapedeck/schedule"
)

// wallUntil is how long to sleep for the event time t, at most schedule.Look.
func (r *Recorder) wallUntil(t int64) time.Duration {
	if t > int64(1)<<50 { // never: a session without an end
		return schedule.Look
	}
	return schedule.Until(r.o.Clock, time.UnixMilli(t))
}

// waitEvent sleeps until the event time t or for a minute. It is false when ctx
// has ended.
func (r *Recorder) waitEvent(ctx context.Context, t int64) bool {
	return wait(ctx, r.wallUntil(t))
}

// wait sleeps, wall time; it is false when ctx has ended.
func wait(ctx context.Context, d time.Duration) bool { return schedule.Pause(ctx, d) }
