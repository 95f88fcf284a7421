package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"

	"tapedeck/collector/ledger"
)

const (
	usualBins = 780 // of 30 s in a regular session
	mostBins  = 4000
	mostGaps  = 500 // of a symbol that are listed
)

// strip is the coverage of a symbol in a session, as it is drawn.
type strip struct {
	Symbol string     `json:"symbol"`
	Open   int64      `json:"open"`
	Close  int64      `json:"close"`
	Until  int64      `json:"until"`
	Step   int64      `json:"step"` // ms a bin
	Bins   string     `json:"bins"` // a letter each
	Gaps   []stripGap `json:"gaps"`

	Trades    int64   `json:"trades"`
	LastPrice *string `json:"last_price"`
	Traded    int64   `json:"traded"` // seconds
	Quiet     int64   `json:"quiet"`
	Partial   int64   `json:"partial"`
	Down      int64   `json:"down"`
	Unknown   int64   `json:"unknown"`
}

type stripGap struct {
	Time    int64  `json:"time"`
	Until   int64  `json:"until"`
	Seconds int64  `json:"seconds"`
	State   string `json:"state"`
	Cause   string `json:"cause"`
}

// stripRows are the coverage of some symbols in bins: a digit is how many tenths of the
// seconds traded where all were heard, d that one is down, p partial, u unknown, and . is yet
// to come.
func (s *site) stripRows(ctx context.Context, v url.Values, out io.Writer) (url.Values, error) {
	bins, err := strconv.Atoi(cmp.Or(v.Get("bins"), strconv.Itoa(usualBins)))
	if err != nil || bins < 1 || bins > mostBins {
		return nil, &usage{problem: fmt.Sprintf("bins: right is a number from 1 to %d", mostBins)}
	}
	v.Del("bins")
	_, r, sel, err := s.chosen(ctx, v)
	if err != nil {
		return nil, err
	}
	one := sel.part(sel.sessions[len(sel.sessions)-1:], sel.symbols[:min(len(sel.symbols), mostSiteSymbols)])
	session := one.sessions[0].Session
	until, err := r.Until(session)
	if err != nil {
		return nil, err
	}
	seconds, err := tradedSeconds(one, r)
	if err != nil {
		return nil, err
	}
	e := json.NewEncoder(out)
	for _, name := range one.symbols {
		line, err := one.line(r, pair{name, session})
		if err != nil {
			return nil, err
		}
		of := stripOf(session, name, until/1000*1000, line, seconds[name].starts, bins)
		of.Trades, of.LastPrice = seconds[name].trades, seconds[name].price
		if err := e.Encode(of); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// stripOf draws the runs of a symbol's seconds.
func stripOf(s ledger.Session, symbol string, until int64, line ledger.Timeline, traded []int64, bins int) *strip {
	steps := (s.Seconds() + int64(bins) - 1) / int64(bins)
	of := &strip{Symbol: symbol, Open: s.Open, Close: s.Close, Until: until, Step: 1000 * max(steps, 1), Gaps: []stripGap{}}
	counts := make([]ledger.Tally, (s.Close-s.Open+of.Step-1)/of.Step)
	for run := range line.Runs(slices.Values(traded)) {
		if run.Until = min(run.Until, until); run.From >= run.Until {
			continue
		}
		for t := run.From; t < run.Until; {
			bin := (t - s.Open) / of.Step
			end := min(run.Until, s.Open+(bin+1)*of.Step)
			counts[bin][run.State] += (end - t) / 1000
			t = end
		}
		of.gap(run)
	}
	text := make([]byte, len(counts))
	var n ledger.Tally
	for i := range counts {
		text[i] = binLetter(&counts[i])
		for state, seconds := range counts[i] {
			n[state] += seconds
		}
	}
	of.Bins = string(text)
	of.Traded, of.Quiet, of.Partial, of.Down, of.Unknown = n[ledger.Traded], n[ledger.Quiet], n[ledger.Partial], n[ledger.Down], n[ledger.Unknown]
	return of
}

// gap lists a run that was not wholly heard; what goes on by the same cause is one gap, which
// is down as soon as a second of it is.
func (of *strip) gap(run ledger.Run) {
	if run.State != ledger.Down && run.State != ledger.Partial {
		return
	}
	if n := len(of.Gaps); n > 0 && of.Gaps[n-1].Until == run.From && of.Gaps[n-1].Cause == string(run.Cause) {
		last := &of.Gaps[n-1]
		last.Until, last.Seconds = run.Until, last.Seconds+run.Seconds()
		if run.State == ledger.Down {
			last.State = run.State.String()
		}
		return
	}
	if len(of.Gaps) < mostGaps {
		of.Gaps = append(of.Gaps, stripGap{run.From, run.Until, run.Seconds(), run.State.String(), string(run.Cause)})
	}
}

// binLetter is the worst that is in a bin.
func binLetter(n *ledger.Tally) byte {
	heard := n[ledger.Traded] + n[ledger.Quiet]
	switch {
	case n[ledger.Down] > 0:
		return 'd'
	case n[ledger.Partial] > 0:
		return 'p'
	case n[ledger.Unknown] > 0:
		return 'u'
	case heard == 0:
		return '.'
	}
	tenths := (n[ledger.Traded]*10 + heard - 1) / heard // some is not none
	return byte('0' + min(tenths, 9))
}
