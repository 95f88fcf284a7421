package store

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/block"
)

// Row is a trade with its number: Seq counts the trades of a symbol in a session
// from 1, in order of arrival.
type Row struct {
	candle.Trade
	Seq int64
}

// TradeRun is some trades of a symbol, one after the other. Seq is that of the first. Their
// Symbol is not set.
type TradeRun struct {
	Symbol string
	Seq    int64
	Trades []candle.Trade
}

// Trades are the trades of the named symbols (nil: all) in one session: those of TradeRuns
// one by one.
func (r *Reading) Trades(s ledger.Session, symbols []string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for run, err := range r.TradeRuns(s, symbols) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			for i := range run.Trades {
				row := Row{run.Trades[i], run.Seq + int64(i)}
				row.Symbol = run.Symbol
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// TradeRuns are the trades of the named symbols (nil: all) in one session: by symbol,
// then arrival, in runs, each good until the next. It reads the file in pages and holds
// no transaction while the
// caller looks at them; a seal meanwhile does not show. An error ends it: a *Dropped
// when the session's trades are not kept any more.
func (r *Reading) TradeRuns(s ledger.Session, symbols []string) iter.Seq2[TradeRun, error] {
	return func(yield func(TradeRun, error) bool) {
		f, reading := r.f, r
		r, err := r.reader(s)
		if err == nil && r.blocks.dropped.trades {
			err = &Dropped{f.path, s, "trades"}
		}
		if err != nil {
			yield(TradeRun{}, err)
			return
		}
		defer reading.release(r)
		more := true
		err = r.holdings(symbols, func(h *holding) error {
			return r.each(h, 1, func(seq int64, trades []candle.Trade) bool {
				for piece := range slices.Chunk(trades, runRows) {
					f.breathe()
					if more = yield(TradeRun{h.name, seq, piece}, nil); !more {
						return false
					}
					seq += int64(len(piece))
				}
				return true
			})
		}, func() bool { return more })
		if err != nil && more {
			yield(TradeRun{}, err)
		}
	}
}

// reader reads the trades of one session, symbol by symbol.
type reader struct {
	f       *File
	ctx     context.Context
	session ledger.Session
	key     [sessionKeySize]byte
	blocks  blockReader
	list    []symbolCount // what there is to read, by name
	candles []candle.Candle
}

func (f *File) newReader(s ledger.Session) (*reader, error) {
	return f.newReaderIn(s, &workspace{decoder: block.NewDecoder()})
}

// newReaderIn is a reader that decodes with the memory given to it.
func (f *File) newReaderIn(s ledger.Session, in *workspace) (*reader, error) {
	key := sessionKey(s)
	d, err := f.dropped(s)
	return &reader{f: f, ctx: context.Background(), session: s, key: key, candles: in.candles,
		blocks: blockReader{f: f, session: s, key: key, dropped: d, decoder: in.decoder, data: in.data, trades: in.trades}}, err
}

// selected are the symbols asked for (nil: all) that have trades.
func (r *reader) selected(symbols []string) []symbolCount {
	if symbols == nil {
		return r.list
	}
	var list []symbolCount
	for _, name := range symbols {
		if i, ok := slices.BinarySearchFunc(r.list, name, func(c symbolCount, name string) int { return cmp.Compare(c.name, name) }); ok {
			list = append(list, r.list[i])
		}
	}
	slices.SortFunc(list, func(a, b symbolCount) int { return cmp.Compare(a.name, b.name) })
	return slices.Compact(list)
}

// holdings visits what the session has of each of the named symbols (nil: all), by
// name, while more says so.
func (r *reader) holdings(symbols []string, visit func(*holding) error, more func() bool) error {
	for _, group := range groups(r.selected(symbols)) {
		held, err := r.collect(group, 1)
		if err != nil {
			return err
		}
		for i := range held {
			if err := visit(&held[i]); err != nil || !more() {
				return err
			}
		}
	}
	return nil
}

// each hands the trades of a holding from seq on to visit, in runs, each good until
// the next, until visit says no.
func (r *reader) each(h *holding, seq int64, visit func(seq int64, trades []candle.Trade) bool) error {
	goOn := true
	watched := func(seq int64, trades []candle.Trade) bool {
		goOn = visit(seq, trades)
		return goOn
	}
	for {
		b := &r.blocks
		b.id, b.name, b.next, b.until = h.id, h.name, seq, min(h.blocks, h.limit)+1
		if err := b.each(watched); err != nil || !goOn {
			return err
		}
		first := max(seq, h.first)
		end := min(int64(len(h.rows)), max(0, h.limit+1-h.first))
		if rows := h.rows[min(first-h.first, end):end]; len(rows) > 0 && !watched(first, rows) {
			return nil
		}
		seq = max(seq, h.first+int64(len(h.rows)))
		if !h.more || seq > h.limit {
			return nil
		}
		// A symbol whose trades on the tape do not fit in memory at once.
		next, err := r.collect([]symbolCount{{id: h.id, name: h.name, trades: groupTrades, total: h.limit}}, seq)
		if err != nil {
			return err
		}
		h = &next[0]
	}
}
