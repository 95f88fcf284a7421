package command

import (
	"errors"
	"fmt"
	"io"
	"iter"

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

// errEnough ends a writing whose limit is reached.
var errEnough = errors.New("enough rows")

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
		err = nil
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

func (s *sheet) writeRows(w io.Writer, o export.Options, part *selection) error {
	switch s.what {
	case "trades":
		return s.writeTrades(w, o, part)
	case "coverage":
		return s.writeCoverage(w, o, part)
	case "sessions":
		return s.writeSessions(w, o, part)
	case "news":
		out, err := export.NewNews(w, o)
		if err != nil {
			return err
		}
		return out.Close()
	}
	if s.interval().ByTime() {
		return s.writeTimeCandles(w, o, part)
	}
	return s.writeCountCandles(w, o, part)
}

// wrote counts rows, and says when they are enough.
func (s *sheet) wrote(n int64) error {
	if s.rows += n; s.progress != nil {
		s.progress(s.rows, s.measured.rows)
	}
	if s.limit > 0 && s.rows >= s.limit {
		return errEnough
	}
	return nil
}

// closing closes an encoder whose rows ended with err.
func closing(out interface{ Close() error }, err error) error {
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if e := out.Close(); e != nil {
		return e
	}
	return err
}

func (s *sheet) writeTrades(w io.Writer, o export.Options, part *selection) error {
	out, err := export.NewTrades(w, o, s.measured.decimals)
	if err != nil {
		return err
	}
	return closing(out, func() error {
		for p, run := range part.trades(s.f) {
			if run.err != nil {
				return run.err
			}
			n := int64(0)
			for i := range run.row.Trades {
				t := &run.row.Trades[i]
				if !part.has(t.Time) {
					continue
				}
				if s.limit > 0 && s.rows+n >= s.limit {
					s.rows += n
					return errEnough
				}
				n++
				t.Symbol = p.symbol
				s.needs.Trade(t)
				if err := out.Encode(t, run.row.Seq+int64(i)); err != nil {
					return err
				}
			}
			if err := s.wrote(n); err != nil {
				return err
			}
		}
		return nil
	}())
}

func (s *sheet) writeCountCandles(w io.Writer, o export.Options, part *selection) error {
	out, err := export.NewCountCandles(w, o, s.measured.decimals)
	if err != nil {
		return err
	}
	return closing(out, func() error {
		for p, run := range part.candles(s.f, s.interval(), false) {
			if run.err != nil {
				return run.err
			}
			n := int64(0)
			for i := range run.row.Candles {
				c := &run.row.Candles[i]
				if !part.has(c.Start) {
					continue
				}
				if s.limit > 0 && s.rows+n >= s.limit {
					s.rows += n
					return errEnough
				}
				n++
				s.needs.Candle(c)
				if err := out.Encode(p.symbol, c); err != nil {
					return err
				}
			}
			if err := s.wrote(n); err != nil {
				return err
			}
		}
		return nil
	}())
}

func (s *sheet) writeTimeCandles(w io.Writer, o export.Options, part *selection) error {
	out, err := export.NewTimeCandles(w, o, s.measured.decimals)
	if err != nil {
		return err
	}
	return closing(out, s.fillPairs(export.NewFiller(out, fills[s.form.Fill]), part))
}

// fillPairs hands the filler each symbol in each session, those without candles, too.
func (s *sheet) fillPairs(filler *export.Filler, part *selection) error {
	next, stop := iter.Pull(part.pairs(s.f))
	defer stop()
	var at pair
	open := false
	enter := func(want *pair) error { // closes what is open, and what lies before want
		for {
			if open {
				if err := filler.End(); err != nil {
					return err
				}
				open = false
			}
			p, more := next()
			if !more || p.err != nil {
				return p.err
			}
			piece, err := s.piece(p.row, part)
			if err != nil {
				return err
			}
			filler.Begin(piece)
			if at, open = p.row, true; want != nil && at == *want {
				return nil
			}
		}
	}
	for p, run := range part.candles(s.f, s.interval(), s.anchored()) {
		if run.err != nil {
			return run.err
		}
		if !open || p != at {
			if err := enter(&p); err != nil {
				return err
			}
		}
		before := filler.Rows()
		for i := range run.row.Candles {
			if n := filler.Rows() - before; s.limit > 0 && s.rows+n >= s.limit {
				s.rows += n
				return errEnough
			}
			c := &run.row.Candles[i]
			if part.has(c.Start) {
				s.needs.Candle(c)
			}
			if err := filler.Encode(c); err != nil {
				return err
			}
		}
		if err := s.wrote(filler.Rows() - before); err != nil {
			return err
		}
	}
	before := filler.Rows()
	err := enter(nil)
	s.rows += filler.Rows() - before
	return err
}

// piece is a symbol in a session for the filler.
func (s *sheet) piece(p pair, part *selection) (piece export.Piece, err error) {
	line, err := part.line(s.f, p)
	if err != nil {
		return piece, err
	}
	until, err := s.f.Until(p.session)
	piece = export.Piece{Symbol: p.symbol, Session: p.session, Line: line, Until: until, From: part.from, To: part.to, Interval: s.interval()}
	if s.anchored() {
		piece.Anchor = p.session.Open
	}
	return piece, err
}

func (s *sheet) writeCoverage(w io.Writer, o export.Options, part *selection) error {
	out, err := export.NewCoverage(w, o)
	if err != nil {
		return err
	}
	for _, session := range part.sessions {
		runs, err := part.coverage(s.f, session.Session)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if s.measured.rows++; s.limit > 0 && s.rows >= s.limit {
				continue
			}
			if err := out.Encode(r.Run, r.symbols); err != nil {
				return err
			}
			s.rows++
		}
	}
	return out.Close()
}

func (s *sheet) writeSessions(w io.Writer, o export.Options, part *selection) error {
	out, err := export.NewSessions(w, o)
	if err != nil {
		return err
	}
	a, err := part.account(s.f)
	if err != nil {
		return err
	}
	for _, l := range a.sessionLines() {
		if s.measured.rows++; s.limit > 0 && s.rows >= s.limit {
			continue
		}
		if err := out.Encode(&l); err != nil {
			return err
		}
		s.rows++
	}
	return out.Close()
}
