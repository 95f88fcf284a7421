package command

import (
	"errors"
	"io"
	"iter"

	"tapedeck/store/export"
)

func (s *sheet) writeRows(w io.Writer, o export.Options, part *selection) error {
	switch s.what {
	case "trades":
		return s.writeTrades(w, o, part)
	case "coverage":
		return s.writeCoverage(w, o, part)
	case "sessions":
		return s.writeSessions(w, o, part)
	case "news":
		return s.writeNews(w, o, part)
	}
	if s.interval().ByTime() {
		return s.writeTimeCandles(w, o, part)
	}
	return s.writeCountCandles(w, o, part)
}

// errEnough ends a writing whose limit is reached.
var errEnough = errors.New("enough rows")

// wrote counts rows. Whether there are more than the limit the next one tells.
func (s *sheet) wrote(n int64) {
	if s.rows += n; s.progress != nil {
		s.progress(s.rows, s.measured.rows)
	}
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
			s.wrote(n)
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
			s.wrote(n)
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
			c := &run.row.Candles[i]
			if n := filler.Rows() - before; s.limit > 0 && s.rows+n >= s.limit && part.has(c.Start) {
				s.rows, s.reached = s.rows+n, c.Start
				return errEnough
			}
			if part.has(c.Start) {
				s.needs.Candle(c)
			}
			if err := filler.Encode(c); err != nil {
				return err
			}
		}
		s.wrote(filler.Rows() - before)
	}
	if s.limit > 0 && s.rows >= s.limit && fills[s.form.Fill] != export.FillNone {
		return errEnough
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
