package ledger_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tapedeck/collector/ledger"
)

// Tally counts what Runs tells, of any part of a session.
func TestTallyIsRuns(t *testing.T) {
	r := seeded(t)
	for range 500 {
		s := ledger.Session{Hours: ledger.Regular, Open: 1_000_000, Close: 1_000_000 + 1000*(1+r.Int64N(200)), Stated: r.IntN(4) > 0}
		line := ledger.NewTimeline(s, anySpans(r, s), "QLD", ledger.Crash)
		var traded []int64
		for at := s.Open; at < s.Close; at += 1000 {
			if r.IntN(3) == 0 {
				traded = append(traded, at)
			}
		}
		from := s.Open + 1000*r.Int64N(s.Seconds()+1)
		until := from + 1000*r.Int64N(s.Seconds()+2)
		if r.IntN(3) == 0 {
			from, until = s.Open-5000, s.Close+5000
		}
		var want ledger.Tally
		for run := range line.Runs(slices.Values(traded)) {
			run.From, run.Until = max(run.From, from), min(run.Until, until)
			if run.From < run.Until {
				want.Add(run)
			}
		}
		if got := line.Tally(traded, from, until); got != want {
			t.Fatalf("%v from %d until %d with %v: %v, want %v", line, from, until, traded, got, want)
		}
		listens := want[ledger.Partial]+want[ledger.Down]+want[ledger.Unknown] == 0
		if from < until && from >= s.Open && until <= s.Close && line.Listens(from, until) != listens {
			t.Fatalf("%v listens from %d until %d: %v, want %v", line, from, until, !listens, listens)
		}
	}
}

// anySpans are spans on any millisecond, heard and not.
func anySpans(r *rand.Rand, s ledger.Session) (list []ledger.Span) {
	causes := []ledger.Cause{ledger.Heard, ledger.Heard, ledger.Drop, ledger.Mute}
	for range r.IntN(8) {
		from := s.Open - 2000 + r.Int64N(s.Close-s.Open+2000)
		until := from + r.Int64N(60_000)
		if r.IntN(3) == 0 {
			from, until = from/1000*1000, until/1000*1000
		}
		list = append(list, ledger.Span{From: from, Until: until, Symbols: ledger.NewSymbols([]string{"QLD", "SPY"}[r.IntN(2)]), Cause: causes[r.IntN(4)]})
	}
	return list
}
