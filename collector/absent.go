package collector

import (
	"fmt"
	"time"

	"tapedeck/collector/ledger"
)

// longestAbsence is how far back a start accounts for sessions that nobody recorded: a
// file whose last session is older is taken to be of another time.
const longestAbsence = 366 * 24 * time.Hour

// accountForAbsence writes down the sessions since the last one on the tape, in which no
// recorder ran: days on which nothing was recorded are not forgotten. They are committed at
// once, for those who look before the next session.
func (r *Recorder) accountForAbsence() error {
	last, ok, err := r.tape.Last()
	if err != nil || !ok || !last.Stated || !r.o.Stated || r.plan == nil {
		return err
	}
	now := r.now()
	if now-last.Close > longestAbsence.Milliseconds() {
		r.log.Warn(fmt.Sprintf("The last session on file is %s: nothing is said of the time since", last.Date()))
		return nil
	}
	missed := 0
	for s := r.plan.Next(time.UnixMilli(last.Close)); s.Close <= now && s.Close > s.Open; s = r.plan.Next(time.UnixMilli(s.Close)) {
		if s.Open <= last.Open { // the same one in longer hours
			continue
		}
		s.Stated = true
		if err := r.tape.Begin(s, s.Close); err != nil {
			return fmt.Errorf("accounting for the session of %s: %w", s.Date(), err)
		}
		r.tape.Enter(s, []ledger.Span{{From: s.Open, Until: s.Close, Symbols: r.all, Cause: ledger.NotRunning}}, nil)
		missed++
	}
	if missed > 0 {
		switch err := r.tape.Commit(); {
		case diskFull(err):
			r.full.Store(true) // it is tried again from the first moment on
		case err != nil:
			return err
		default:
			r.fits.Store(true)
		}
		r.log.Warn(fmt.Sprintf("%d sessions since %s were not recorded: no recorder was running", missed, last.Date()))
	}
	return nil
}
