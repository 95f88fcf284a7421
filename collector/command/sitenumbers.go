package command

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// mostSiteSymbols is how many symbols the page is told the numbers of.
const mostSiteSymbols = 200

// siteSymbol is what is known of a symbol in a session.
type siteSymbol struct {
	Symbol    string   `json:"symbol"`
	Trades    int64    `json:"trades"`
	LastTrade *int64   `json:"last_trade"`
	LastPrice *string  `json:"last_price"`
	Covered   *float64 `json:"covered"` // 0 to 1
	Traded    int64    `json:"traded"`  // seconds
	Quiet     int64    `json:"quiet"`
	Partial   int64    `json:"partial"`
	Down      int64    `json:"down"`
	Unknown   int64    `json:"unknown"`

	seconds ledger.Tally
}

// numbers are those of a session at a moment.
type numbers struct {
	session ledger.Session
	until   int64
	symbols []siteSymbol // the first of them
	count   int          // of all
	covered float64      // the part of the time so far that was heard, all symbols; -1: not known
}

// numbersCache keeps the numbers of the last session: to fold it takes up to a second, beside
// a recording that is very busy many, and the page wants them each second.
type numbersCache struct {
	mu    sync.Mutex
	known *numbers
	at    time.Time
	took  time.Duration
	busy  chan struct{} // closed when whoever counts has ended; nil: nobody does
}

const (
	numbersEvery = 900 * time.Millisecond
	numbersShare = 10              // at most a tenth of the time goes into them
	numbersWait  = 2 * time.Second // for those that somebody else counts
)

// last are the numbers of a session as they were counted last, nil if they were not.
func (c *numbersCache) last(s ledger.Session) *numbers {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || c.known.session != s {
		return nil
	}
	return c.known
}

// of are the numbers of a session, counted again if they are not new enough. While somebody
// else counts it waits a little, and then returns the last ones, nil if there are none.
func (c *numbersCache) of(ctx context.Context, b book, s store.Summary) (*numbers, error) {
	c.mu.Lock()
	if c.known != nil && c.known.session == s.Session && time.Since(c.at) < max(numbersEvery, numbersShare*c.took) {
		defer c.mu.Unlock()
		return c.known, nil
	}
	if busy := c.busy; busy != nil {
		c.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
		case <-time.After(numbersWait):
		}
		return c.last(s.Session), ctx.Err()
	}
	done := make(chan struct{})
	c.busy = done
	c.mu.Unlock()
	begun := time.Now()
	n, err := numbersOf(ctx, b, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(done)
	if c.busy = nil; err != nil {
		return nil, err
	}
	c.known, c.at, c.took = n, time.Now(), time.Since(begun)
	return n, nil
}

func numbersOf(ctx context.Context, b book, s store.Summary) (*numbers, error) {
	r := b.Read().Within(ctx)
	names, err := r.Symbols(s.Session)
	if err != nil {
		return nil, err
	}
	until, err := r.Until(s.Session)
	if err != nil {
		return nil, err
	}
	n := &numbers{session: s.Session, until: until, count: len(names)}
	sel := &selection{ctx: ctx, sessions: []store.Summary{s}, from: math.MinInt64, to: math.MaxInt64, symbols: names[:min(len(names), mostSiteSymbols)]}
	seconds, err := tradedSeconds(sel, r)
	if err != nil {
		return nil, err
	}
	latest := b.Latest(s.Session)
	for _, name := range sel.symbols {
		line, err := sel.line(r, pair{name, s.Session})
		if err != nil {
			return nil, err
		}
		t := seconds[name]
		l := siteSymbol{Symbol: name, Trades: t.trades, LastPrice: t.price, seconds: line.Tally(t.starts, s.Session.Open, until/1000*1000)}
		if t.trades > 0 {
			last := max(latest[name], t.starts[len(t.starts)-1])
			l.LastTrade = &last
		}
		l.fill()
		n.symbols = append(n.symbols, l)
	}
	n.covered, err = heardPart(r, s.Session, names, until)
	return n, err
}

// heardPart is the part of the time until until in which the symbols were heard, by the ledger
// alone; -1 when it says nothing.
func heardPart(r *store.Reading, s ledger.Session, names []string, until int64) (float64, error) {
	lines, err := r.Timelines(s)
	if err != nil {
		return 0, err
	}
	heard, known := int64(0), int64(0)
	for _, name := range names {
		for _, p := range lines(name) {
			length := min(p.Until, until) - p.From
			if length <= 0 || !p.Known {
				continue
			}
			if known += length; p.Cause == ledger.Heard {
				heard += length
			}
		}
	}
	if known == 0 {
		return -1, nil
	}
	return float64(heard) / float64(known), nil
}

// fill names the seconds by their states.
func (l *siteSymbol) fill() {
	n := l.seconds
	l.Traded, l.Quiet, l.Partial, l.Down, l.Unknown = n[ledger.Traded], n[ledger.Quiet], n[ledger.Partial], n[ledger.Down], n[ledger.Unknown]
	if heard, known := l.Traded+l.Quiet, l.Traded+l.Quiet+l.Partial+l.Down; known > 0 {
		part := float64(heard) / float64(known)
		l.Covered = &part
	}
}

// traded is the seconds in which a symbol traded.
type traded struct {
	starts []int64
	trades int64
	price  *string // the last one
}

// tradedSeconds are those of each symbol of a selection of one session; none where they
// were dropped.
func tradedSeconds(sel *selection, r *store.Reading) (map[string]traded, error) {
	of := make(map[string]traded)
	for p, run := range sel.candles(r, candle.Second, false) {
		var gone *store.Dropped
		if errors.As(run.err, &gone) {
			return of, nil
		}
		if run.err != nil {
			return nil, run.err
		}
		t := of[p.symbol]
		for i := range run.row.Candles {
			t.starts = append(t.starts, run.row.Candles[i].Start)
			t.trades += run.row.Candles[i].Trades
		}
		if n := len(run.row.Candles); n > 0 {
			price := run.row.Candles[n-1].Close.String()
			t.price = &price
		}
		of[p.symbol] = t
	}
	return of, nil
}
