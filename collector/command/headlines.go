package command

import (
	"context"
	"io"
	"math"
	"slices"
	"time"

	"tapedeck/collector/news"
	"tapedeck/schedule"
	"tapedeck/store"
	"tapedeck/store/export"
)

// chooseNews is a selection of headlines, which need no session: without a flag all of them,
// and of sessions those first seen on their days in New York.
func (e *exportCommand) chooseNews(ctx context.Context, f *store.Reading, now time.Time) (*selection, error) {
	if e.Session != "" && e.Session != "all" {
		p := e.period
		p.Symbols = nil // headlines name others than are recorded
		sel, err := p.choose(ctx, f, now)
		if err != nil {
			return nil, err
		}
		sel.asked = e.Symbols
		sel.from, sel.to = sel.days()
		sel.sessions = nil
		return sel, nil
	}
	sel := &selection{ctx: ctx, from: math.MinInt64, to: math.MaxInt64, asked: e.Symbols}
	return sel, e.byTime(sel, nil)
}

// days are the times of the headlines that belong to a selection: the days of its sessions in
// New York, from the first to the last.
func (sel *selection) days() (from, to int64) {
	if len(sel.sessions) == 0 || sel.every {
		return sel.from, sel.to
	}
	midnight := func(ms int64, days int) int64 {
		y, m, d := time.UnixMilli(ms).In(schedule.NewYork()).Date()
		return time.Date(y, m, d+days, 0, 0, 0, 0, schedule.NewYork()).UnixMilli()
	}
	last := sel.sessions[len(sel.sessions)-1].Session
	return max(sel.from, midnight(sel.sessions[0].Session.Open, 0)), min(sel.to, midnight(last.Close-1, 1))
}

// writeNews writes headlines, by when they were first seen.
func (s *sheet) writeNews(w io.Writer, o export.Options, part *selection) error {
	out, err := export.NewNews(w, o)
	if err != nil {
		return err
	}
	from, to := part.days()
	for a, err := range s.f.News(from, to) {
		if err == nil {
			err = part.ctx.Err()
		}
		if err != nil {
			return err
		}
		if !namesAny(&a, part.asked) {
			continue
		}
		if s.measured.rows++; s.limit > 0 && s.rows >= s.limit {
			continue
		}
		if err := out.Encode(&a); err != nil {
			return err
		}
		if s.rows++; s.progress != nil {
			s.progress(s.rows, 0)
		}
		if err := s.fits(s.rows); err != nil {
			return err
		}
	}
	return out.Close()
}

// namesAny says whether an article names one of some symbols; of none it does.
func namesAny(a *news.Article, symbols []string) bool {
	return len(symbols) == 0 || slices.ContainsFunc(a.Symbols, func(s string) bool { return slices.Contains(symbols, s) })
}

// describeNews is the line on stderr about exported headlines.
func describeNews(rows int64) string {
	if rows == 1 {
		return "1 headline.\n"
	}
	return thousands(rows) + " headlines.\n"
}
