package store

import (
	"cmp"
	"iter"
	"slices"
	"unsafe"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// Row is a trade with its number: Seq counts the trades of a symbol in a session
// from 1, in order of arrival.
type Row struct {
	candle.Trade
	Seq int64
}

// groupBytes bounds the trades that a read by symbol holds in memory. A tape is
// in order of arrival; a group of symbols is picked out of it in one reading.
const groupBytes = 64 << 20

// Trades are the trades of the named symbols (nil: all) in one session: by symbol,
// then arrival. It reads the file in pages and holds no transaction while the
// caller looks at a row. An error ends it.
func (f *File) Trades(s ledger.Session, symbols []string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		counts, err := f.countTrades(s)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for _, group := range groups(f.selected(counts, symbols)) {
			var more bool
			if len(group) == 1 {
				more = f.streamOne(s, group[0], yield)
			} else {
				more = f.yieldGroup(s, group, yield)
			}
			if !more {
				return
			}
		}
	}
}

type symbolCount struct {
	id     uint32
	name   string
	trades int64
}

// selected are the symbols asked for that have trades, by name.
func (f *File) selected(counts map[uint32]int64, symbols []string) []symbolCount {
	want := ledger.NewSymbols(symbols...)
	var list []symbolCount
	for id, n := range counts {
		if name := f.names.all()[id]; symbols == nil || want.Has(name) {
			list = append(list, symbolCount{id, name, n})
		}
	}
	slices.SortFunc(list, func(a, b symbolCount) int { return cmp.Compare(a.name, b.name) })
	return list
}

// groups cuts the list so that each group's trades fit in groupBytes, or is one symbol.
func groups(list []symbolCount) [][]symbolCount {
	const limit = groupBytes / int64(unsafe.Sizeof(candle.Trade{}))
	var all [][]symbolCount
	start, total := 0, int64(0)
	for i, c := range list {
		if i > start && total+c.trades > limit {
			all = append(all, list[start:i])
			start, total = i, 0
		}
		total += c.trades
	}
	if start < len(list) {
		all = append(all, list[start:])
	}
	return all
}

// streamOne hands out one symbol's trades as they are read.
func (f *File) streamOne(s ledger.Session, c symbolCount, yield func(Row, error) bool) bool {
	row, more := Row{}, true
	_, err := f.scan(s, func(id uint32, t *candle.Trade) bool {
		if id == c.id {
			row.Trade, row.Symbol = *t, c.name
			row.Seq++
			more = yield(row, nil)
		}
		return more
	})
	if err != nil {
		yield(Row{}, err)
	}
	return more && err == nil
}

// yieldGroup picks the trades of a group out of the tape, then hands them out.
func (f *File) yieldGroup(s ledger.Session, group []symbolCount, yield func(Row, error) bool) bool {
	picked := make(map[uint32][]candle.Trade, len(group))
	for _, c := range group {
		picked[c.id] = make([]candle.Trade, 0, c.trades)
	}
	_, err := f.scan(s, func(id uint32, t *candle.Trade) bool {
		// A tape that is being recorded has grown since it was counted: the
		// later trades wait for the next reading.
		if list, ok := picked[id]; ok && len(list) < cap(list) {
			picked[id] = append(list, *t)
		}
		return true
	})
	if err != nil {
		yield(Row{}, err)
		return false
	}
	for _, c := range group {
		for i, t := range picked[c.id] {
			t.Symbol = c.name
			if !yield(Row{t, int64(i) + 1}, nil) {
				return false
			}
		}
	}
	return true
}
