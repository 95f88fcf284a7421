package ledger_test

import (
	"slices"
	"testing"

	"tapedeck/collector/ledger"
)

// checkRuns holds the runs against their rules: every second of the session once
// and in order, neighbours differing, and each what State and the oracle say.
func checkRuns(t *testing.T, n notebook, traded []int64) {
	t.Helper()
	line := n.timeline()
	at := n.session.Open
	var before ledger.Run
	for r := range line.Runs(slices.Values(traded)) {
		if r.From != at || r.Until <= r.From {
			t.Fatalf("%s\nrun %+v does not follow on %d", n, r, at)
		}
		if before.Until > before.From && before.State == r.State && before.Cause == r.Cause {
			t.Fatalf("%s\nruns %+v and %+v say the same", n, before, r)
		}
		for ; at < r.Until; at += 1000 {
			has := slices.Contains(traded, at)
			wantState, wantCause := n.state(at, at+1000, has)
			if r.State != wantState || r.Cause != wantCause {
				t.Fatalf("%s\nsecond %d with candle %v: %s %q, want %s %q", n, at, has, r.State, r.Cause, wantState, wantCause)
			}
			if state, cause := line.State(at, at+1000, has); state != r.State || cause != r.Cause {
				t.Fatalf("%s\nsecond %d: State says %s %q, the run %+v", n, at, state, cause, r)
			}
			candle := r.State == ledger.Traded || r.State == ledger.Partial
			if r.State != ledger.Unknown && candle != has {
				t.Fatalf("%s\nsecond %d with candle %v is %s", n, at, has, r.State)
			}
			if (r.Cause != ledger.Heard) && r.State != ledger.Partial && r.State != ledger.Down {
				t.Fatalf("%s\na %s second with a cause: %+v", n, r.State, r)
			}
		}
		before = r
	}
	if at != n.session.Close {
		t.Fatalf("%s\nthe runs end at %d", n, at)
	}
	var tally ledger.Tally
	for r := range line.Runs(slices.Values(traded)) {
		tally.Add(r)
	}
	sum := int64(0)
	for _, seconds := range tally {
		sum += seconds
	}
	if sum != n.session.Seconds() {
		t.Fatalf("%s\ntally %v of a session of %d s", n, tally, n.session.Seconds())
	}
}

func TestRunsOracle(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		n := randomNotebook(r)
		checkRuns(t, n, randomTraded(r, n.session))
	}
}

// The state of longer stretches, also those that hang over the session's edges.
func TestStateOracle(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		n := randomNotebook(r)
		line := n.timeline()
		for range 20 {
			from := n.session.Open - 3000 + step*r.Int64N(180)
			until := from + step*(1+r.Int64N(80))
			traded := r.IntN(2) == 0
			state, cause := line.State(from, until, traded)
			wantState, wantCause := n.state(from, until, traded)
			if state != wantState || cause != wantCause {
				t.Fatalf("%s\n%d-%d with candle %v: %s %q, want %s %q", n, from, until, traded, state, cause, wantState, wantCause)
			}
		}
	}
}

// A reader of runs may stop at any of them.
func TestRunsStop(t *testing.T) {
	r := seeded(t)
	for range 200 {
		n := randomNotebook(r)
		line, traded := n.timeline(), randomTraded(r, n.session)
		want := slices.Collect(line.Runs(slices.Values(traded)))
		var got []ledger.Run
		stop := 1 + r.IntN(len(want))
		for run := range line.Runs(slices.Values(traded)) {
			got = append(got, run)
			if len(got) == stop {
				break
			}
		}
		if !slices.Equal(got, want[:stop]) {
			t.Fatalf("%s\nfirst %d of the runs: %+v, want %+v", n, stop, got, want)
		}
	}
}

func TestRunsNone(t *testing.T) {
	for run := range ledger.Timeline(nil).Runs(slices.Values([]int64{0, 1000})) {
		t.Errorf("a run of no timeline: %+v", run)
	}
}

func TestStateString(t *testing.T) {
	for state, want := range map[ledger.State]string{ledger.Unknown: "unknown", ledger.Traded: "traded",
		ledger.Quiet: "quiet", ledger.Partial: "partial", ledger.Down: "down"} {
		if got := state.String(); got != want {
			t.Errorf("state %d is called %q, want %q", uint8(state), got, want)
		}
	}
}

func TestCompareRuns(t *testing.T) {
	ordered := []ledger.Run{
		{From: -5, Until: 9},
		{From: 0, Until: 1, State: ledger.Quiet},
		{From: 0, Until: 2, State: ledger.Traded},
		{From: 0, Until: 2, State: ledger.Down, Cause: ledger.Connect},
		{From: 0, Until: 2, State: ledger.Down, Cause: ledger.Drop},
		{From: 1, Until: 2},
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := ledger.CompareRuns(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("CompareRuns(%+v, %+v) = %d", a, b, got)
			}
		}
	}
}
