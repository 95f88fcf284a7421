package ledger_test

import (
	"fmt"
	"math/rand/v2"

	"tapedeck/collector/ledger"
)

// step is the grid of these tests, in milliseconds: every edge lies on it, so what
// holds at its points holds everywhere.
const step = 100

// notebook is a session with all that was written about it: what a Timeline is
// made of, and an oracle that looks at each instant by itself.
type notebook struct {
	session ledger.Session
	spans   []ledger.Span
	rest    ledger.Cause
}

const symbol = "QLD"

// instant is what is known of one point of time.
type instant struct {
	known bool
	cause ledger.Cause
}

// instants are all points of the grid inside the session.
func (n notebook) instants() []instant {
	var all []instant
	for t := n.session.Open; t < n.session.Close; t += step {
		all = append(all, n.at(t))
	}
	return all
}

// at reads the rules in the doc comment of NewTimeline from the top.
func (n notebook) at(t int64) instant {
	before, after := false, false // is there a heard span at or before, at or after t?
	var here []ledger.Span
	anybodyYet := false
	for _, p := range n.spans {
		if p.From >= p.Until {
			continue
		}
		anybodyYet = anybodyYet || p.From <= t
		if p.From <= t && t < p.Until {
			here = append(here, p)
		}
		inside := p.From < n.session.Close && p.Until > n.session.Open
		if p.Cause == ledger.Heard && p.Symbols.Has(symbol) && inside {
			before = before || p.From <= t
			after = after || p.Until > t
		}
	}
	if !n.session.Stated && !(before && after) {
		return instant{}
	}
	last, others := ledger.Heard, false
	for _, p := range here {
		mine := p.Symbols.Has(symbol)
		if mine && p.Cause == ledger.Heard { // what was heard wins
			return instant{known: true}
		}
		if mine { // among causes the one written last
			last = p.Cause
		}
		others = others || p.Cause == ledger.Heard
	}
	switch {
	case last != ledger.Heard:
		return instant{true, last}
	case others:
		return instant{true, ledger.NotSubscribed}
	case !anybodyYet:
		return instant{true, ledger.NotRunning}
	}
	return instant{true, n.rest}
}

// state reads the table of states: of the part of the stretch inside the session.
func (n notebook) state(from, until int64, traded bool) (ledger.State, ledger.Cause) {
	said, unsaid := 0, 0
	var causes []ledger.Cause
	for t := max(from, n.session.Open); t < min(until, n.session.Close); t += step {
		switch at := n.at(t); {
		case !at.known:
			unsaid++
		case at.cause == ledger.Heard:
			said++
		default:
			said++
			causes = append(causes, at.cause)
		}
	}
	switch {
	case said == 0:
		return ledger.Unknown, ledger.Heard
	case unsaid == 0 && len(causes) == 0 && traded:
		return ledger.Traded, ledger.Heard
	case unsaid == 0 && len(causes) == 0:
		return ledger.Quiet, ledger.Heard
	case traded && len(causes) == 0:
		return ledger.Partial, ledger.Heard
	case traded:
		return ledger.Partial, causes[0]
	case len(causes) == 0:
		return ledger.Unknown, ledger.Heard
	}
	return ledger.Down, causes[0]
}

func (n notebook) partlyUnknown(from, until int64) bool {
	for t := from; t < until; t += step {
		if !n.at(t).known {
			return true
		}
	}
	return false
}

func (n notebook) timeline() ledger.Timeline {
	return ledger.NewTimeline(n.session, n.spans, symbol, n.rest)
}

func (n notebook) String() string {
	text := fmt.Sprintf("session %d-%d, stated %v, rest %s:", n.session.Open, n.session.Close, n.session.Stated, n.rest)
	for _, p := range n.spans {
		text += fmt.Sprintf("\n  %d-%d %v %q", p.From, p.Until, p.Symbols.Names(), p.Cause)
	}
	return text
}

var (
	causes = []ledger.Cause{ledger.Connect, ledger.Drop, ledger.Mute, ledger.DiskFull, ledger.Unheard}
	rests  = []ledger.Cause{ledger.Crash, ledger.Shutdown, ledger.NotRunning}
	sets   = []*ledger.Symbols{ledger.NewSymbols(symbol), ledger.NewSymbols("AAPL", symbol, "SPY"), ledger.NewSymbols("SPY"), nil}
)

// randomNotebook is a session of up to 12 seconds on either side of 1970, and up
// to 12 spans in and around it: long, short, empty, overlapping and in any order.
func randomNotebook(r *rand.Rand) notebook {
	open := []int64{1795183200000, 0, -3000}[r.IntN(3)]
	n := notebook{
		session: ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 1000*(1+r.Int64N(12)), Stated: r.IntN(2) == 0},
		rest:    rests[r.IntN(len(rests))],
	}
	for range r.IntN(13) {
		n.spans = append(n.spans, randomSpan(r, n.session))
	}
	return n
}

func randomSpan(r *rand.Rand, s ledger.Session) ledger.Span {
	from := s.Open - 2000 + step*r.Int64N(160)
	if r.IntN(3) == 0 {
		from -= from % 1000 // edges of seconds are where things go wrong
	}
	p := ledger.Span{From: from, Until: from + step*(r.Int64N(1+r.Int64N(60))-1), Symbols: sets[r.IntN(len(sets))]}
	if r.IntN(2) == 0 {
		p.Cause = causes[r.IntN(len(causes))]
	}
	return p
}

// randomTraded are the starts of the seconds that have a candle, in order.
func randomTraded(r *rand.Rand, s ledger.Session) []int64 {
	var traded []int64
	for t := s.Open; t < s.Close; t += 1000 {
		if r.IntN(2) == 0 {
			traded = append(traded, t)
		}
	}
	return traded
}
