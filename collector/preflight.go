package collector

import (
	"context"
	"fmt"
	"time"

	"tapedeck/schedule"
)

// A start while the market is closed tries the key once: better to know in the evening
// that it is refused than at the open.
const preflightAhead = 5 * time.Minute // the open must be further away

// preflight dials, authorises, subscribes and reads for a moment, and says what it found.
func (r *Recorder) preflight(ctx context.Context) {
	now := r.o.Clock.Now()
	s := r.plan.Next(now)
	left := time.UnixMilli(s.Open).Sub(now)
	if !r.o.Preflight || left <= preflightAhead || r.o.Clock.Wall(left) <= preflightAhead { // a fast clock would be there meanwhile
		return
	}
	heard, err := Try(ctx, r.feed, r.o.Symbols)
	last, came := tradeOf(heard, r.o.Symbols[0])
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.activity.refuse(err, r.now(), true)
		r.log.Warn("Key: " + troubleOf(err))
	case !came:
		r.log.Info(fmt.Sprintf("Key: accepted. No last trade of %s came, which is no error", r.o.Symbols[0]))
	default:
		at := time.UnixMilli(last.Time).In(schedule.NewYork())
		r.log.Info(fmt.Sprintf("Key: accepted. %s last trade %s at %s", last.Symbol, at.Format("Mon Jan 2 15:04:05"), last.Price))
	}
}

// troubleOf is why a try failed, with what may be done about it.
func troubleOf(err error) string {
	switch refusal(err) {
	case "key":
		return fmt.Sprintf("refused (%v): a wrong key, or a plan without WebSockets", err)
	case "slots":
		return fmt.Sprintf("refused (%v): is another recorder using this key?", err)
	case "":
		return fmt.Sprintf("not tried: %v", err)
	}
	return fmt.Sprintf("refused: %v", err)
}
