package ledger

import (
	"cmp"
	"iter"
	"slices"
)

// State is what is known of one second, or of a longer stretch.
type State uint8

// The states. Unknown is the zero value: nothing can be said.
const (
	Unknown State = iota // a recording of the past without a stated clock
	Traded               // wholly covered, with a candle
	Quiet                // wholly covered, nobody traded
	Partial              // a candle, but not covered for the whole of it
	Down                 // in session, not wholly covered, no candle
)

// String is the state's name in exports.
func (s State) String() string {
	return [...]string{"unknown", "traded", "quiet", "partial", "down"}[s]
}

// Stretch is a piece of a Timeline. Known is false where nothing can be said;
// elsewhere Cause is Heard or the reason why not.
type Stretch struct {
	From, Until int64
	Known       bool
	Cause       Cause
}

func (s Stretch) heard() bool { return s.Known && s.Cause == Heard }

// Timeline tells for one symbol what was heard: stretches in order that fill the
// session from Open to Close without overlap, neighbours differing.
type Timeline []Stretch

// NewTimeline reads the ledger of a session, in the order it was written, for one
// symbol. What was heard wins over what was not; among causes the one written
// last wins. What nobody wrote about is not_running before the first entry,
// not_subscribed while others were heard, and otherwise rest: the reason why the
// record stops (crash, shutdown, or not_running, which Heard stands for too). In a
// session without a stated clock everything before the first and after the last
// heard span is unknown.
func NewTimeline(s Session, spans []Span, symbol string, rest Cause) Timeline {
	if rest == Heard {
		rest = NotRunning
	}
	entries, begun := entriesFor(s, spans, symbol)
	cuts := cutPoints(s, begun, entries)
	known := bounds(s, entries)
	sweep := newSweep(entries)
	var line Timeline
	for i := range len(cuts) - 1 {
		from, until := cuts[i], cuts[i+1]
		piece := Stretch{From: from, Until: until, Known: from >= known.from && from < known.until}
		if piece.Known {
			nothing := rest
			if from < begun {
				nothing = NotRunning
			}
			piece.Cause = sweep.causeAt(from, nothing)
		}
		if n := len(line) - 1; n >= 0 && line[n].Known == piece.Known && line[n].Cause == piece.Cause {
			line[n].Until = until
			continue
		}
		line = append(line, piece)
	}
	return line
}

// entry is a span inside the session, as one symbol reads it.
type entry struct {
	from, until int64
	cause       Cause
	written     int // its place in the ledger; -1 when others were heard
}

// entriesFor are the entries that say something about the symbol, and the instant
// at which the first entry of all begins. What the ledger says about others is
// left out unless they were heard: with thousands of symbols it says a lot.
func entriesFor(s Session, spans []Span, symbol string) (entries []entry, begun int64) {
	begun = s.Close
	for i, p := range spans {
		if p.From >= p.Until {
			continue
		}
		begun = min(begun, p.From)
		clipped, ok := p.Clip(s)
		if !ok {
			continue
		}
		e := entry{clipped.From, clipped.Until, p.Cause, i}
		if !p.Symbols.Has(symbol) {
			if p.Cause != Heard {
				continue
			}
			e.cause, e.written = NotSubscribed, -1
		}
		entries = append(entries, e)
	}
	return entries, begun
}

// cutPoints are the instants at which something may change, the session's edges included.
func cutPoints(s Session, begun int64, entries []entry) []int64 {
	cuts := []int64{s.Open, max(s.Open, begun), s.Close}
	for _, e := range entries {
		cuts = append(cuts, e.from, e.until)
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

type stretchOf struct{ from, until int64 }

// bounds is the part of the session of which something can be said.
func bounds(s Session, entries []entry) stretchOf {
	if s.Stated {
		return stretchOf{s.Open, s.Close}
	}
	b := stretchOf{s.Close, s.Open}
	for _, e := range entries {
		if e.cause == Heard {
			b = stretchOf{min(b.from, e.from), max(b.until, e.until)}
		}
	}
	return b
}

// sweep goes through a session from its open and holds the few entries that cover
// the instant it has come to.
type sweep struct {
	ahead []entry // by from
	here  []entry
}

func newSweep(entries []entry) *sweep {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.from, b.from) })
	return &sweep{ahead: entries}
}

// causeAt is the cause at t, which must not be before that of the last call; it is
// nothing when no entry covers t.
func (w *sweep) causeAt(t int64, nothing Cause) Cause {
	for len(w.ahead) > 0 && w.ahead[0].from <= t {
		w.here, w.ahead = append(w.here, w.ahead[0]), w.ahead[1:]
	}
	w.here = slices.DeleteFunc(w.here, func(e entry) bool { return e.until <= t })
	last, cause := -2, nothing
	for _, e := range w.here {
		if e.cause == Heard {
			return Heard
		}
		if e.written > last {
			last, cause = e.written, e.cause
		}
	}
	return cause
}

// State is the state of the stretch from from until until, of which the part
// inside the session counts. traded says whether there is a candle. The cause
// belongs to Partial and Down.
func (l Timeline) State(from, until int64, traded bool) (State, Cause) {
	first, _ := slices.BinarySearchFunc(l, from, func(s Stretch, t int64) int {
		if s.Until <= t {
			return -1
		}
		return 1
	})
	return l[first:].stateFrom(from, until, traded)
}

// stateFrom is State for a line that begins with the stretch that holds from.
func (l Timeline) stateFrom(from, until int64, traded bool) (State, Cause) {
	heard, unknown := true, true
	cause := Heard
	for _, s := range l {
		if s.From >= until {
			break
		}
		heard = heard && s.heard()
		unknown = unknown && !s.Known
		if cause == Heard && s.Known {
			cause = s.Cause
		}
	}
	switch {
	case unknown:
		return Unknown, Heard
	case heard && traded:
		return Traded, Heard
	case heard:
		return Quiet, Heard
	case traded:
		return Partial, cause
	case cause == Heard: // heard for a part, and nothing can be said of the rest
		return Unknown, Heard
	}
	return Down, cause
}

// Run is a row of seconds in one state.
type Run struct {
	From, Until int64
	State       State
	Cause       Cause
}

// Seconds is the length of r in seconds.
func (r Run) Seconds() int64 { return (r.Until - r.From) / 1000 }

// Runs tells the state of every second of the session, once, as runs of equal
// seconds in order. traded are the starts of the seconds that have a candle, in
// ascending order.
func (l Timeline) Runs(traded iter.Seq[int64]) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		next, stop := iter.Pull(traded)
		defer stop()
		trade, more := next()
		var run Run
		for i, t := 0, l.open(); t < l.close(); t += 1000 {
			for l[i].Until <= t {
				i++
			}
			for more && trade < t {
				trade, more = next()
			}
			state, cause := l[i:].stateFrom(t, t+1000, more && trade == t)
			if state == run.State && cause == run.Cause && t == run.Until {
				run.Until = t + 1000
				continue
			}
			if run.Until > run.From && !yield(run) {
				return
			}
			run = Run{t, t + 1000, state, cause}
		}
		if run.Until > run.From {
			yield(run)
		}
	}
}

func (l Timeline) open() int64 {
	if len(l) == 0 {
		return 0
	}
	return l[0].From
}

func (l Timeline) close() int64 {
	if len(l) == 0 {
		return 0
	}
	return l[len(l)-1].Until
}

// Tally counts the seconds of a session by state.
type Tally [5]int64

// Tally counts the seconds from from until until, whole ones of the session, by state, as
// Runs tells them. traded are the starts of the seconds that have a candle, in ascending
// order. What it takes grows with the stretches, not with the seconds.
func (l Timeline) Tally(traded []int64, from, until int64) (n Tally) {
	for i, t := 0, max(from, l.open()); t < min(until, l.close()); {
		for l[i].Until <= t {
			i++
		}
		whole := (min(l[i].Until, until) - t) / 1000 // that lie in this stretch alone
		end := t + max(whole, 1)*1000
		first, _ := slices.BinarySearch(traded, t)
		behind, _ := slices.BinarySearch(traded, end)
		candles := int64(behind - first)
		with, _ := l[i:].stateFrom(t, t+1000, true)
		without, _ := l[i:].stateFrom(t, t+1000, false)
		n[with] += candles
		n[without] += (end-t)/1000 - candles
		t = end
	}
	return n
}

// Listens says whether every second between from and until was wholly heard.
func (l Timeline) Listens(from, until int64) bool {
	for _, s := range l {
		if s.From < until && s.Until > from && !s.heard() {
			return false
		}
	}
	return true
}

// Add counts the seconds of a run.
func (n *Tally) Add(r Run) { n[r.State] += r.Seconds() }

// CompareRuns orders runs by time, then state, then cause.
func CompareRuns(a, b Run) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until),
		cmp.Compare(a.State, b.State), cmp.Compare(a.Cause, b.Cause))
}
