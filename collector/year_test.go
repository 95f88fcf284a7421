package collector

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/logs"
	"tapedeck/schedule"
)

// machine is a machine's clock, which can be stepped. Timers do not notice, as in a suspend.
type machine struct {
	mu     sync.Mutex
	offset time.Duration
}

func (m *machine) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.offset).UTC()
}

func (*machine) Wall(d time.Duration) time.Duration { return d }

func (m *machine) step(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offset += d
}

// set makes it show a moment of New York's clocks.
func (m *machine) set(t *testing.T, text string) {
	t.Helper()
	m.step(newYork(t, text).Sub(m.Now()))
}

func newYork(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, schedule.NewYork())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// market is a feed that sends a frame each 30 s on every connection.
type market struct {
	clock  schedule.Clock
	refuse func(now time.Time) error // asked at each dial and before each frame; nil takes everybody

	mu    sync.Mutex
	conns []*marketConn
	tries []time.Time // all dials
}

type marketConn struct {
	m              *market
	closed         chan struct{}
	once           sync.Once
	dialled, ended time.Time
	polite         bool
}

func (m *market) dial(context.Context) (Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock.Now()
	m.tries = append(m.tries, now)
	if m.refuse != nil {
		if err := m.refuse(now); err != nil {
			return nil, err
		}
	}
	c := &marketConn{m: m, closed: make(chan struct{}), dialled: now}
	m.conns = append(m.conns, c)
	return c, nil
}

func (c *marketConn) Subscribe(context.Context, []string) error { return nil }

func (c *marketConn) Read(_ context.Context, t *candle.Trade) (ledger.Count, error) {
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
		return "", errors.New("closed")
	}
	now := c.m.clock.Now()
	if c.m.refuse != nil {
		if err := c.m.refuse(now); err != nil {
			return "", err
		}
	}
	*t = candle.Trade{Symbol: "QLD", Time: now.UnixMilli(), Price: candle.Decimal{Units: 7044, Scale: 2}, Size: candle.Decimal{Units: 100}}
	return ledger.Accepted, nil
}

func (c *marketConn) Ping(ctx context.Context) error { return ctx.Err() }

func (c *marketConn) Close(string) error {
	c.m.mu.Lock()
	c.polite = true
	c.m.mu.Unlock()
	return c.CloseNow()
}

func (c *marketConn) CloseNow() error {
	c.once.Do(func() {
		c.m.mu.Lock()
		c.ended = c.m.clock.Now()
		c.m.mu.Unlock()
		close(c.closed)
	})
	return nil
}

// exchange is the plan of regular hours.
func exchange(t *testing.T) *schedule.Plan {
	t.Helper()
	p, err := schedule.NewPlan(ledger.Regular, "", "", schedule.Calendar{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// runs runs a recorder until the clock shows a time, and looks at it that often.
func runs(t *testing.T, m *market, tape *memoryTape, plan Plan, until time.Time, log *slog.Logger) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for m.clock.Now().Before(until) && wait(ctx, min(time.Minute, until.Sub(m.clock.Now()))) {
		}
		cancel()
	}()
	o := Options{Symbols: qld, Stated: true, OpenLead: time.Minute, CloseGrace: time.Minute, Clock: m.clock, Log: log}
	if err := New(m.dial, tape, plan, o).Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// The first year of the recorder's life: exactly one session each trading day, connected
// a minute before its open, gone within a minute after its close, and nothing in between.
func TestYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, trading := year()
		clock := &machine{}
		clock.set(t, first.String()+" 00:00:00")
		m, tape, plan := &market{clock: clock}, newTape(), exchange(t)
		runs(t, m, tape, plan, newYork(t, "2027-01-01 00:00:00"), nil)
		i, early := 0, 0
		for d := first; d.Year == 2026; d = d.AddDays(1) {
			for _, s := range plan.Sessions(d) {
				s.Stated = true
				if s.Seconds() == 12_600 {
					early++
				}
				checkDay(t, m, tape, s, i)
				i++
			}
		}
		if i != trading || early != 2 || len(m.conns) != i || len(m.tries) != i || len(tape.begun) != i {
			t.Errorf("%d sessions, %d of them early; %d connections, %d dials, begun %d times", i, early, len(m.conns), len(m.tries), len(tape.begun))
		}
	})
}

// year is where the year begins and how many sessions it has; with -short it is its last
// two months, in which are a change of the clocks, two holidays and both early closes.
func year() (first schedule.Date, sessions int) {
	if testing.Short() {
		return schedule.Date{Year: 2026, Month: time.November, Day: 1}, 42
	}
	return schedule.Date{Year: 2026, Month: time.January, Day: 1}, 251
}

// checkDay looks at the i-th session of a year without a disturbance.
func checkDay(t *testing.T, m *market, tape *memoryTape, s ledger.Session, i int) {
	t.Helper()
	if i >= len(m.conns) || i >= len(tape.begun) {
		t.Fatalf("session %s was not recorded", s.Date())
	}
	c := m.conns[i]
	ended := c.ended.UnixMilli()
	if tape.begun[i] != s || c.dialled.UnixMilli() != s.Open-60_000 || ended <= s.Close || ended > s.Close+60_000 || !c.polite {
		t.Fatalf("session %s: begun %v, connected %s to %s, politely %v", s.Date(), tape.begun[i], c.dialled, c.ended, c.polite)
	}
	if n := int64(len(tape.trades[s])); n < s.Seconds()/30-1 || n > s.Seconds()/30 {
		t.Fatalf("session %s has %d trades", s.Date(), n)
	}
	for state, n := range tally(s, tape.spans(s)) {
		if state != ledger.Traded && state != ledger.Quiet && n > 0 {
			t.Fatalf("session %s: %d s %s, by %v", s.Date(), n, state, tape.spans(s))
		}
	}
}

// tally is how many seconds of QLD are in which state, without a look at its trades.
func tally(s ledger.Session, spans []ledger.Span) map[ledger.State]int64 {
	states := map[ledger.State]int64{}
	line := ledger.NewTimeline(s, spans, "QLD", ledger.Crash)
	for r := range line.Runs(func(func(int64) bool) {}) {
		states[r.State] += r.Seconds()
	}
	return states
}

// The same year, with a restart at a random moment of each day: one session each trading
// day all the same, nobody connected outside of it, and no more lost than the restart took.
func TestYearOfRestarts(t *testing.T) {
	begin := *seed
	if begin == 0 {
		begin = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", begin)
	rng := rand.New(rand.NewPCG(begin, 0))
	synctest.Test(t, func(t *testing.T) {
		first, trading := year()
		clock := &machine{}
		clock.set(t, first.String()+" 00:00:00")
		m, tape, plan := &market{clock: clock}, newTape(), exchange(t)
		down := map[string]int64{} // seconds of a restart, by date
		for d := first; d.Year == 2026; d = d.AddDays(1) {
			runs(t, m, tape, plan, d.At(0).Add(time.Duration(rng.Int64N(int64(23*time.Hour)))), nil)
			away := rng.Int64N(30)
			time.Sleep(time.Duration(away) * time.Second)
			down[d.String()] = away
		}
		runs(t, m, tape, plan, newYork(t, "2027-01-01 00:00:00"), nil)
		sessions := map[ledger.Session]int{}
		for _, s := range tape.begun {
			sessions[s]++
		}
		days := 0
		for d := first; d.Year == 2026; d = d.AddDays(1) {
			for _, s := range plan.Sessions(d) {
				s.Stated = true
				days++
				if n := sessions[s]; n < 1 || n > 2 {
					t.Errorf("session %s was begun %d times", s.Date(), n)
				}
				if n := int64(len(tape.trades[s])); n < s.Seconds()/30-4 || n > s.Seconds()/30+1 {
					t.Errorf("session %s has %d trades, %d s were lost", s.Date(), n, down[d.String()])
				}
				delete(sessions, s)
			}
		}
		if days != trading || len(sessions) > 0 {
			t.Errorf("%d trading days, and %v besides", days, sessions)
		}
		for _, c := range m.conns {
			s := plan.Next(c.dialled.Add(-2 * time.Minute))
			if c.dialled.UnixMilli() < s.Open-60_000 || c.ended.UnixMilli() > s.Close+60_000 {
				t.Errorf("connected from %s to %s", c.dialled, c.ended)
			}
		}
	})
}

// The worst failure of the collector that this one replaces: it was dialling in vain when
// the market closed, and did so for ever.
func TestMarketClosesWhileTheFeedRefuses(t *testing.T) {
	for name, refusal := range map[string]error{
		"unreachable": errors.New("connection refused"), "key": refusedErr("key"), "slots": refusedErr("slots"), "rate": retryErr(300 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := &machine{}
				clock.set(t, "2026-11-19 12:00:00")
				from, until := newYork(t, "2026-11-19 15:00:00"), newYork(t, "2026-11-20 08:00:00")
				m := &market{clock: clock, refuse: func(now time.Time) error {
					if now.After(from) && now.Before(until) {
						return refusal
					}
					return nil
				}}
				tape, log := newTape(), new(bytes.Buffer)
				plan := exchange(t)
				runs(t, m, tape, plan, newYork(t, "2026-11-20 12:00:00"), slog.New(slog.NewTextHandler(log, nil)))
				closed, opens := newYork(t, "2026-11-19 16:00:00"), newYork(t, "2026-11-20 09:29:00")
				vain := 0
				for _, at := range m.tries {
					if at.After(from) && at.Before(closed) {
						vain++
					}
					if !at.Before(closed) && at.Before(opens) {
						t.Errorf("dialled at %s", at)
					}
				}
				if vain < 10 || !m.tries[len(m.tries)-1].Equal(opens) || len(m.conns) != 2 {
					t.Errorf("%d tries in vain, the last at %s; %d connections", vain, m.tries[len(m.tries)-1], len(m.conns))
				}
				first, second := stated(plan.Next(from)), stated(plan.Next(opens))
				if n := tally(first, tape.spans(first))[ledger.Down]; n < 3*3600-1800+3570 || n > 3*3600-1800+3600 { // nobody ran until noon
					t.Errorf("%d s of the first session are down: %v", n, tape.spans(first))
				}
				if n := len(tape.trades[second]); n < 298 {
					t.Errorf("%d trades of the second session", n)
				}
				if !strings.Contains(log.String(), "Market closed while not connected") || !strings.Contains(log.String(), "Next session: Fri Nov 20 09:30:00 AM EST (17 h 30 min)") {
					t.Errorf("the log says\n%s", log)
				}
			})
		})
	}
}

func stated(s ledger.Session) ledger.Session {
	s.Stated = true
	return s
}

// A machine that sleeps, or whose clock is set, is right again within a minute of waking.
func TestClockSteps(t *testing.T) {
	for _, c := range []struct {
		name, from, until string
		after             time.Duration // of the step
		step              time.Duration
		want              []string // when connections were made and left, on the machine's clock
	}{
		{"three hours asleep over the open", "08:00:00", "17:00:00", 50*time.Minute + time.Second, 3 * time.Hour, []string{"11:51:00 16:01:00"}},
		{"asleep over the close", "15:00:00", "19:00:00", 30*time.Minute + time.Second, 2 * time.Hour, []string{"15:00:00 17:30:01"}},
		{"an hour forward over the open", "08:00:00", "17:00:00", 45*time.Minute + time.Second, time.Hour, []string{"09:46:00 16:01:00"}},
		{"an hour forward in the session", "10:00:00", "17:00:00", 30*time.Minute + time.Second, time.Hour, []string{"10:00:00 16:01:00"}},
		{"an hour back over the open", "09:20:00", "17:00:00", 11*time.Minute + time.Second, -time.Hour, []string{"09:29:00 16:01:00"}},
		{"an hour back before the open", "09:00:00", "17:00:00", 11*time.Minute + time.Second, -time.Hour, []string{"09:29:00 16:01:00"}},
		{"an hour back after the close", "15:30:00", "17:00:00", 40*time.Minute + time.Second, -time.Hour, []string{"15:30:00 16:01:00", "15:11:00 16:01:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := &machine{}
				clock.set(t, "2026-11-20 "+c.from)
				m, tape := &market{clock: clock}, newTape()
				time.AfterFunc(c.after, func() { clock.step(c.step) })
				runs(t, m, tape, exchange(t), newYork(t, "2026-11-20 "+c.until), nil)
				var got []string
				for _, conn := range m.conns {
					const form = "15:04:05"
					got = append(got, conn.dialled.In(schedule.NewYork()).Format(form)+" "+conn.ended.In(schedule.NewYork()).Format(form))
				}
				if len(got) != len(c.want) {
					t.Fatalf("connected %q, want %q", got, c.want)
				}
				for i, want := range c.want {
					if got[i][:8] != want[:8] || !within(t, got[i][9:], want[9:], time.Minute) {
						t.Errorf("connected %q, want %q, and left a minute later at most", got, c.want)
					}
				}
				for _, s := range tape.begun {
					if s != tape.begun[0] {
						t.Errorf("sessions %v", tape.begun)
					}
				}
			})
		})
	}
}

// within says whether one time of day is another's, or up to d later.
func within(t *testing.T, got, want string, d time.Duration) bool {
	t.Helper()
	a, err := time.Parse(time.TimeOnly, got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := time.Parse(time.TimeOnly, want)
	if err != nil {
		t.Fatal(err)
	}
	return !a.Before(b) && a.Sub(b) <= d
}

// changing is a plan whose calendar changes at a moment.
type changing struct {
	before, after Plan
	at            time.Time
}

func (c changing) of(t time.Time) Plan {
	if t.Before(c.at) {
		return c.before
	}
	return c.after
}

func (c changing) Next(t time.Time) ledger.Session { return c.of(t).Next(t) }
func (c changing) Status(t time.Time) string       { return c.of(t).Status(t) }
func (c changing) Ahead(t time.Time) string        { return c.of(t).Ahead(t) }

// An early close that is announced while the session runs is followed; a day that is
// closed is left.
func TestPlanChangesInTheSession(t *testing.T) {
	for line, want := range map[string]string{
		"2026-11-20 early 13:00": "13:01:00",
		"2026-11-20 closed":      "11:30:30",
		"2026-11-20 open":        "16:01:00",
	} {
		t.Run(line, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				days, err := schedule.ParseOverrides(line)
				if err != nil {
					t.Fatal(err)
				}
				clock := &machine{}
				clock.set(t, "2026-11-20 09:00:00")
				m, tape, base := &market{clock: clock}, newTape(), exchange(t)
				plan := changing{base, base.With(schedule.Calendar{Overrides: days}), newYork(t, "2026-11-20 11:30:30")}
				runs(t, m, tape, plan, newYork(t, "2026-11-20 18:00:00"), nil)
				last := m.conns[len(m.conns)-1]
				if got := last.ended.In(schedule.NewYork()).Format(time.TimeOnly); !within(t, got, want, time.Minute) || !last.polite {
					t.Errorf("left at %s, want %s", got, want)
				}
				s := tape.begun[len(tape.begun)-1]
				if want == "13:01:00" && (s.Close != newYork(t, "2026-11-20 13:00:00").UnixMilli() || len(tape.begun) != 2) {
					t.Errorf("the sessions are %v", tape.begun)
				}
				if down := tally(s, tape.spans(s))[ledger.Down]; want == "13:01:00" && down > 121*60 { // the model of a tape has the two apart
					t.Errorf("%d s are down", down)
				}
			})
		})
	}
}

// While the market is closed there is a line when a session has ended, then at most one
// an hour, and one five minutes before the open. What a start finds, others have said.
func TestWaitingIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &machine{}
		clock.set(t, "2026-11-25 14:10:20")
		log := new(bytes.Buffer)
		handler := slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.String("at", clock.Now().In(schedule.NewYork()).Format("Mon 15:04:05"))
			}
			return a
		}})
		m := &market{clock: clock}
		runs(t, m, newTape(), exchange(t), newYork(t, "2026-11-27 09:31:00"), slog.New(handler))
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(log.String()), "\n"), func(line string) bool {
			return strings.Contains(line, " trades in ") // the health of each minute
		})
		for i, want := range map[int]string{
			0:              `at="Wed 14:10:20" level=INFO msg="Market Open - Connecting..."`,
			2:              `at="Wed 14:10:50" level=WARN msg="No trade yet, 30 seconds after the start"`,
			3:              `at="Wed 14:11:20" level=INFO msg="First trade: QLD 70.44, 60.0 s after the subscribe"`,
			4:              `at="Wed 16:00:00" level=INFO msg="Market closed during active connection"`,
			5:              `at="Wed 16:01:00" level=INFO msg="Market Status: CLOSED (After market close (4:00 PM New York)). Next session: Fri Nov 27 09:30:00 AM EST (41 h 29 min). Ahead: Thu Nov 26 closed (Thanksgiving Day), Fri Nov 27 closes at 1:00 PM (Day after Thanksgiving)"`,
			6:              `at="Wed 17:01:00" level=INFO msg="Market Status: CLOSED (After market close (4:00 PM New York)). Next session: Fri Nov 27 09:30:00 AM EST (40 h 29 min)"`,
			len(lines) - 4: `at="Fri 09:25:00" level=INFO msg="Market Status: CLOSED (Before market open (9:30 AM New York, Day after Thanksgiving)). Will connect at market open: 09:30:00 AM (5 minutes; dialling from 09:29:00)"`,
			len(lines) - 3: `at="Fri 09:29:00" level=INFO msg="Market Open - Connecting..."`,
		} {
			if lines[i] != want {
				t.Errorf("line %d is\n%s\nwant\n%s", i, lines[i], want)
			}
		}
		if n := len(lines); n != 6+41+4 {
			t.Errorf("%d lines:\n%s", n, log)
		}
	})
}

// A start while the market is closed says nothing before an hour has passed.
func TestWaitingAfterAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &machine{}
		clock.set(t, "2026-11-21 12:00:30")
		log := new(bytes.Buffer)
		runs(t, &market{clock: clock}, newTape(), exchange(t), newYork(t, "2026-11-21 14:00:00"), slog.New(slog.NewTextHandler(log, nil)))
		if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "CLOSED (Weekend). Next session: Mon Nov 23 09:30:00 AM EST (44 h 29 min)") {
			t.Errorf("it says\n%s", log)
		}
	})
}

// A session in which nothing goes wrong writes well under 1,000 lines, the canary, the
// health of each minute and all.
func TestHealthySessionsLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &machine{}
		clock.set(t, "2026-11-20 06:00:00")
		log := new(bytes.Buffer)
		handler := logs.New(slog.NewTextHandler(log, nil))
		runs(t, &market{clock: clock}, newTape(), exchange(t), newYork(t, "2026-11-20 20:00:00"), slog.New(handler))
		handler.Flush()
		lines := strings.Count(log.String(), "\n")
		t.Logf("%d lines, %d of them the health of a minute", lines, strings.Count(log.String(), " trades in "))
		if _, folded := handler.Counts(); lines < 390 || lines > 450 || folded > 0 || strings.Contains(log.String(), "level=WARN") && !strings.Contains(log.String(), "No trade yet") {
			t.Errorf("%d lines, %d folded:\n%s", lines, folded, log)
		}
	})
}
