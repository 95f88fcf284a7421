package collector

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// A machine that was off for three days, over a holiday: each session is there, as not
// running for all of it, and the one that it is started in, until then.
func TestMachineWasOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &machine{}
		clock.set(t, "2026-11-20 15:00:00")
		m, tape, plan := &market{clock: clock}, newTape(), exchange(t)
		runs(t, m, tape, plan, newYork(t, "2026-11-20 15:30:00"), nil)
		clock.set(t, "2026-11-27 12:00:00")
		log := new(bytes.Buffer)
		runs(t, m, tape, plan, newYork(t, "2026-11-27 12:30:00"), slog.New(slog.NewTextHandler(log, nil)))
		missed := 0
		for _, date := range []string{"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26"} {
			d, err := schedule.ParseDate(date)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range plan.Sessions(d) {
				missed++
				s.Stated = true
				line := ledger.NewTimeline(s, tape.spans(s), "QLD", ledger.Crash)
				if len(line) != 1 || line[0].Cause != ledger.NotRunning {
					t.Errorf("%s is %v", date, line)
				}
			}
		}
		if missed != 3 || len(tape.begun) != 5 || !strings.Contains(log.String(), "3 sessions since 2026-11-20 were not recorded") {
			t.Errorf("%d missed of %v: %s", missed, tape.begun, log)
		}
		s := tape.begun[4]
		line := ledger.NewTimeline(s, tape.spans(s), "QLD", ledger.Crash)
		if line[0].Cause != ledger.NotRunning || line[0].Until != newYork(t, "2026-11-27 12:00:00").UnixMilli() {
			t.Errorf("the day of the start is %v", line)
		}
	})
}

// A recording of long ago is no reason to account for years.
func TestLongAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &machine{}
		clock.set(t, "2013-10-07 15:00:00")
		m, tape, plan := &market{clock: clock}, newTape(), exchange(t)
		runs(t, m, tape, plan, newYork(t, "2013-10-07 15:10:00"), nil)
		clock.set(t, "2026-11-28 12:00:00")
		runs(t, m, tape, plan, newYork(t, "2026-11-28 12:10:00"), nil)
		if len(tape.begun) != 1 {
			t.Errorf("begun %d", len(tape.begun))
		}
	})
}
