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

// follower writes the rows of a running session as they come, and those of the sessions
// behind it.
type follower struct {
	export *exportCommand
	book   book
	out    io.Writer
	rows   followed

	sel     *selection
	session ledger.Session
	tail    *store.Tail
	latest  int64 // the greatest time of a trade
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
	f := &follower{export: e, book: b, out: out}
	err := f.run(ctx)
	if ctx.Err() != nil {
		err = nil
	}
	return "", err
}

func (f *follower) run(ctx context.Context) error {
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
func (f *follower) start() error {
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
func (f *follower) flush() error {
	if err := f.rows.Flush(); err != nil {
		return err
	}
	if out, ok := f.out.(interface{ Flush() error }); ok {
		return out.Flush()
	}
	return nil
}

// look reads what is new.
func (f *follower) look(ctx context.Context) error {
	r := f.book.Read()
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
	f.session, f.latest = last, math.MinInt64
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
	if err := f.rows.begin(f, r); err != nil {
		return err
	}
	return f.more(ctx, false)
}

func (f *follower) grace() int64 { return time.Duration(f.book.live.run.CloseGrace).Milliseconds() }

// more reads the trades since the last look; ended says that the session is over.
func (f *follower) more(ctx context.Context, ended bool) error {
	var failed error
	err := f.tail.Next(func(seq int64, t *candle.Trade) {
		if f.latest = max(f.latest, t.Time); failed == nil && f.wants(t.Symbol) {
			failed = f.rows.add(f, seq, t)
		}
	})
	if err := errors.Join(err, failed, ctx.Err()); err != nil {
		return err
	}
	now := f.book.now().UnixMilli()
	return f.rows.show(f, now, ended || now >= f.session.Close+f.grace())
}

func (f *follower) wants(symbol string) bool {
	return f.export.Symbols == nil || slices.Contains(f.export.Symbols, symbol)
}

// symbols are those that are followed; nil is all.
func (f *follower) symbols() []string {
	if f.export.Symbols == nil {
		return nil
	}
	return slices.Sorted(slices.Values(f.export.Symbols))
}

// followedTrades writes trades.
type followedTrades struct{ *export.Trades }

func newFollowedTrades(w io.Writer, o export.Options, d export.Decimals) (followed, error) {
	out, err := export.NewTrades(w, o, d)
	return followedTrades{out}, err
}

func (t followedTrades) begin(f *follower, r *store.Reading) error {
	for row, err := range r.Trades(f.session, f.symbols()) {
		if err != nil {
			return err
		}
		f.latest = max(f.latest, row.Time)
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

// followedCount writes candles of a number of trades, a volume or a turnover: a candle is
// closed when it is complete, and the last one when the session is over.
type followedCount struct {
	*export.CountCandles
	interval candle.Interval
	folds    map[string]*candle.Fold // by symbol: of what was not shown
	shown    map[string]int64        // by symbol
}

func newFollowedCount(w io.Writer, o export.Options, d export.Decimals, v candle.Interval) (followed, error) {
	out, err := export.NewCountCandles(w, o, d)
	return &followedCount{CountCandles: out, interval: v}, err
}

func (c *followedCount) begin(f *follower, r *store.Reading) error {
	c.folds, c.shown = make(map[string]*candle.Fold), make(map[string]int64)
	for row, err := range r.Trades(f.session, f.symbols()) {
		if err != nil {
			return err
		}
		f.latest = max(f.latest, row.Time)
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
