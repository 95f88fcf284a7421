package schedule_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// steppedClock is the clock of a machine that is stepped, or that slept: its timers do
// not notice.
type steppedClock struct{ offset atomic.Int64 }

func (c *steppedClock) Now() time.Time                     { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *steppedClock) Wall(d time.Duration) time.Duration { return d }
func (c *steppedClock) step(d time.Duration)               { c.offset.Add(int64(d)) }

// fastClock runs at a multiple of the speed.
type fastClock struct {
	begun time.Time
	speed time.Duration
}

func (c fastClock) Now() time.Time                     { return c.begun.Add(time.Since(c.begun) * c.speed) }
func (c fastClock) Wall(d time.Duration) time.Duration { return d / c.speed }

// call is a session that the loop began, and when it was left.
type call struct {
	s           ledger.Session
	begun, left time.Time
}

// loopFrom runs a loop from a moment of New York's clocks for some time, with what happens
// at times after its start. Sessions end a minute after their close.
func loopFrom(t *testing.T, from string, runs time.Duration, clock *steppedClock, happens map[time.Duration]func()) (calls []call) {
	t.Helper()
	clock.step(time.Until(inNewYork(t, from)))
	ctx, cancel := context.WithTimeout(t.Context(), runs)
	defer cancel()
	for after, what := range happens {
		time.AfterFunc(after, what)
	}
	p := planOf(t, "", "")
	var looked time.Time
	schedule.Loop{
		Clock: clock, Next: p.Next, Lead: time.Minute,
		Session: func(ctx context.Context, s ledger.Session) {
			c := call{s, clock.Now(), time.Time{}}
			for clock.Now().UnixMilli() < s.Close+60_000 && schedule.Wait(ctx, clock, time.UnixMilli(s.Close+60_000)) {
			}
			c.left = clock.Now()
			calls = append(calls, c)
		},
		Closed: func(now time.Time, next ledger.Session) {
			if gap := time.Since(looked); !looked.IsZero() && gap > schedule.Look && len(calls) == 0 {
				t.Errorf("at %s the last look was %s ago", now, gap)
			}
			looked = time.Now()
		},
	}.Run(ctx)
	return calls
}

// wantCalls compares them with times of New York's clocks: begun, left.
func wantCalls(t *testing.T, got []call, want ...[2]string) {
	t.Helper()
	var have [][2]string
	for _, c := range got {
		const form = "Jan 2 15:04:05"
		have = append(have, [2]string{c.begun.In(schedule.NewYork()).Format(form), c.left.In(schedule.NewYork()).Format(form)})
	}
	if !slices.Equal(have, want) {
		t.Errorf("recorded %q, want %q", have, want)
	}
}

func TestLoop(t *testing.T) {
	for _, c := range []struct {
		name, from string
		runs       time.Duration
		happens    func(*steppedClock) map[time.Duration]func()
		want       [][2]string
	}{
		{"over a weekend", "2026-11-20 15:00:00", 72 * time.Hour, nil,
			[][2]string{{"Nov 20 15:00:00", "Nov 20 16:01:00"}, {"Nov 23 09:29:00", "Nov 23 15:00:00"}}},
		{"in mid-session", "2026-11-23 11:00:00", 6 * time.Hour, nil, [][2]string{{"Nov 23 11:00:00", "Nov 23 16:01:00"}}},
		{"just after the close", "2026-11-23 16:00:00", 18 * time.Hour, nil, [][2]string{{"Nov 24 09:29:00", "Nov 24 10:00:00"}}},
		{"over a holiday and an early close", "2026-11-25 17:00:00", 48 * time.Hour, nil, [][2]string{{"Nov 27 09:29:00", "Nov 27 13:01:00"}}},
		{"the clocks go forward", "2026-03-06 16:30:00", 66 * time.Hour, nil, [][2]string{{"Mar 9 09:29:00", "Mar 9 11:30:00"}}},
		{"the clocks go back", "2026-10-30 16:30:00", 66 * time.Hour, nil, [][2]string{{"Nov 2 09:29:00", "Nov 2 09:30:00"}}},

		{"three hours asleep over the open", "2026-11-23 08:00:30", 10 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){40 * time.Minute: func() { c.step(3 * time.Hour) }}
		}, [][2]string{{"Nov 23 11:41:00", "Nov 23 16:01:00"}}},
		{"asleep over the close", "2026-11-23 15:00:00", 4 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){30*time.Minute + 30*time.Second: func() { c.step(3 * time.Hour) }}
		}, [][2]string{{"Nov 23 15:00:00", "Nov 23 18:31:00"}}},
		{"asleep for a whole session", "2026-11-23 09:00:00", 24 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){10 * time.Minute: func() { c.step(8 * time.Hour) }}
		}, [][2]string{{"Nov 24 09:29:00", "Nov 24 16:01:00"}}},
		{"an hour forward before the open", "2026-11-23 08:00:30", 4 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){45 * time.Minute: func() { c.step(time.Hour) }}
		}, [][2]string{{"Nov 23 09:46:00", "Nov 23 13:00:30"}}},
		{"an hour back before the open", "2026-11-23 09:00:00", 3 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){28*time.Minute + 30*time.Second: func() { c.step(-time.Hour) }}
		}, [][2]string{{"Nov 23 09:29:00", "Nov 23 11:00:00"}}},
		{"an hour back in the session", "2026-11-23 10:00:00", 9 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){20 * time.Minute: func() { c.step(-time.Hour) }}
		}, [][2]string{{"Nov 23 10:00:00", "Nov 23 16:01:00"}}},
		{"an hour back after the close joins it again", "2026-11-23 15:30:00", 3 * time.Hour, func(c *steppedClock) map[time.Duration]func() {
			return map[time.Duration]func(){45*time.Minute + 30*time.Second: func() { c.step(-time.Hour) }}
		}, [][2]string{{"Nov 23 15:30:00", "Nov 23 16:01:00"}, {"Nov 23 15:16:00", "Nov 23 16:01:00"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := &steppedClock{}
				happens := map[time.Duration]func(){}
				if c.happens != nil {
					happens = c.happens(clock)
				}
				wantCalls(t, loopFrom(t, c.from, c.runs, clock, happens), c.want...)
			})
		})
	}
}

// A session that is given up while the plan has it is begun again, but not at once; and a
// plan without any more is no reason to run hot.
func TestLoopIsNeverHot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 59*time.Second)
		defer cancel()
		clock := &steppedClock{}
		s := ledger.Session{Hours: ledger.Regular, Open: clock.Now().UnixMilli() - 1000, Close: clock.Now().UnixMilli() + 30_000}
		begun, closed := 0, 0
		schedule.Loop{Clock: clock, Next: func(time.Time) ledger.Session { return s },
			Session: func(context.Context, ledger.Session) { begun++ },
			Closed:  func(time.Time, ledger.Session) { closed++ },
		}.Run(ctx)
		if begun != 30 || closed != 1 {
			t.Errorf("begun %d times, closed at %d looks", begun, closed)
		}
	})
}

// On a fast clock the looks are each minute of it, or of ours if that is shorter.
func TestLoopOnAFastClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := fastClock{time.Now(), 600}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // 100 hours, from a Friday evening on
		defer cancel()
		p := planOf(t, "", "")
		var begun []string
		looks := 0
		schedule.Loop{Clock: clock, Next: p.Next, Lead: time.Minute,
			Session: func(ctx context.Context, s ledger.Session) {
				begun = append(begun, clock.Now().UTC().Format(time.RFC3339))
				for clock.Now().UnixMilli() < s.Close && schedule.Wait(ctx, clock, time.UnixMilli(s.Close)) {
				}
			},
			Closed: func(now time.Time, _ ledger.Session) {
				looks++
				if now.Second() != 0 && looks > 1 {
					t.Errorf("a look at %s", now)
				}
			},
		}.Run(ctx)
		if want := []string{"2000-01-03T14:29:00Z", "2000-01-04T14:29:00Z"}; !slices.Equal(begun, want) {
			t.Errorf("begun at %q, want %q", begun, want)
		}
	})
}

// Nothing waits longer than a minute, however far away it is, nor for what is over.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &steppedClock{}
		for d, want := range map[time.Duration]time.Duration{
			-time.Hour: 0, 0: 0, time.Second: time.Second, time.Minute: time.Minute, time.Hour: time.Minute, 200 * 365 * 24 * time.Hour: time.Minute,
		} {
			if got := schedule.Until(clock, clock.Now().Add(d)); got != want {
				t.Errorf("for %s it sleeps %s", d, got)
			}
		}
		if got := schedule.Until(clock, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); got != time.Minute {
			t.Errorf("for ever is %s", got)
		}
	})
}
