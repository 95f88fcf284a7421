package collector

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// frame is one line of a connection's script.
type frame struct {
	at    int64 // event time at which it arrives
	trade candle.Trade
	count ledger.Count // "" is a trade
	err   error
}

// fakeConn plays a script. Times are those of the clock, which in a bubble is the
// bubble's.
type fakeConn struct {
	script []frame
	clock  schedule.Clock
	delay  time.Duration // from a ping to its pong
	mute   bool          // no pongs
	sings  bool          // a frame of QQQ each 10 s, from when somebody subscribes to it

	mu         sync.Mutex
	once       sync.Once
	closed     chan struct{}
	subscribed int64
	canaries   int           // times that QQQ was asked for
	sang       int64         // when QQQ sang last
	asked      chan struct{} // for QQQ
	pongs      []int64
	read       []frame // handed out
	reason     string  // of Close
	closedAt   int64
}

func (c *fakeConn) Subscribe(_ context.Context, symbols []string) error {
	if symbols[0] == "QQQ" {
		c.canaries++
	}
	if c.sings && symbols[0] == "QQQ" {
		c.mu.Lock()
		c.sang = c.clock.Now().UnixMilli()
		c.mu.Unlock()
		close(c.asked)
		return nil
	}
	c.subscribed = c.clock.Now().UnixMilli()
	return nil
}

func (c *fakeConn) Read(ctx context.Context, t *candle.Trade) (ledger.Count, error) {
	c.mu.Lock()
	var next *frame
	if len(c.script) > 0 {
		next = &c.script[0]
	}
	asked, song := c.asked, false
	if c.sang > 0 {
		asked = nil
		if at := c.sang + 10_000; next == nil || at < next.at {
			f := trade("QQQ", float64(at-base)/1000, 0)
			next, song = &f, true
		}
	}
	c.mu.Unlock()
	if next == nil && asked != nil {
		select {
		case <-asked:
			return c.Read(ctx, t)
		case <-c.closed:
		}
	}
	if next == nil {
		<-c.closed
		return "", errors.New("closed")
	}
	if d := c.clock.Wall(time.UnixMilli(next.at).Sub(c.clock.Now())); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-asked:
			return c.Read(ctx, t)
		case <-c.closed:
			return "", errors.New("closed")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if song {
		c.sang = next.at
		*t = next.trade
		return ledger.Accepted, nil
	}
	c.script = c.script[1:]
	if next.err != nil {
		return "", next.err
	}
	if next.count != "" {
		return next.count, nil
	}
	c.read = append(c.read, *next)
	*t = next.trade
	return ledger.Accepted, nil
}

func (c *fakeConn) Ping(ctx context.Context) error {
	if c.mute {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.closed:
			return errors.New("closed")
		}
	}
	timer := time.NewTimer(c.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return errors.New("closed")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pongs = append(c.pongs, c.clock.Now().UnixMilli())
	return nil
}

func (c *fakeConn) Close(reason string) error {
	c.mu.Lock()
	c.reason, c.closedAt = reason, c.clock.Now().UnixMilli()
	c.mu.Unlock()
	return c.CloseNow()
}

func (c *fakeConn) CloseNow() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// fakeFeed hands out connections in turn; after the last it refuses.
type fakeFeed struct {
	conns []*fakeConn
	errs  map[int]error // of the n-th dial, in place of a connection
	dials []int64
	clock schedule.Clock
}

func (f *fakeFeed) dial(context.Context) (Conn, error) {
	if f.clock == nil {
		f.clock = Clock{}
	}
	f.dials = append(f.dials, f.clock.Now().UnixMilli())
	if err := f.errs[len(f.dials)-1]; err != nil {
		return nil, err
	}
	if len(f.conns) == 0 {
		return nil, errors.New("nobody there")
	}
	c := f.conns[0]
	f.conns = f.conns[1:]
	c.closed = make(chan struct{})
	c.asked = make(chan struct{})
	c.clock = f.clock
	if c.delay == 0 {
		c.delay = 10 * time.Millisecond
	}
	return c, nil
}

// refusedErr is a refusal in one word.
type refusedErr string

func (e refusedErr) Error() string   { return "refused: " + string(e) }
func (e refusedErr) Refusal() string { return string(e) }

type fullErr struct{}

func (fullErr) Error() string { return "no space left on device" }
func (fullErr) Full() bool    { return true }

// memoryTape is the model of a tape.
type memoryTape struct {
	mu      sync.Mutex
	begun   []ledger.Session
	joined  []int64
	trades  map[ledger.Session][]candle.Trade
	settled map[ledger.Session][]ledger.Span
	open    map[ledger.Session][]ledger.Span
	counts  map[ledger.Session]ledger.Counts
	staged  int
	commits []time.Time
	durable int // trades
	total   int
	pinned  int                           // pretend that this much is staged
	commit  func(n int, staged int) error // what the n-th commit does

	seals      []sealed
	unsealed   int64
	unfinished []ledger.Session
	seal       func(ctx context.Context, n int) error // what the n-th seal does
}

func newTape() *memoryTape {
	return &memoryTape{trades: map[ledger.Session][]candle.Trade{}, settled: map[ledger.Session][]ledger.Span{},
		open: map[ledger.Session][]ledger.Span{}, counts: map[ledger.Session]ledger.Counts{}}
}

func (m *memoryTape) Last() (last ledger.Session, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.begun {
		if !ok || s.Open > last.Open {
			last, ok = s, true
		}
	}
	return last, ok, nil
}

func (m *memoryTape) Begin(s ledger.Session, now int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.joined = append(m.begun, s), append(m.joined, now)
	m.counts[s] = ledger.Counts{}
	return nil
}

func (m *memoryTape) Append(s ledger.Session, trades []candle.Trade) (left ledger.Counts, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
next:
	for i := range trades {
		if trades[i].Echo {
			for j := range m.trades[s] {
				if m.trades[s][j].Same(&trades[i]) {
					if left == nil {
						left = ledger.Counts{}
					}
					left[ledger.RejectedEcho]++
					continue next
				}
			}
		}
		m.trades[s] = append(m.trades[s], trades[i])
		m.staged += tradeBytes
		m.total++
	}
	return left, nil
}

func (m *memoryTape) Unsealed(ledger.Session) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unsealed
}

func (m *memoryTape) Unfinished() ([]ledger.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unfinished, nil
}

func (m *memoryTape) Seal(ctx context.Context, s ledger.Session, ended bool) error {
	m.mu.Lock()
	n := len(m.seals)
	m.seals = append(m.seals, sealed{time.Now(), s, ended, m.durable})
	m.unsealed = 0
	m.mu.Unlock()
	if m.seal != nil {
		return m.seal(ctx, n)
	}
	return nil
}

// sealed is a call of Seal.
type sealed struct {
	at      time.Time
	session ledger.Session
	ended   bool
	durable int // trades committed then
}

func (m *memoryTape) Enter(s ledger.Session, settled, open []ledger.Span) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settled[s] = append(m.settled[s], settled...)
	m.open[s] = append([]ledger.Span(nil), open...)
}

func (m *memoryTape) Count(s ledger.Session, c ledger.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, n := range c {
		m.counts[s].Add(name, n)
	}
}

func (m *memoryTape) Staged() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.staged + m.pinned
}

func (m *memoryTape) Commit() error {
	m.mu.Lock()
	n, staged, total := len(m.commits), m.staged, m.total
	m.commits = append(m.commits, time.Now())
	m.mu.Unlock()
	if m.commit != nil {
		if err := m.commit(n, staged); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.staged -= staged
	m.durable = total
	return nil
}

// frames are the counts of frames and connections, without the statistics beside them.
func (m *memoryTape) frames(s ledger.Session) ledger.Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	plain := maps.Clone(m.counts[s])
	maps.DeleteFunc(plain, func(name ledger.Count, _ int64) bool {
		return !slices.Contains([]ledger.Count{ledger.Accepted, ledger.Connections, ledger.Reconnects, ledger.Lost}, name) && !strings.HasPrefix(string(name), "rejected_")
	})
	return plain
}

// spans is the session's ledger as a reader finds it.
func (m *memoryTape) spans(s ledger.Session) []ledger.Span {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append(append([]ledger.Span(nil), m.settled[s]...), m.open[s]...)
}

// planOf is a plan of the given sessions, in order, and a far one behind them.
type planOf []ledger.Session

func (p planOf) Next(t time.Time) ledger.Session {
	for _, s := range p {
		if t.UnixMilli() < s.Close {
			return s
		}
	}
	far := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	return ledger.Session{Hours: ledger.Regular, Open: far, Close: far + 1000}
}

func (planOf) Status(time.Time) string { return "CLOSED" }

func (planOf) Ahead(time.Time) string { return "" }

// base is when a bubble begins, and what scripts count from.
var base = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// at is a moment of a bubble, in seconds.
func at(seconds float64) int64 { return base + int64(seconds*1000) }

// trade makes a frame that arrives at the given second with a trade of lag seconds before.
func trade(symbol string, seconds, lag float64) frame {
	return frame{at: at(seconds), trade: candle.Trade{Symbol: symbol, Time: at(seconds - lag),
		Price: candle.Decimal{Units: 7044, Scale: 2}, Size: candle.Decimal{Units: 100}}}
}

func session(open, close float64) ledger.Session {
	return ledger.Session{Hours: ledger.Regular, Open: at(open), Close: at(close), Stated: true}
}

// record runs a recorder until the given second, in a bubble.
func record(t *testing.T, f *fakeFeed, tape *memoryTape, plan Plan, o Options, until float64) *Recorder {
	t.Helper()
	if o.CommitEvery == 0 {
		o.CommitEvery = time.Second
	}
	if o.Clock == nil {
		o.Clock = Clock{}
	}
	f.clock = o.Clock
	r := New(f.dial, tape, plan, o)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(o.Clock.Wall(time.UnixMilli(at(until)).Sub(o.Clock.Now())), cancel)
	if err := r.Run(ctx); err != nil {
		t.Fatalf("Run: %v", err)
	}
	return r
}
