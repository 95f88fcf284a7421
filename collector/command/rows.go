package command

import (
	"iter"
	"slices"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// inSession is a row with the session it belongs to.
type inSession[T any] struct {
	session ledger.Session
	row     T
}

// bySymbol reads the selection in the order of every export: by symbol, then
// session. One session is read in one go, several symbol by symbol.
func bySymbol[T any](sel *selection, read func(ledger.Session, []string) iter.Seq2[T, error]) iter.Seq2[inSession[T], error] {
	return func(yield func(inSession[T], error) bool) {
		groups := [][]string{sel.symbols}
		if len(sel.sessions) > 1 {
			groups = slices.Collect(slices.Chunk(sel.symbols, 1))
		}
		for _, symbols := range groups {
			for _, s := range sel.sessions {
				for row, err := range read(s.Session, symbols) {
					if err == nil {
						err = sel.ctx.Err()
					}
					if !yield(inSession[T]{s.Session, row}, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

func (sel *selection) trades(f *store.Reading) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for r, err := range bySymbol(sel, f.Trades) {
			if err == nil && (r.row.Time < sel.from || r.row.Time >= sel.to) {
				continue
			}
			if !yield(r.row, err) || err != nil {
				return
			}
		}
	}
}

func (sel *selection) candles(f *store.Reading, v candle.Interval) iter.Seq2[inSession[store.CandleRow], error] {
	return func(yield func(inSession[store.CandleRow], error) bool) {
		read := func(s ledger.Session, symbols []string) iter.Seq2[store.CandleRow, error] {
			return f.Candles(s, symbols, v, 0)
		}
		for r, err := range bySymbol(sel, read) {
			if err == nil && (r.row.Start < sel.from || r.row.Start >= sel.to) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// coverage is the runs of seconds of one session, each with the symbols that share
// it, by time.
func (sel *selection) coverage(f *store.Reading, s ledger.Session) ([]sharedRun, error) {
	runs, _, err := sel.coverageAndCandles(f, s)
	return runs, err
}

// coverageAndCandles is coverage, and the number of 1-second candles that it is made with.
func (sel *selection) coverageAndCandles(f *store.Reading, s ledger.Session) (runs []sharedRun, candles int64, err error) {
	timeline, err := f.Timelines(s)
	if err != nil {
		return nil, 0, err
	}
	until, err := f.Until(s)
	if err != nil {
		return nil, 0, err
	}
	shared := make(map[ledger.Run][]string)
	add := func(symbol string, seconds []int64) {
		for run := range timeline(symbol).Runs(slices.Values(seconds)) {
			if run, ok := sel.clip(run, until); ok {
				shared[run] = append(shared[run], symbol)
			}
		}
	}
	symbol, seconds, done := "", []int64(nil), make(map[string]bool)
	for c, err := range f.Candles(s, sel.symbols, candle.Second, 0) {
		if err == nil {
			err = sel.ctx.Err()
		}
		if err != nil {
			return nil, 0, err
		}
		candles++
		if c.Symbol != symbol && symbol != "" {
			add(symbol, seconds)
			seconds = seconds[:0]
		}
		symbol = c.Symbol
		done[symbol] = true
		seconds = append(seconds, c.Start)
	}
	if symbol != "" {
		add(symbol, seconds)
	}
	for _, name := range sel.symbols {
		if !done[name] {
			add(name, nil)
		}
	}
	runs = make([]sharedRun, 0, len(shared))
	for run, symbols := range shared {
		slices.Sort(symbols)
		runs = append(runs, sharedRun{run, symbols})
	}
	slices.SortFunc(runs, func(a, b sharedRun) int {
		if c := ledger.CompareRuns(a.Run, b.Run); c != 0 {
			return c
		}
		return slices.Compare(a.symbols, b.symbols)
	})
	return runs, candles, nil
}

type sharedRun struct {
	ledger.Run
	symbols []string
}

// clip is the part of a run in the chosen time and before until, by whole seconds.
func (sel *selection) clip(r ledger.Run, until int64) (ledger.Run, bool) {
	if sel.from > r.From {
		r.From = (sel.from + 999) / 1000 * 1000
	}
	if to := min(sel.to, until); to < r.Until {
		r.Until = to / 1000 * 1000
	}
	return r, r.From < r.Until
}
