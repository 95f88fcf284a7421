package command

import (
	"iter"
	"slices"
	"strings"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// orErr is a row, or why there is none.
type orErr[T any] struct {
	row T
	err error
}

// bySymbol reads the selection in the order of every export: by symbol, then
// session. One session is read in one go, several symbol by symbol.
func bySymbol[T any](sel *selection, read func(ledger.Session, []string) iter.Seq2[T, error], symbol func(*T) string) iter.Seq2[pair, orErr[T]] {
	return func(yield func(pair, orErr[T]) bool) {
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
					if !yield(pair{symbol(&row), s.Session}, orErr[T]{row, err}) || err != nil {
						return
					}
				}
			}
		}
	}
}

// trades are runs of trades, of the whole sessions: see has.
func (sel *selection) trades(f *store.Reading) iter.Seq2[pair, orErr[store.TradeRun]] {
	return bySymbol(sel, f.TradeRuns, func(r *store.TradeRun) string { return r.Symbol })
}

// candles are runs of candles, of the whole sessions: see has. Anchored ones begin with the
// session.
func (sel *selection) candles(f *store.Reading, v candle.Interval, anchored bool) iter.Seq2[pair, orErr[store.CandleRun]] {
	read := func(s ledger.Session, symbols []string) iter.Seq2[store.CandleRun, error] {
		anchor := int64(0)
		if anchored {
			anchor = s.Open
		}
		return f.CandleRuns(s, symbols, v, anchor)
	}
	return bySymbol(sel, read, func(r *store.CandleRun) string { return r.Symbol })
}

// has says whether a row of time t was chosen.
func (sel *selection) has(t int64) bool { return t >= sel.from && t < sel.to }

// pairs are the symbols of the selection in those of its sessions that know of them, in
// the order of every export.
func (sel *selection) pairs(f *store.Reading) iter.Seq[orErr[pair]] {
	return func(yield func(orErr[pair]) bool) {
		names := make(map[ledger.Session][]string)
		for _, s := range sel.sessions {
			list, err := f.Symbols(s.Session)
			if err != nil {
				yield(orErr[pair]{err: err})
				return
			}
			names[s.Session] = list
		}
		for _, symbol := range sel.symbols {
			for _, s := range sel.sessions {
				if _, ok := slices.BinarySearch(names[s.Session], symbol); !ok {
					continue
				}
				if !yield(orErr[pair]{row: pair{symbol, s.Session}, err: sel.ctx.Err()}) {
					return
				}
			}
		}
	}
}

// line is the timeline of a symbol in a session. Those of one session are made by one
// function, which is kept.
func (sel *selection) line(f *store.Reading, p pair) (ledger.Timeline, error) {
	if sel.lines == nil {
		sel.lines = make(map[ledger.Session]func(string) ledger.Timeline)
	}
	line := sel.lines[p.session]
	if line == nil {
		var err error
		if line, err = f.Timelines(p.session); err != nil {
			return nil, err
		}
		sel.lines[p.session] = line
	}
	return line(p.symbol), nil
}

// tally counts the seconds of the selection, of all symbols, by state. Only where something
// was not heard it reads candles.
func (sel *selection) tally(f *store.Reading) (n ledger.Tally, err error) {
	for _, s := range sel.sessions {
		until, err := f.Until(s.Session)
		if err != nil {
			return n, err
		}
		from, to := sel.clip(s.Session.Open, until)
		one := sel.part([]store.Summary{s}, sel.symbols)
		if err := one.seconds(f, func(line ledger.Timeline, traded []int64) {
			for state, seconds := range line.Tally(traded, from, to) {
				n[state] += seconds
			}
		}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// seconds visits the symbols of a selection of one session: the line of each, and the
// seconds in which it traded.
func (sel *selection) seconds(f *store.Reading, visit func(line ledger.Timeline, traded []int64)) error {
	done := make(map[pair]bool)
	tell := func(p pair, traded []int64) error {
		done[p] = true
		line, err := sel.line(f, p)
		if err == nil {
			visit(line, traded)
		}
		return err
	}
	var at pair
	var traded []int64
	for p, run := range sel.candles(f, candle.Second, false) {
		if run.err != nil {
			return run.err
		}
		if p != at && len(traded) > 0 {
			if err := tell(at, traded); err != nil {
				return err
			}
			traded = traded[:0]
		}
		at = p
		for i := range run.row.Candles {
			traded = append(traded, run.row.Candles[i].Start)
		}
	}
	if len(traded) > 0 {
		if err := tell(at, traded); err != nil {
			return err
		}
	}
	for p := range sel.pairs(f) {
		if p.err != nil {
			return p.err
		}
		if !done[p.row] {
			if err := tell(p.row, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing is how many seconds of the selection are down and how many unknown. What was
// heard throughout is not read.
func (sel *selection) missing(f *store.Reading) (down, unknown int64, err error) {
	holed := make(map[ledger.Session][]string)
	for p := range sel.pairs(f) {
		if p.err != nil {
			return 0, 0, p.err
		}
		line, err := sel.line(f, p.row)
		if err != nil {
			return 0, 0, err
		}
		until, err := f.Until(p.row.session)
		if err != nil {
			return 0, 0, err
		}
		if from, to := sel.clip(p.row.session.Open, until); !line.Listens(from, to) {
			holed[p.row.session] = append(holed[p.row.session], p.row.symbol)
		}
	}
	for _, s := range sel.sessions {
		if symbols := holed[s.Session]; symbols != nil {
			n, err := sel.part([]store.Summary{s}, symbols).tally(f)
			if err != nil {
				return 0, 0, err
			}
			down, unknown = down+n[ledger.Down], unknown+n[ledger.Unknown]
		}
	}
	return down, unknown, nil
}

// part is a smaller selection.
func (sel *selection) part(sessions []store.Summary, symbols []string) *selection {
	part := *sel
	part.sessions, part.symbols = sessions, symbols
	return &part
}

// sources are what was recorded, each once.
func (sel *selection) sources() string {
	var list []string
	for _, s := range sel.sessions {
		if !slices.Contains(list, s.Source) {
			list = append(list, s.Source)
		}
	}
	return strings.Join(list, "; ")
}

// clip is the part of a stretch in the chosen time, by whole seconds.
func (sel *selection) clip(from, until int64) (int64, int64) {
	if sel.from > from {
		from = (sel.from + 999) / 1000 * 1000
	}
	return from, min(sel.to, until) / 1000 * 1000
}
