package command

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/export"
)

// followLook is how often it is looked for what has been committed.
const followLook = 250 * time.Millisecond

// A candle shows as closed when the market is --settle past its end, or when our clock is
// so far past it though the market says nothing.
const closedByClock = 15 * time.Second

// follower writes the rows of a running session as they come.
type follower struct {
	book  book
	names []string // symbols that are followed, sorted; nil is all
	rows  followed

	session ledger.Session
	latest  int64 // the greatest time of a trade
	seq     int64 // of the trade that was on file last when it began, of its symbol
}

// exportFollower follows one session after the other into an output.
type exportFollower struct {
	follower
	export *exportCommand
	out    io.Writer
	sel    *selection
	tail   *store.Tail
}

// followed is the rows of one kind, as they come.
type followed interface {
	// begin begins a session with what is on file of it.
	begin(f *follower, r *store.Reading) error
	// add takes a trade of a selected symbol.
	add(f *follower, seq int64, t *candle.Trade) error
	// show writes the candles that are closed, with ended all of them.
	show(f *follower, now int64, ended bool) error
	Flush() error
}

// follow writes what is recorded until ctx ends, which is no failure.
func (e *exportCommand) follow(ctx context.Context, b book, out io.Writer) (string, error) {
	if b.live == nil {
		return "", &hinted{errors.New("nobody records into " + b.Path() + ", so that there is nothing to follow"), program() + " run"}
	}
	f := &exportFollower{follower: follower{book: b}, export: e, out: out}
	if e.Symbols != nil {
		f.names = slices.Sorted(slices.Values(e.Symbols))
	}
	err := f.run(ctx)
	if ctx.Err() != nil {
		err = nil
	}
	return "", err
}

func (f *exportFollower) run(ctx context.Context) error {
	if err := f.start(); err != nil {
		return err
	}
	look := time.NewTicker(followLook)
	defer look.Stop()
	for {
		if err := f.look(ctx); err != nil {
			return err
		}
		if err := f.flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// start makes the encoder. The columns have the decimals that what is on file needs, prices
// at least 4: what needs more is written with more.
func (f *exportFollower) start() error {
	o, err := f.export.options("")
	if err != nil {
		return err
	}
	o.Follow = true
	d := export.Decimals{Price: 4}
	v, err := f.export.interval()
	if err != nil {
		return err
	}
	switch {
	case f.export.What == "trades":
		f.rows, err = newFollowedTrades(f.out, o, d)
	case v.ByTime():
		f.rows, err = newFollowedTime(f.out, o, d, v, f.export.Anchor == "session", time.Duration(f.export.Settle))
	default:
		f.rows, err = newFollowedCount(f.out, o, d, v)
	}
	var none *export.NoColumn
	if errors.As(err, &none) {
		return &usage{problem: "--columns: " + err.Error()}
	}
	return err
}

// flush lets whoever reads see the rows so far.
func (f *exportFollower) flush() error {
	if err := f.rows.Flush(); err != nil {
		return err
	}
	if out, ok := f.out.(interface{ Flush() error }); ok {
		return out.Flush()
	}
	return nil
}

// look reads what is new.
func (f *exportFollower) look(ctx context.Context) error {
	r := f.book.Read().Within(ctx)
	all, err := r.Sessions()
	if err != nil || len(all) == 0 {
		return err
	}
	last := all[len(all)-1].Session
	if f.tail != nil {
		if err := f.more(ctx, last != f.session); err != nil {
			return err
		}
	}
	if last == f.session || last.Close+f.grace() <= f.book.now().UnixMilli() {
		return nil
	}
	f.enter(last)
	f.sel = &selection{ctx: ctx, sessions: all[len(all)-1:], from: math.MinInt64, to: math.MaxInt64, symbols: f.export.Symbols}
	if f.tail, err = r.Tail(last); err != nil {
		return err
	}
	if f.sel.symbols == nil {
		if err := f.sel.chooseSymbols(r, nil); err != nil {
			return err
		}
	}
	f.sel.lines = make(map[ledger.Session]func(string) ledger.Timeline)
	if err := f.rows.begin(&f.follower, r); err != nil {
		return err
	}
	return f.more(ctx, false)
}

// note takes notice of a trade that is on file.
func (f *follower) note(row *store.Row) { f.latest, f.seq = max(f.latest, row.Time), row.Seq }

// enter goes to a session.
func (f *follower) enter(s ledger.Session) { f.session, f.latest = s, math.MinInt64 }

// grace is how long after its close a session may still get trades, ms.
func (f *follower) grace() int64 { return time.Duration(f.book.live.run.CloseGrace).Milliseconds() }

// more reads the trades since the last look; ended says that the session is over.
func (f *exportFollower) more(ctx context.Context, ended bool) error {
	var failed error
	err := f.tail.Next(func(seq int64, t *candle.Trade) {
		if f.latest = max(f.latest, t.Time); failed == nil && f.wants(t.Symbol) {
			failed = f.rows.add(&f.follower, seq, t)
		}
	})
	if err := errors.Join(err, failed, ctx.Err()); err != nil {
		return err
	}
	return f.show(ended)
}

// show writes what is closed by now, with ended all there is.
func (f *follower) show(ended bool) error {
	now := f.book.now().UnixMilli()
	return f.rows.show(f, now, ended || now >= f.session.Close+f.grace())
}

func (f *follower) wants(symbol string) bool {
	return f.names == nil || slices.Contains(f.names, symbol)
}

// followedTrades writes trades.
type followedTrades struct{ *export.Trades }

func newFollowedTrades(w io.Writer, o export.Options, d export.Decimals) (followed, error) {
	out, err := export.NewTrades(w, o, d)
	return followedTrades{out}, err
}

func (t followedTrades) begin(f *follower, r *store.Reading) error {
	for row, err := range r.Trades(f.session, f.names) {
		if err != nil {
			return err
		}
		f.note(&row)
		if err := t.Encode(&row.Trade, row.Seq); err != nil {
			return err
		}
	}
	return nil
}

func (t followedTrades) add(_ *follower, seq int64, trade *candle.Trade) error {
	return t.Encode(trade, seq)
}

func (followedTrades) show(*follower, int64, bool) error { return nil }

// countSink is where candles of a number of trades go, such as an export.CountCandles.
type countSink interface {
	Encode(symbol string, c *candle.Candle) error
	Flush() error
}

// followedCount writes candles of a number of trades, a volume or a turnover: a candle is
// closed when it is complete, and the last one when the session is over.
type followedCount struct {
	countSink
	interval candle.Interval
	folds    map[string]*candle.Fold // by symbol: of what was not shown
	shown    map[string]int64        // by symbol
	told     int64                   // trades of the candle that forms, when it was told of
}

func newFollowedCount(w io.Writer, o export.Options, d export.Decimals, v candle.Interval) (followed, error) {
	out, err := export.NewCountCandles(w, o, d)
	return newFollowedCountTo(out, v), err
}

func newFollowedCountTo(to countSink, v candle.Interval) *followedCount {
	return &followedCount{countSink: to, interval: v, folds: make(map[string]*candle.Fold), shown: make(map[string]int64)}
}

func (c *followedCount) begin(f *follower, r *store.Reading) error {
	clear(c.folds)
	clear(c.shown)
	for row, err := range r.Trades(f.session, f.names) {
		if err != nil {
			return err
		}
		f.note(&row)
		if err := c.add(f, row.Seq, &row.Trade); err != nil {
			return err
		}
	}
	return c.show(f, 0, false)
}

func (c *followedCount) add(_ *follower, _ int64, t *candle.Trade) error {
	fold := c.folds[t.Symbol]
	if fold == nil {
		fold = candle.NewFold(c.interval, 0)
		c.folds[t.Symbol] = fold
	}
	fold.Add(t)
	if list := fold.Candles(); list[len(list)-1].Complete {
		if err := c.encode(t.Symbol, list); err != nil {
			return err
		}
		fold.Reset(0)
		c.told = 0
	}
	return nil
}

func (c *followedCount) encode(symbol string, list []candle.Candle) error {
	for i := range list {
		c.shown[symbol]++
		list[i].Number = c.shown[symbol]
		if err := c.Encode(symbol, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *followedCount) show(_ *follower, _ int64, ended bool) error {
	if !ended {
		return nil
	}
	for _, symbol := range slices.Sorted(maps.Keys(c.folds)) {
		if err := c.encode(symbol, c.folds[symbol].Candles()); err != nil {
			return err
		}
		c.folds[symbol].Reset(0)
	}
	return nil
}
