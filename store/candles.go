package store

import (
	"iter"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// CandleRow is a candle with its symbol.
type CandleRow struct {
	Symbol string
	candle.Candle
}

// Candles folds the trades of the named symbols (nil: all) in one session: by
// symbol, then time or number. anchor is where candles of time are aligned: 0 with
// the epoch, the session's open with the session; for a Day it is the open. It
// reads like Trades, and holds the candles of one symbol. An error ends it.
func (f *File) Candles(s ledger.Session, symbols []string, v candle.Interval, anchor int64) iter.Seq2[CandleRow, error] {
	return func(yield func(CandleRow, error) bool) {
		if v.Kind() == candle.Day {
			anchor = s.Open
		}
		fold, symbol := candle.NewFold(v, anchor), ""
		flush := func() bool {
			for _, c := range fold.Candles() {
				if !yield(CandleRow{symbol, c}, nil) {
					return false
				}
			}
			fold.Reset(anchor)
			return true
		}
		for row, err := range f.Trades(s, symbols) {
			if err != nil {
				yield(CandleRow{}, err)
				return
			}
			if row.Symbol != symbol {
				if !flush() {
					return
				}
				symbol = row.Symbol
			}
			fold.Add(&row.Trade)
		}
		flush()
	}
}
