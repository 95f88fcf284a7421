package collector

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/ledger"
)

// A session is sealed as ended once its grace is over and all of it is committed, and
// then the caller is told.
func TestSealsAfterTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(100, 200)
		tape := newTape()
		var told []ledger.Session
		o := usual()
		o.Sealed = func(_ context.Context, s ledger.Session) { told = append(told, s) }
		f := &fakeFeed{conns: []*fakeConn{{script: []frame{trade("QLD", 150, 0), trade("QLD", 215, 20)}}}}
		record(t, f, tape, planOf{s}, o, 400)
		if len(tape.seals) != 1 {
			t.Fatalf("sealed %d times", len(tape.seals))
		}
		got := tape.seals[0]
		if got.session != s || !got.ended || got.durable != 2 || got.at.UnixMilli() < at(260) || got.at.UnixMilli() > at(262) {
			t.Errorf("sealed %+v", got)
		}
		if len(told) != 1 || told[0] != s {
			t.Errorf("told of %v", told)
		}
	})
}

// A tape that has grown long is sealed while the session runs, once at a time.
func TestSealsALongTape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(0, 300)
		tape := newTape()
		tape.unsealed = sealAfter + 1
		f := &fakeFeed{conns: []*fakeConn{{script: []frame{trade("QLD", 10, 0), trade("QLD", 20, 0), trade("QLD", 30, 0)}}}}
		record(t, f, tape, planOf{s}, usual(), 100)
		if len(tape.seals) != 1 || tape.seals[0].ended {
			t.Errorf("seals %+v", tape.seals)
		}
	})
}

// What an earlier recorder left is sealed at the start, unless it is still to come to its
// end.
func TestSealsWhatWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, running := session(-5000, -4000), session(-10, 300)
		tape := newTape()
		tape.unfinished = []ledger.Session{old, running}
		record(t, &fakeFeed{}, tape, planOf{running}, usual(), 50)
		if len(tape.seals) != 1 || tape.seals[0].session != old || !tape.seals[0].ended {
			t.Errorf("seals %+v", tape.seals)
		}
	})
}

// A full disk is tried again each minute; another error is not, and recording goes on.
func TestSealsAgainWhenFull(t *testing.T) {
	for _, c := range []struct {
		err   error
		seals int
	}{{fullErr{}, 4}, {errors.New("damaged"), 1}} {
		synctest.Test(t, func(t *testing.T) {
			tape := newTape()
			tape.unfinished = []ledger.Session{session(-5000, -4000)}
			tape.seal = func(_ context.Context, n int) error {
				if n < 3 {
					return c.err
				}
				return nil
			}
			record(t, &fakeFeed{}, tape, planOf{session(1000, 2000)}, usual(), 600)
			if len(tape.seals) != c.seals {
				t.Fatalf("%v: %d seals, want %d", c.err, len(tape.seals), c.seals)
			}
			for i := range tape.seals[1:] {
				if d := tape.seals[i+1].at.Sub(tape.seals[i].at); d != time.Minute {
					t.Errorf("tried again after %s", d)
				}
			}
		})
	}
}

// A stop does not wait for a seal, it ends it.
func TestStopEndsASeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape := newTape()
		tape.unfinished = []ledger.Session{session(-5000, -4000)}
		tape.seal = func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}
		begun := time.Now()
		record(t, &fakeFeed{}, tape, planOf{session(1000, 2000)}, usual(), 30)
		if took := time.Since(begun); took > 31*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
