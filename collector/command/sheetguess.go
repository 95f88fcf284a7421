package command

import (
	"io"

	"tapedeck/store/export"
)

// writeGuessed writes a file with the decimals that the first rows need, and where a later
// one needs more begins anew: of most files the first rows are like all, which saves reading
// them twice.
func (s *sheet) writeGuessed(w io.Writer, rewind func() error) (rows int64, err error) {
	s.measured = new(measure)
	if s.measured.decimals, err = s.firstDecimals(); err != nil {
		return 0, err
	}
	if err := s.writePart(w, s.sel); err != nil {
		return 0, err
	}
	if s.needs == s.measured.decimals {
		return s.rows, nil
	}
	s.measured = &measure{decimals: s.needs}
	s.rows = 0
	if err := rewind(); err != nil {
		return 0, err
	}
	err = s.writePart(w, s.sel)
	return s.rows, err
}

// guessRows is how many rows are looked at for a guess.
const guessRows = 1 << 15

// firstDecimals is what the first rows need.
func (s *sheet) firstDecimals() (d export.Decimals, err error) {
	seen := 0
	if s.what == "trades" {
		for _, run := range s.sel.trades(s.f) {
			for i := range run.row.Trades {
				if t := &run.row.Trades[i]; s.sel.has(t.Time) {
					d.Trade(t)
				}
			}
			if seen += len(run.row.Trades); run.err != nil || seen > guessRows {
				return d, run.err
			}
		}
	} else if s.candles() {
		for _, run := range s.sel.candles(s.f, s.interval(), s.anchored()) {
			for i := range run.row.Candles {
				if c := &run.row.Candles[i]; s.sel.has(c.Start) {
					d.Candle(c)
				}
			}
			if seen += len(run.row.Candles); run.err != nil || seen > guessRows {
				return d, run.err
			}
		}
	}
	return d, nil
}
