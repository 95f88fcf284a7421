package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// memory is a model of what the file remembers.
type memory struct {
	mu       sync.Mutex
	sealed   []ledger.Session
	enlisted map[string]bool
	done     map[string]map[ledger.Session]bool
	fail     func() error // asked before each write
}

func newMemory() *memory {
	return &memory{enlisted: map[string]bool{}, done: map[string]map[ledger.Session]bool{}}
}

func (m *memory) Enlist(job string) error {
	m.enlisted[job] = true
	return nil
}

func (m *memory) Pending(job string, before int64) (list []ledger.Session, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.enlisted[job] {
		return nil, errors.New("nobody enlisted " + job)
	}
	for _, s := range m.sealed {
		if s.Close <= before && !m.done[job][s] {
			list = append(list, s)
		}
	}
	return list, nil
}

func (m *memory) Done(job string, s ledger.Session) (bool, error) { return m.done[job][s], nil }

func (m *memory) SetDone(job string, s ledger.Session, now int64) error {
	if m.fail != nil {
		if err := m.fail(); err != nil {
			return err
		}
	}
	if m.done[job] == nil {
		m.done[job] = map[ledger.Session]bool{}
	}
	m.done[job][s] = true
	return nil
}

// sealedAfter has a session sealed at its close and some more, by the clock of a bubble.
func (m *memory) sealedAfter(s ledger.Session, d time.Duration, then func()) {
	time.AfterFunc(time.Until(time.UnixMilli(s.Close).Add(d)), func() {
		m.mu.Lock()
		m.sealed = append(m.sealed, s)
		m.mu.Unlock()
		then()
	})
}

// nextSessions are n sessions from now on.
func nextSessions(t *testing.T, n int) (list []ledger.Session) {
	p := planOf(t, "", "")
	at := time.Now()
	for range n {
		s := p.Next(at)
		list = append(list, s)
		at = time.UnixMilli(s.Close)
	}
	return list
}

// A month with a restart at random moments, often in the middle of a job: each session's
// job and each day's is done, and ends well, exactly once; a session's soon after it is
// sealed, a day's not before its time.
func TestJobsOverRestarts(t *testing.T) {
	rng := seeded(t)
	synctest.Test(t, func(t *testing.T) {
		clock := &steppedClock{}
		m := newMemory()
		sessions := nextSessions(t, 19)
		var running atomic.Pointer[schedule.Jobs]
		for _, s := range sessions {
			m.sealedAfter(s, 3*time.Minute, func() { running.Load().Wake() })
		}
		ended := map[string]map[string]int{"export": {}, "daily": {}}
		do := func(name string) func(context.Context, ledger.Session) error {
			return func(ctx context.Context, s ledger.Session) error {
				if name == "daily" && clock.Now().In(schedule.NewYork()).Format("15:04") < "09:00" {
					t.Errorf("the daily job at %s", clock.Now())
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(10 * time.Minute):
				}
				ended[name][s.Date()]++
				return nil
			}
		}
		for until := time.Now().Add(30 * 24 * time.Hour); time.Now().Before(until); {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.Int64N(int64(8*time.Hour))))
			jobs := schedule.NewJobs(m, clock, time.Minute,
				schedule.Job{Name: "export", Do: do("export")},
				schedule.Job{Name: "daily", Daily: true, At: 9 * 60, Do: do("daily")})
			jobs.Failed = func(job string, s ledger.Session, err error, _ time.Duration) {
				t.Errorf("%s of %s: %v", job, s.Date(), err)
			}
			running.Store(jobs)
			jobs.Run(ctx)
			cancel()
			time.Sleep(time.Duration(rng.Int64N(int64(time.Hour))))
		}
		for _, s := range sessions {
			if n := ended["export"][s.Date()]; n != 1 {
				t.Errorf("the job of %s was done %d times", s.Date(), n)
			}
		}
		if n := len(ended["daily"]); n < 29 || n > 31 {
			t.Errorf("the daily job was done on %d days", n)
		}
		for date, n := range ended["daily"] {
			if n != 1 {
				t.Errorf("the daily job of %s was done %d times", date, n)
			}
		}
	})
}

// A job is done once it is due, when it is woken at once, and a day's in New York.
func TestJobsAreDoneInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &steppedClock{}
		m := newMemory()
		s := nextSessions(t, 1)[0] // Monday 3 January 2000
		var log []string
		note := func(name string) func(context.Context, ledger.Session) error {
			return func(_ context.Context, s ledger.Session) error {
				log = append(log, name+" of "+s.Date()+" at "+clock.Now().In(schedule.NewYork()).Format("Mon 15:04:05"))
				return nil
			}
		}
		j := schedule.NewJobs(m, clock, time.Minute, schedule.Job{Name: "a", Do: note("a")}, schedule.Job{Name: "b", Do: note("b")},
			schedule.Job{Name: "day", Daily: true, At: 9 * 60, Do: note("day")})
		m.sealedAfter(s, 70*time.Second+500*time.Millisecond, j.Wake)
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Hour)
		defer cancel()
		j.Run(ctx)
		want := []string{"day of 1999-12-31 at Fri 19:00:00", "day of 2000-01-01 at Sat 09:00:00", "day of 2000-01-02 at Sun 09:00:00", "day of 2000-01-03 at Mon 09:00:00",
			"a of 2000-01-03 at Mon 16:01:10", "b of 2000-01-03 at Mon 16:01:10"}
		if !slices.Equal(log, want) {
			t.Errorf("done: %q, want %q", log, want)
		}
	})
}

// A job that fails, or panics, is told of and tried again, ever more rarely; the others
// and the process go on.
func TestJobsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		now := time.Now()
		s := ledger.Day(now.Add(-48 * time.Hour).UnixMilli())
		m.sealed = []ledger.Session{s}
		var tried []time.Duration
		others := 0
		j := schedule.NewJobs(m, &steppedClock{}, 0,
			schedule.Job{Name: "bad", Do: func(context.Context, ledger.Session) error {
				tried = append(tried, time.Since(now))
				switch len(tried) {
				case 1, 3:
					panic(fmt.Sprintf("number %d", len(tried)))
				case 10:
					return nil
				}
				return errors.New("no")
			}},
			schedule.Job{Name: "good", Do: func(context.Context, ledger.Session) error { others++; return nil }})
		var told []string
		j.Failed = func(job string, of ledger.Session, err error, again time.Duration) {
			told = append(told, fmt.Sprintf("%s %v %s", job, err, again))
			var p *schedule.Panicked
			if errors.As(err, &p) && !strings.Contains(string(p.Stack), "TestJobsThatFail") || of != s {
				t.Errorf("%v of %v", err, of)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Hour)
		defer cancel()
		j.Run(ctx)
		if want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}; len(tried) != len(want) {
			t.Fatalf("tried at %v", tried)
		} else {
			for i := range want {
				if tried[i] != want[i]*time.Minute {
					t.Errorf("try %d after %s, want %d minutes", i, tried[i], want[i])
				}
			}
		}
		if others != 1 || len(told) != 9 || told[0] != "bad panic: number 1 1m0s" || told[8] != "bad no 1h0m0s" {
			t.Errorf("%d times the other one, told %q", others, told)
		}
	})
}

// What is done and cannot be remembered, because the disk is full, is not done again.
func TestJobsAndAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		s := ledger.Day(time.Now().Add(-48 * time.Hour).UnixMilli())
		m.sealed = []ledger.Session{s}
		full := time.Now().Add(20 * time.Minute)
		m.fail = func() error {
			if time.Now().Before(full) {
				return errors.New("no space left on device")
			}
			return nil
		}
		done := 0
		j := schedule.NewJobs(m, &steppedClock{}, 0, schedule.Job{Name: "once", Do: func(context.Context, ledger.Session) error { done++; return nil }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		j.Run(ctx)
		if done != 1 || !maps.Equal(m.done["once"], map[ledger.Session]bool{s: true}) {
			t.Errorf("done %d times, remembered %v", done, m.done)
		}
	})
}
