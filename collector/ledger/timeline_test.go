package ledger_test

import (
	"slices"
	"strconv"
	"testing"

	"tapedeck/collector/ledger"
)

// checkTimeline holds a timeline against its rules: it fills the session in order
// without overlap, neighbours differ, and each instant is what the oracle says.
func checkTimeline(t *testing.T, n notebook) {
	t.Helper()
	line := n.timeline()
	at := n.session.Open
	for i, s := range line {
		if s.From != at || s.Until <= s.From {
			t.Fatalf("%s\nstretch %d is %+v, the one before ends at %d", n, i, s, at)
		}
		at = s.Until
		if i > 0 && s.Known == line[i-1].Known && s.Cause == line[i-1].Cause {
			t.Fatalf("%s\nstretches %d and %d say the same: %+v", n, i-1, i, s)
		}
		if !s.Known && s.Cause != ledger.Heard {
			t.Fatalf("%s\nstretch %d gives a cause for what is not known: %+v", n, i, s)
		}
	}
	if at != n.session.Close {
		t.Fatalf("%s\nthe timeline ends at %d: %+v", n, at, line)
	}
	for i, want := range n.instants() {
		at := n.session.Open + int64(i)*step
		k := slices.IndexFunc(line, func(s ledger.Stretch) bool { return s.From <= at && at < s.Until })
		if got := (instant{line[k].Known, line[k].Cause}); got != want {
			t.Fatalf("%s\nat %d: %+v, want %+v", n, at, got, want)
		}
	}
}

func TestTimelineOracle(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		checkTimeline(t, randomNotebook(r))
	}
}

// One session as it happens: each rule once, in words.
func TestTimelineStory(t *testing.T) {
	s := ledger.Session{Hours: ledger.Regular, Open: 10_000, Close: 100_000, Stated: true}
	qld, both := ledger.NewSymbols("QLD"), ledger.NewSymbols("QLD", "SPY")
	spans := []ledger.Span{
		{From: 20_000, Until: 22_000, Symbols: qld, Cause: ledger.Connect},
		{From: 22_000, Until: 25_000, Symbols: qld, Cause: ledger.Unheard},
		{From: 22_000, Until: 50_000, Symbols: qld}, // heard wins, and unheard of the same time says nothing
		{From: 45_000, Until: 60_000, Symbols: qld, Cause: ledger.Drop},
		{From: 55_000, Until: 60_000, Symbols: qld, Cause: ledger.Refused}, // written later
		{From: 60_000, Until: 80_000, Symbols: both},
		{From: 65_000, Until: 70_000, Symbols: both, Cause: ledger.DiskFull}, // nothing beats what was heard
		{From: 85_000, Until: 90_000, Symbols: ledger.NewSymbols("SPY")},
	}
	want := ledger.Timeline{
		{From: 10_000, Until: 20_000, Known: true, Cause: ledger.NotRunning},
		{From: 20_000, Until: 22_000, Known: true, Cause: ledger.Connect},
		{From: 22_000, Until: 50_000, Known: true},
		{From: 50_000, Until: 55_000, Known: true, Cause: ledger.Drop},
		{From: 55_000, Until: 60_000, Known: true, Cause: ledger.Refused},
		{From: 60_000, Until: 80_000, Known: true},
		{From: 80_000, Until: 85_000, Known: true, Cause: ledger.Crash},
		{From: 85_000, Until: 90_000, Known: true, Cause: ledger.NotSubscribed},
		{From: 90_000, Until: 100_000, Known: true, Cause: ledger.Crash},
	}
	if got := ledger.NewTimeline(s, spans, "QLD", ledger.Crash); !slices.Equal(got, want) {
		t.Errorf("stated clock:\n%+v, want\n%+v", got, want)
	}
	s.Stated = false
	want = slices.Concat(
		ledger.Timeline{{From: 10_000, Until: 22_000}},
		want[2:6],
		ledger.Timeline{{From: 80_000, Until: 100_000}})
	if got := ledger.NewTimeline(s, spans, "QLD", ledger.Crash); !slices.Equal(got, want) {
		t.Errorf("no stated clock:\n%+v, want\n%+v", got, want)
	}
}

// A rest that says nothing must not read as heard: nothing is invented.
func TestTimelineWithoutRest(t *testing.T) {
	s := ledger.Session{Hours: ledger.Regular, Open: 0, Close: 10_000, Stated: true}
	spans := []ledger.Span{{From: 0, Until: 4000, Symbols: ledger.NewSymbols("QLD")}}
	got := ledger.NewTimeline(s, spans, "QLD", ledger.Heard)
	want := ledger.Timeline{{From: 0, Until: 4000, Known: true}, {From: 4000, Until: 10_000, Known: true, Cause: ledger.NotRunning}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Writing a span as two, cut at any instant, changes nothing.
func TestTimelineSplit(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		n := randomNotebook(r)
		want := n.timeline()
		traded := randomTraded(r, n.session)
		runs := slices.Collect(want.Runs(slices.Values(traded)))
		var pieces []ledger.Span
		for _, p := range n.spans {
			cut := p
			if p.Until > p.From {
				at := p.From + r.Int64N(p.Until-p.From+1)
				p.Until, cut.From = at, at
			}
			pieces = append(pieces, p, cut)
		}
		got := ledger.NewTimeline(n.session, pieces, symbol, n.rest)
		if !slices.Equal(got, want) {
			t.Fatalf("%s\nsplit into\n%v\nit is %+v, before %+v", n, pieces, got, want)
		}
		if split := slices.Collect(got.Runs(slices.Values(traded))); !slices.Equal(split, runs) {
			t.Fatalf("%s\nsplit, the runs are %+v, before %+v", n, split, runs)
		}
	}
}

// One more span of hearing the symbol never takes away from what is known. (Of the
// second in which a recording without a stated clock ends, a part is not known. It
// is down while another part is known to be deaf, and unknown once that is heard.)
func TestTimelineMonotone(t *testing.T) {
	better := map[ledger.State][]ledger.State{
		ledger.Traded:  {ledger.Traded},
		ledger.Quiet:   {ledger.Quiet},
		ledger.Partial: {ledger.Partial, ledger.Traded},
		ledger.Down:    {ledger.Down, ledger.Quiet},
	}
	r := seeded(t)
	for range 2000 {
		n := randomNotebook(r)
		before := n.timeline()
		more := randomSpan(r, n.session)
		more.Cause, more.Symbols = ledger.Heard, sets[r.IntN(2)]
		spans := slices.Insert(slices.Clone(n.spans), r.IntN(len(n.spans)+1), more)
		after := ledger.NewTimeline(n.session, spans, symbol, n.rest)
		for from := n.session.Open; from < n.session.Close; from += 1000 {
			traded := r.IntN(2) == 0
			was, _ := before.State(from, from+1000, traded)
			is, _ := after.State(from, from+1000, traded)
			if was == ledger.Unknown || was == ledger.Down && is == ledger.Unknown && n.partlyUnknown(from, from+1000) {
				continue
			}
			if !slices.Contains(better[was], is) {
				t.Fatalf("%s\nwith %+v second %d was %s and is %s", n, more, from, was, is)
			}
		}
	}
}

// The work must not grow with the square of the spans: a bad day has hundreds of
// reconnects, and each symbol reads all of them.
func BenchmarkTimeline(b *testing.B) {
	s := ledger.Session{Hours: ledger.Regular, Open: 0, Close: 23_400_000, Stated: true}
	names := []string{"QLD"}
	for i := range 49 {
		names = append(names, "S"+strconv.Itoa(i))
	}
	all := ledger.NewSymbols(names...)
	var spans []ledger.Span
	for i := range int64(200) {
		t := i * 117_000
		spans = append(spans,
			ledger.Span{From: t, Until: t + 2000, Symbols: all, Cause: ledger.Connect},
			ledger.Span{From: t + 2000, Until: t + 110_000, Symbols: all},
			ledger.Span{From: t + 110_000, Until: t + 117_000, Symbols: all, Cause: ledger.Drop})
	}
	b.Run("600 spans", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ledger.NewTimeline(s, spans, "QLD", ledger.Crash)
		}
	})
	// Every symbol is unheard for a while after every subscribe, in a span of its own.
	b.Run("11000 spans of others", func(b *testing.B) {
		b.ReportAllocs()
		many := spans[:3:3]
		for i := range int64(11_000) {
			many = append(many, ledger.Span{From: 2000, Until: 3000 + i, Symbols: ledger.NewSymbols("X" + strconv.FormatInt(i, 10)), Cause: ledger.Unheard})
		}
		for b.Loop() {
			ledger.NewTimeline(s, many, "QLD", ledger.Crash)
		}
	})
	b.Run("runs", func(b *testing.B) {
		b.ReportAllocs()
		line := ledger.NewTimeline(s, spans, "QLD", ledger.Crash)
		traded := make([]int64, 0, s.Seconds())
		for t := s.Open; t < s.Close; t += 2000 {
			traded = append(traded, t)
		}
		for b.Loop() {
			for range line.Runs(slices.Values(traded)) {
			}
		}
	})
}
