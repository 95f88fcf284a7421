package command

import (
	"errors"
	"fmt"
	"io"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/export"
)

// sheet is one kind of rows of a selection, on its way into files.
type sheet struct {
	sel      *selection
	f        *store.Reading
	what     string
	form     form
	limit    int64                   // the most rows; 0 is all
	progress func(rows, total int64) // may be nil; a total of 0 is not known yet

	measured *measure
	rows     int64           // written
	cut      bool            // there are more than the limit
	reached  int64           // of candles of time, the start of what comes behind the limit
	needs    export.Decimals // of the rows that were written
}

// measure is what a first look at the rows tells.
type measure struct {
	decimals export.Decimals
	rows     int64
	of       map[pair]int64 // rows of each symbol in each session
}

// pair is a symbol in a session.
type pair struct {
	symbol  string
	session ledger.Session
}

// mostExcel is how many rows Excel takes behind the header: 2^20 lines.
const mostExcel = 1<<20 - 1

// interval is that of candles, the zero value for other rows.
func (s *sheet) interval() candle.Interval {
	v, _ := candle.ParseInterval(s.what) // what it is was checked
	return v
}

// candles says whether the rows are candles.
func (s *sheet) candles() bool { return s.interval() != candle.Interval{} }

// look reads everything once, where something must be known before the first row: how many
// decimals a column of text needs, how many rows there are.
func (s *sheet) look() error {
	if s.measured != nil {
		return nil
	}
	m := &measure{of: make(map[pair]int64)}
	s.measured = m
	if !s.candles() && s.what != "trades" {
		return nil
	}
	note := func(p pair, n int) {
		m.of[p] += int64(n)
		if m.rows += int64(n); s.progress != nil {
			s.progress(m.rows, 0)
		}
	}
	if s.what == "trades" {
		for p, run := range s.sel.trades(s.f) {
			if run.err != nil {
				return run.err
			}
			n := 0
			for i := range run.row.Trades {
				if t := &run.row.Trades[i]; s.sel.has(t.Time) {
					m.decimals.Trade(t)
					n++
				}
			}
			note(p, n)
		}
		return nil
	}
	for p, run := range s.sel.candles(s.f, s.interval(), s.anchored()) {
		if run.err != nil {
			return run.err
		}
		n := 0
		for i := range run.row.Candles {
			if c := &run.row.Candles[i]; s.sel.has(c.Start) {
				m.decimals.Candle(c)
				n++
			}
		}
		note(p, n)
	}
	return s.lookAtFilled(m)
}

// lookAtFilled counts the rows between the candles.
func (s *sheet) lookAtFilled(m *measure) error {
	v := s.interval()
	if fills[s.form.Fill] == export.FillNone || !v.ByTime() {
		return nil
	}
	m.rows = 0
	for p := range s.sel.pairs(s.f) {
		if p.err != nil {
			return p.err
		}
		step := v.Millis()
		if step == 0 {
			step = p.row.session.Close - p.row.session.Open
		}
		stretches := (min(p.row.session.Close, s.sel.to) - max(p.row.session.Open, s.sel.from) + step - 1) / step
		m.of[p.row] = max(m.of[p.row], stretches)
		m.rows += m.of[p.row]
	}
	return nil
}

// anchored says whether candles begin with the session.
func (s *sheet) anchored() bool { return s.form.Anchor == "session" }

// needsLook says whether the rows are to be read twice.
func (s *sheet) needsLook() bool {
	return s.form.Format != string(export.Parquet) || s.form.Decimals == "exact" || s.form.Split != "" || s.limit > 0
}

// write writes the rows of the whole selection as one file.
func (s *sheet) write(w io.Writer) (rows int64, err error) {
	if rewind := rewindOf(w); rewind != nil && s.needsLook() && s.limit == 0 && !s.form.Excel {
		return s.writeGuessed(w, rewind)
	}
	if s.needsLook() {
		if err := s.look(); err != nil {
			return 0, err
		}
		if err := s.fits(s.measured.rows); err != nil {
			return 0, err
		}
	} else {
		s.measured = new(measure)
	}
	before := s.rows
	err = s.writePart(w, s.sel)
	return s.rows - before, err
}

// fits refuses what Excel would cut off.
func (s *sheet) fits(rows int64) error {
	if !s.form.Excel || rows <= mostExcel {
		return nil
	}
	try := program() + " export " + s.what + " --excel --split session -o exports"
	if s.form.Split == "session" {
		try = program() + " export " + s.what + " --excel --split symbol -o exports"
	}
	return &usage{problem: fmt.Sprintf("%s rows are more than a sheet of Excel holds, %s; right is for example --split session", thousands(rows), thousands(mostExcel)), try: try}
}

// writePart writes the rows of a part of the selection as one file.
func (s *sheet) writePart(w io.Writer, part *selection) error {
	o, err := s.form.options(part.sources())
	if err != nil {
		return err
	}
	if o.Format == export.Parquet {
		if err := s.describe(&o, part); err != nil {
			return err
		}
	}
	err = s.writeRows(w, o, part)
	if errors.Is(err, errEnough) {
		s.cut, err = true, nil
	}
	var none *export.NoColumn
	if errors.As(err, &none) {
		return &usage{problem: "--columns: " + err.Error()}
	}
	return err
}

// describe adds to the footer what is covered, and what the times of the rows stand for.
func (s *sheet) describe(o *export.Options, part *selection) error {
	n, err := part.tally(s.f)
	if err != nil {
		return err
	}
	o.Metadata["tapedeck.coverage"] = fmt.Sprintf("%d traded, %d quiet, %d partial, %d down, %d unknown seconds",
		n[ledger.Traded], n[ledger.Quiet], n[ledger.Partial], n[ledger.Down], n[ledger.Unknown])
	o.Metadata["tapedeck.label"] = "start"
	o.Metadata["tapedeck.rows"] = s.what
	return nil
}
