package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/export"
)

// Rows of /api: those of an export in JSON, so many at a time. What comes next is asked for
// with after=, which says where it goes on.
const (
	usualRows = 1000
	mostRows  = 25_000 // a day of seconds is one page
)

// rowPage is how many rows are wanted, and behind what.
type rowPage struct {
	asked url.Values // as it came
	limit int
	after string
}

// takePage takes limit and after.
func takePage(a *asked) (p rowPage, err error) {
	p.asked = make(url.Values)
	for name, list := range a.Values {
		p.asked[name] = slices.Clone(list)
	}
	p.after = a.take("after")
	p.limit, err = strconv.Atoi(cmp.Or(a.take("limit"), strconv.Itoa(usualRows)))
	if err != nil || p.limit < 1 || p.limit > mostRows {
		return p, &usage{problem: fmt.Sprintf("limit: right is a number from 1 to %d", mostRows)}
	}
	return p, nil
}

// next asks for what is behind.
func (p *rowPage) next(after string) url.Values {
	p.asked.Set("after", after)
	return p.asked
}

// number is after as the number of rows that were sent already.
func (p *rowPage) number() (n int, err error) {
	if p.after == "" {
		return 0, nil
	}
	if n, err = strconv.Atoi(p.after); err != nil || n < 0 {
		return 0, &usage{problem: fmt.Sprintf("after: %q is none that was named by a Link", p.after)}
	}
	return n, nil
}

// countedRows sends those rows of a list that are wanted.
func countedRows(p *rowPage, rows int, encode func(i int) error) (url.Values, error) {
	from, err := p.number()
	if err != nil {
		return nil, err
	}
	to := min(rows, from+p.limit)
	for i := from; i < to; i++ {
		if err := encode(i); err != nil {
			return nil, err
		}
	}
	if to < rows {
		return p.next(strconv.Itoa(to)), nil
	}
	return nil, nil
}

// chosen is a question about sessions: the flags of coverage and export.
func (s *site) chosen(ctx context.Context, v url.Values) (p rowPage, r *store.Reading, sel *selection, err error) {
	a := siteAsked(v)
	if p, err = takePage(a); err != nil {
		return p, nil, nil, err
	}
	var of period
	a.Del("format")
	if err = of.take(a); err == nil {
		err = a.leftover()
	}
	if err != nil {
		return p, nil, nil, err
	}
	r = s.file.Read()
	sel, err = of.choose(ctx, r, s.book().now())
	return p, r, sel, err
}

var asLines = export.Options{Format: export.JSONLines}

// coverageRows are those of export coverage.
func (s *site) coverageRows(ctx context.Context, v url.Values, out io.Writer) (url.Values, error) {
	p, r, sel, err := s.chosen(ctx, v)
	if err != nil {
		return nil, err
	}
	var runs []sharedRun
	for _, session := range sel.sessions {
		more, err := sel.coverage(r, session.Session)
		if err != nil {
			return nil, err
		}
		runs = append(runs, more...)
	}
	e, err := export.NewCoverage(out, asLines)
	if err != nil {
		return nil, err
	}
	next, err := countedRows(&p, len(runs), func(i int) error { return e.Encode(runs[i].Run, runs[i].symbols) })
	if err != nil {
		return nil, err
	}
	return next, e.Close()
}

// sessionRows are those of export sessions.
func (s *site) sessionRows(ctx context.Context, v url.Values, out io.Writer) (url.Values, error) {
	p, r, sel, err := s.chosen(ctx, v)
	if err != nil {
		return nil, err
	}
	a, err := sel.account(r)
	if err != nil {
		return nil, err
	}
	lines := a.sessionLines()
	e, err := export.NewSessions(out, asLines)
	if err != nil {
		return nil, err
	}
	next, err := countedRows(&p, len(lines), func(i int) error { return e.Encode(&lines[i]) })
	if err != nil {
		return nil, err
	}
	return next, e.Close()
}

// newsRows are headlines as of export news, but the latest first.
func (s *site) newsRows(ctx context.Context, v url.Values, out io.Writer) (url.Values, error) {
	a := siteAsked(v)
	p, err := takePage(a)
	if err != nil {
		return nil, err
	}
	from, err := p.number()
	if err != nil {
		return nil, err
	}
	n := newsCommand{}
	a.Set("limit", strconv.Itoa(from+p.limit+1)) // one more tells whether there are more
	if err := n.take(a); err != nil {
		return nil, err
	}
	if err := a.leftover(); err != nil {
		return nil, err
	}
	list, _, err := n.find(ctx, s.book())
	if err != nil {
		return nil, err
	}
	e, err := export.NewNews(out, asLines)
	if err != nil {
		return nil, err
	}
	next, err := countedRows(&p, len(list), func(i int) error { return e.Encode(&list[i]) })
	if err != nil {
		return nil, err
	}
	return next, e.Close()
}

// dateRows are the sessions on file, each in a few words: what there is to choose from.
func (s *site) dateRows(_ context.Context, v url.Values, out io.Writer) (url.Values, error) {
	if err := siteAsked(v).leftover(); err != nil {
		return nil, err
	}
	all, err := s.file.Sessions()
	if err != nil {
		return nil, err
	}
	e, now := json.NewEncoder(out), s.book().now().UnixMilli()
	for _, each := range all {
		of := each.Session
		err := e.Encode(struct {
			Date      string `json:"date"`
			Open      int64  `json:"open"`
			Close     int64  `json:"close"`
			Hours     string `json:"hours"`
			Source    string `json:"source"`
			Simulated bool   `json:"simulated"`
			Trades    int64  `json:"trades"`
			Running   bool   `json:"running"`
		}{of.Date(), of.Open, of.Close, of.Hours.String(), each.Source, simulated(each.Source), each.Counts[ledger.Accepted], s.live != nil && now < of.Close})
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// candleRows are candles or trades as an export has them, a page at a time. after is the
// symbol that comes next, and where in it: for candles of time the start of what comes, else the
// number of rows that are sent.
func (s *site) candleRows(ctx context.Context, v url.Values, out io.Writer) (url.Values, error) {
	a := siteAsked(v)
	p, err := takePage(a)
	if err != nil {
		return nil, err
	}
	e := new(exportCommand)
	a.Set("what", cmp.Or(a.take("interval"), "1m"))
	a.Set("format", string(export.JSONLines))
	if err := e.take(a); err != nil {
		return nil, err
	}
	if err := a.leftover(); err != nil {
		return nil, err
	}
	v1, err := e.interval()
	switch {
	case err != nil:
		return nil, err
	case v1 == candle.Interval{}:
		return nil, &usage{problem: fmt.Sprintf("interval: %q is none; right is for example interval=1m", e.What)}
	case e.Split != "" || e.Follow || e.Fill != "none":
		return nil, &usage{problem: "split, follow and fill are for /export"}
	}
	r := s.file.Read()
	sel, err := e.choose(ctx, r, s.book().now())
	if err != nil {
		return nil, err
	}
	page := &candlePage{sel: sel, r: r, form: e.form, what: e.What, byTime: v1.ByTime(), left: p.limit}
	after, err := page.write(out, p.after)
	if err != nil || after == "" {
		return nil, err
	}
	return p.next(after), nil
}

// candlePage writes the candles of a selection up to a number.
type candlePage struct {
	sel    *selection
	r      *store.Reading
	form   form
	what   string
	byTime bool
	left   int
}

// write writes what is behind after, and says what comes behind that; "" is nothing.
func (p *candlePage) write(out io.Writer, after string) (next string, err error) {
	symbol, place := "", int64(0)
	if after != "" {
		text := ""
		symbol, text, _ = strings.Cut(after, "~")
		if place, err = strconv.ParseInt(text, 10, 64); err != nil {
			return "", &usage{problem: fmt.Sprintf("after: %q is none that was named by a Link", after)}
		}
	}
	for _, name := range p.sel.symbols {
		if name < symbol {
			continue
		}
		from := int64(0)
		if name == symbol {
			from = place
		}
		if p.left == 0 {
			return fmt.Sprintf("%s~%d", name, 0), nil
		}
		if next, err = p.symbol(out, name, from); err != nil || next != "" {
			return next, err
		}
	}
	return "", nil
}

// symbol writes the candles of one symbol from a place on.
func (p *candlePage) symbol(out io.Writer, name string, from int64) (next string, err error) {
	part := p.sel.part(p.sel.sessions, []string{name})
	skip := from
	if p.byTime {
		skip = 0
		part.from = max(part.from, cmp.Or(from, math.MinInt64))
	}
	lines := &lineWindow{w: out, skip: skip}
	s := &sheet{sel: part, f: p.r, what: p.what, form: p.form, measured: new(measure), limit: skip + int64(p.left)}
	if err := s.writePart(lines, part); err != nil {
		return "", err
	}
	p.left -= int(s.rows - skip)
	if !s.cut {
		return "", nil
	}
	if p.byTime {
		return fmt.Sprintf("%s~%d", name, s.reached), nil
	}
	return fmt.Sprintf("%s~%d", name, s.rows), nil
}

// lineWindow leaves out the first lines.
type lineWindow struct {
	w    io.Writer
	skip int64
}

func (l *lineWindow) Write(b []byte) (int, error) {
	n := len(b)
	for ; l.skip > 0 && len(b) > 0; l.skip-- {
		i := bytes.IndexByte(b, '\n') // rows come whole
		b = b[i+1:]
	}
	if len(b) == 0 {
		return n, nil
	}
	_, err := l.w.Write(b)
	return n, err
}
