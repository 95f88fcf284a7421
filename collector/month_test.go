package collector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// tape that the exchange prints, whoever listens: each symbol every so often, on average.
var printed = []struct {
	symbol string
	every  time.Duration
}{{"QQQ", 3 * time.Second}, {"BUSY", 4 * time.Second}, {"SLOW", 40 * time.Second}, {"RARE", 10 * time.Minute}}

// print is one trade of the exchange.
type print struct {
	symbol string
	t      int64
	price  int64
}

// exchangeOf prints a session, by time.
func exchangeOf(s ledger.Session, dice *rand.Rand) (list []print) {
	for _, p := range printed {
		for t := s.Open; ; {
			t += int64(dice.ExpFloat64() * float64(p.every.Milliseconds()))
			if t >= s.Close && p.symbol != "QQQ" || t >= s.Close+60_000 { // it trades on
				break
			}
			list = append(list, print{p.symbol, t, int64(len(list) + 1)})
		}
	}
	slices.SortFunc(list, func(a, b print) int { return int(a.t - b.t) })
	return list
}

// unsteady is a feed over which the exchange's tape comes with all kinds of trouble. Its
// own log is the truth that the recorder's ledger is held against.
type unsteady struct {
	dice  *rand.Rand
	tapes map[int64][]print // by the open of the session
	plan  Plan

	mu  sync.Mutex
	all []*unsteadyConn
}

// unsteadyConn is what the server knows of a connection.
type unsteadyConn struct {
	feed       *unsteady
	lag        time.Duration // of every frame, so that none overtakes another
	ends, mute time.Duration // after the subscribe; mute: nothing is sent from then on
	closed     chan struct{}
	once       sync.Once

	subscribed, asked int64           // when the server read the subscribes, 0 is never
	ahead             []print         // of the tape
	echoes            []print         // to come first
	sentUntil         int64           // the greatest t that was sent, and when the last was
	last              time.Time       //
	sent              map[string]bool // prints, by symbol and time
}

func (f *unsteady) dial(ctx context.Context) (Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.dice.IntN(12) {
	case 0:
		return nil, errors.New("connection refused")
	case 1:
		if f.dice.IntN(8) == 0 {
			return nil, refusedErr([]string{"slots", "key", "server"}[f.dice.IntN(3)])
		}
	case 2:
		wait(ctx, time.Duration(f.dice.IntN(8))*time.Second) // a slow handshake
	}
	c := &unsteadyConn{feed: f, closed: make(chan struct{}), sent: map[string]bool{}}
	c.lag = time.Duration(f.dice.IntN(4000)) * time.Millisecond
	c.ends = time.Duration(f.dice.ExpFloat64() * float64(150*time.Second))
	c.mute = 1 << 60
	if f.dice.IntN(15) == 0 {
		// A feed that is mute before it has ever sent the canary cannot be told from one
		// that does not know it.
		c.mute, c.ends = c.ends+time.Minute, 1<<60
	}
	f.all = append(f.all, c)
	return c, nil
}

func (c *unsteadyConn) Subscribe(_ context.Context, symbols []string) error {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	now := time.Now().UnixMilli()
	s := c.feed.plan.Next(time.UnixMilli(now))
	tape := c.feed.tapes[s.Open]
	from, _ := slices.BinarySearchFunc(tape, now, func(p print, t int64) int { return int(p.t - t) })
	if c.subscribed == 0 {
		c.subscribed, c.last = now, time.Now()
		c.ahead = tape[from:]
	} else {
		c.asked = now
	}
	for i := from - 1; i >= 0 && len(symbols) > 0; i-- {
		if at := slices.Index(symbols, tape[i].symbol); at >= 0 {
			c.echoes = append(c.echoes, tape[i])
			symbols = slices.Delete(slices.Clone(symbols), at, at+1)
		}
	}
	return nil
}

// next is what is sent next and when, false for nothing any more.
func (c *unsteadyConn) next() (p print, at time.Time, echo, ok bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if len(c.echoes) > 0 {
		p, c.echoes = c.echoes[0], c.echoes[1:]
		return p, time.Now().Add(20 * time.Millisecond), true, true
	}
	for len(c.ahead) > 0 {
		p, c.ahead = c.ahead[0], c.ahead[1:]
		if p.symbol != "QQQ" || c.asked > 0 && p.t >= c.asked {
			return p, time.UnixMilli(p.t).Add(c.lag), false, true
		}
	}
	return p, at, false, false
}

func (c *unsteadyConn) Read(_ context.Context, t *candle.Trade) (ledger.Count, error) {
	p, at, echo, ok := c.next()
	end := time.UnixMilli(c.subscribed).Add(min(c.ends, c.mute))
	if !ok || at.After(end) {
		at = end
	}
	timer := time.NewTimer(max(time.Until(at), 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
		return "", errors.New("closed")
	}
	if at.Equal(end) {
		if c.mute < c.ends || !ok && c.ends > 24*time.Hour {
			<-c.closed // open, and mute
		}
		return "", errors.New("cut")
	}
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	c.sent[fmt.Sprint(p.symbol, p.t)] = true
	if !echo {
		c.sentUntil, c.last = max(c.sentUntil, p.t), time.Now()
	}
	*t = candle.Trade{Symbol: p.symbol, Time: p.t, Price: candle.Decimal{Units: p.price}, Size: candle.Decimal{Units: 100}}
	return ledger.Accepted, nil
}

func (c *unsteadyConn) Ping(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return errors.New("closed")
	case <-time.After(5 * time.Millisecond):
		return nil
	}
}
func (c *unsteadyConn) Close(string) error { return c.CloseNow() }
func (c *unsteadyConn) CloseNow() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// month runs a month of sessions, with -short four of them, and returns what the recorder
// wrote and the server knows.
func month(t *testing.T, dice *rand.Rand) (f *unsteady, tape *memoryTape, sessions []ledger.Session) {
	plan := exchange(t)
	f = &unsteady{dice: dice, tapes: map[int64][]print{}, plan: plan}
	tape = newTape()
	n := 20
	if testing.Short() {
		n = 4
	}
	at := time.Now()
	for range n {
		s := plan.Next(at)
		f.tapes[s.Open] = exchangeOf(s, dice)
		at = time.UnixMilli(s.Close)
		sessions = append(sessions, stated(s))
	}
	o := Options{Symbols: []string{"BUSY", "SLOW", "RARE"}, Canary: "QQQ", Stated: true, OpenLead: time.Minute, CloseGrace: time.Minute}
	for time.Now().Before(at.Add(time.Hour)) { // and a restart now and then
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(dice.Int64N(int64(10*time.Hour))))
		if err := New(f.dial, tape, plan, o).Run(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(time.Duration(dice.IntN(20)) * time.Second)
	}
	return f, tape, sessions
}

// judge holds a ledger against the server's log, and returns what is wrong with it and how
// many seconds are in each state.
func judge(f *unsteady, tape *memoryTape, sessions []ledger.Session, spansOf func(ledger.Session) []ledger.Span) (wrong []string, tally map[ledger.State]int64) {
	tally = map[ledger.State]int64{}
	for _, s := range sessions {
		spans := spansOf(s)
		for _, symbol := range []string{"BUSY", "SLOW", "RARE"} {
			recorded := map[int64]int{}
			for _, trade := range tape.trades[s] {
				if trade.Symbol == symbol {
					recorded[trade.Time/1000*1000]++
				}
			}
			really := map[int64]int{}
			for _, p := range f.tapes[s.Open] {
				if p.symbol == symbol {
					really[p.t/1000*1000]++
				}
			}
			line := ledger.NewTimeline(s, spans, symbol, ledger.Shutdown)
			for r := range line.Runs(slices.Values(slices.Sorted(maps.Keys(recorded)))) {
				tally[r.State] += r.Seconds()
				if r.State != ledger.Quiet && r.State != ledger.Traded {
					continue
				}
				for second := r.From; second < r.Until; second += 1000 {
					if recorded[second] != really[second] {
						wrong = append(wrong, fmt.Sprintf("%s, %s, %s: %d trades of %d", s.Date(), symbol, time.UnixMilli(second).UTC().Format(time.TimeOnly), recorded[second], really[second]))
					}
					if !f.vouches(second) {
						wrong = append(wrong, fmt.Sprintf("%s, %s, %s is %s, and no connection was there", s.Date(), symbol, time.UnixMilli(second).UTC().Format(time.TimeOnly), r.State))
					}
				}
			}
		}
	}
	return wrong, tally
}

// vouches says whether a connection had read the subscribe before the second, and sent
// something later that is not older than its end.
func (f *unsteady) vouches(second int64) bool {
	for _, c := range f.all {
		if c.subscribed == 0 || c.subscribed > second {
			continue
		}
		if c.sentUntil >= second+1000 || c.last.UnixMilli() >= second+1000 {
			return true
		}
	}
	return false
}

// A month of random faults: every second that the ledger calls quiet or traded has all of
// its trades, and a connection that was there for it; and a ledger that goes by the time of
// arrival, as one would write it first, is found out.
func TestMonthOfFaults(t *testing.T) {
	begin := *seed
	if begin == 0 {
		begin = rand.Uint64()
	}
	t.Logf("-seed %d", begin)
	synctest.Test(t, func(t *testing.T) {
		f, tape, sessions := month(t, rand.New(rand.NewPCG(begin, 2)))
		wrong, tally := judge(f, tape, sessions, tape.spans)
		for _, w := range wrong[:min(len(wrong), 10)] {
			t.Error(w)
		}
		for _, state := range []ledger.State{ledger.Traded, ledger.Quiet, ledger.Partial, ledger.Down} {
			if least := int64(1000) * int64(len(sessions)) / 20; tally[state] < least {
				t.Errorf("%d seconds are %s, of %d at least", tally[state], state, least)
			}
		}
		broken, _ := judge(f, tape, sessions, func(s ledger.Session) []ledger.Span { return byArrival(f, tape.spans(s)) })
		if len(broken) == 0 {
			t.Error("a ledger by the time of arrival passes")
		}
		t.Logf("%d connections in %d sessions, seconds %v; a ledger by arrival is wrong %d times", len(f.all), len(sessions), tally, len(broken))
	})
}

// byArrival is the ledger with the end of what was heard as it arrived, and not as it
// happened.
func byArrival(f *unsteady, spans []ledger.Span) []ledger.Span {
	spans = slices.Clone(spans)
	for i, p := range spans {
		if p.Cause != ledger.Heard {
			continue
		}
		for _, c := range f.all {
			if c.sentUntil == p.Until {
				spans[i].Until = c.last.UnixMilli()
			}
		}
	}
	return spans
}
