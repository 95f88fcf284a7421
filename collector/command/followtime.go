package command

import (
	"io"
	"maps"
	"slices"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/export"
)

// kept is how long a candle that was shown is kept in memory, in time of the market: a
// trade that comes later still has it made again from the file.
const kept = 2 * time.Minute

// timeSink is where candles of time go, such as an export.TimeCandles.
type timeSink interface {
	Encode(symbol string, c *candle.Candle, state ledger.State) error
	Amend(symbol string, c *candle.Candle, state ledger.State) error
	Flush() error
}

// followedTime writes candles of time. One is closed when the market is settled past its
// end, or our clock closedByClock past it; a trade that comes later has it written again,
// amended.
type followedTime struct {
	timeSink
	interval candle.Interval
	anchored bool
	settle   int64
	symbols  map[string]*opening
	busy     map[string]bool // symbols with something to show
}

// opening is the candles of one symbol that may still change.
type opening struct {
	candles map[int64]*forming // by start
	pruned  int64              // what starts before it is not in candles any more
	stale   map[int64]bool     // starts of candles that changed behind it
}

type forming struct {
	candle.Candle
	shown   bool
	changed bool // since it was shown
	fresh   bool // since it was told of while it forms
}

func newFollowedTime(w io.Writer, o export.Options, d export.Decimals, v candle.Interval, anchored bool, settle time.Duration) (followed, error) {
	out, err := export.NewTimeCandles(w, o, d)
	return newFollowedTimeTo(out, v, anchored, settle), err
}

func newFollowedTimeTo(to timeSink, v candle.Interval, anchored bool, settle time.Duration) *followedTime {
	return &followedTime{timeSink: to, interval: v, anchored: anchored, settle: settle.Milliseconds(), symbols: make(map[string]*opening), busy: make(map[string]bool)}
}

// anchor is where the candles of a session are aligned.
func (c *followedTime) anchor(s ledger.Session) int64 {
	if c.anchored || c.interval.Kind() == candle.Day {
		return s.Open
	}
	return 0
}

// end is where a candle that starts then ends.
func (c *followedTime) end(s ledger.Session, start int64) int64 {
	if c.interval.Kind() == candle.Day {
		return s.Close
	}
	return min(start+c.interval.Millis(), s.Close)
}

// begin takes the trades on file as if they came just now, symbol by symbol, so that of a
// whole market it holds the candles of one.
func (c *followedTime) begin(f *follower, r *store.Reading) error {
	clear(c.symbols)
	clear(c.busy)
	now := f.book.now().UnixMilli()
	symbol := ""
	for row, err := range r.Trades(f.session, f.names) {
		if err != nil {
			return err
		}
		if row.Symbol != symbol {
			if err := c.show(f, now, false); err != nil {
				return err
			}
			symbol = row.Symbol
		}
		f.note(&row)
		c.put(f.session, &row.Trade)
	}
	return c.show(f, now, false)
}

func (c *followedTime) add(f *follower, _ int64, t *candle.Trade) error {
	c.put(f.session, t)
	return nil
}

// put folds a trade into its candle.
func (c *followedTime) put(s ledger.Session, t *candle.Trade) {
	o := c.symbols[t.Symbol]
	if o == nil {
		o = &opening{candles: make(map[int64]*forming), stale: make(map[int64]bool)}
		c.symbols[t.Symbol] = o
	}
	c.busy[t.Symbol] = true
	start := c.interval.Start(t.Time, c.anchor(s))
	if start < o.pruned {
		o.stale[start] = true
		return
	}
	one := candle.Of(t)
	one.Start = start
	known := o.candles[start]
	if known == nil {
		o.candles[start] = &forming{Candle: one, fresh: true}
		return
	}
	known.Candle = candle.Merge(c.interval, known.Candle, one)
	known.changed, known.fresh = known.shown, true
}

// show writes what is closed and was not written, or has changed since.
func (c *followedTime) show(f *follower, now int64, ended bool) error {
	if len(c.busy) == 0 {
		return nil
	}
	spans, err := f.book.Spans(f.session)
	if err != nil {
		return err
	}
	for _, symbol := range slices.Sorted(maps.Keys(c.busy)) {
		line := ledger.NewTimeline(f.session, spans, symbol, ledger.Heard)
		more, err := c.showSymbol(f, symbol, line, now, ended)
		if err != nil {
			return err
		}
		if !more {
			delete(c.busy, symbol)
		}
	}
	return nil
}

// showSymbol shows what is closed of one symbol; more says that something is not yet.
func (c *followedTime) showSymbol(f *follower, symbol string, line ledger.Timeline, now int64, ended bool) (more bool, err error) {
	o := c.symbols[symbol]
	if len(o.stale) > 0 {
		if err := c.remake(f, symbol, o, line); err != nil {
			return false, err
		}
	}
	for _, start := range slices.Sorted(maps.Keys(o.candles)) {
		k, end := o.candles[start], c.end(f.session, start)
		state, _ := line.State(start, end, true)
		switch closed := ended || end+c.settle <= f.latest || end+max(c.settle, closedByClock.Milliseconds()) <= now; {
		case !closed:
			more = true
			continue
		case !k.shown:
			err = c.Encode(symbol, &k.Candle, state)
		case k.changed:
			err = c.Amend(symbol, &k.Candle, state)
		}
		if err != nil {
			return false, err
		}
		k.shown, k.changed = true, false
		if end+kept.Milliseconds() < f.latest {
			delete(o.candles, start)
			o.pruned = max(o.pruned, start+1)
		}
	}
	return more, nil
}

// remake writes again what changed so late that it has to be read from the file.
func (c *followedTime) remake(f *follower, symbol string, o *opening, line ledger.Timeline) error {
	for row, err := range f.book.Read().Candles(f.session, []string{symbol}, c.interval, c.anchor(f.session)) {
		if err != nil {
			return err
		}
		if !o.stale[row.Start] {
			continue
		}
		state, _ := line.State(row.Start, c.end(f.session, row.Start), true)
		if err := c.Amend(symbol, &row.Candle, state); err != nil {
			return err
		}
	}
	clear(o.stale)
	return nil
}
