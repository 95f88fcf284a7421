package collector

import (
	"log/slog"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

const (
	toldEvery = time.Hour       // event time, while the market is closed
	toldSoon  = 5 * time.Minute // before the open
)

// waiting is what is said while the market is closed: once when a session has ended or
// the plan has changed, then once an hour, and five minutes before the open. What a start
// finds is not said again: whoever started us has said it.
type waiting struct {
	log  *slog.Logger
	plan Plan
	lead time.Duration

	begun bool
	open  int64     // of the session that is waited for
	told  time.Time // when something was said last
	soon  bool      // that it is near has been said
}

// look says what there is to say at now.
func (w *waiting) look(now time.Time, next ledger.Session) {
	left := time.UnixMilli(next.Open).Sub(now)
	switch {
	case w.open != next.Open || !w.begun:
		if w.begun {
			w.say(now, schedule.NextSession(now, next)+w.ahead(now))
		}
		w.open, w.soon = next.Open, left <= toldSoon
	case !w.soon && left <= toldSoon:
		w.soon = true
		w.say(now, schedule.WillConnect(now, next, w.lead))
	case now.Sub(w.told) >= toldEvery:
		w.say(now, schedule.NextSession(now, next))
	case now.Before(w.told): // the clock was set back
	default:
		return
	}
	w.begun, w.told = true, now
}

func (w *waiting) say(now time.Time, what string) {
	w.log.Info("Market Status: " + w.plan.Status(now) + ". " + what)
}

func (w *waiting) ahead(now time.Time) string {
	if days := w.plan.Ahead(now); days != "" {
		return ". Ahead: " + days
	}
	return ""
}
