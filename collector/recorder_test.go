package collector

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

var qld = []string{"QLD"}

func usual() Options {
	return Options{Symbols: qld, Stated: true, OpenLead: time.Minute, CloseGrace: time.Minute}
}

// say is a span in words, in seconds since the base.
func say(p ledger.Span) string {
	cause := string(p.Cause)
	if cause == "" {
		cause = "heard"
	}
	return fmt.Sprintf("%.3f-%.3f %s %v", float64(p.From-base)/1000, float64(p.Until-base)/1000, cause, p.Symbols.Names())
}

func wantSpans(t *testing.T, got []ledger.Span, want ...string) {
	t.Helper()
	var words []string
	for _, p := range got {
		words = append(words, say(p))
	}
	if !slices.Equal(words, want) {
		t.Errorf("the ledger is\n%q\nwant\n%q", words, want)
	}
}

func wantDials(t *testing.T, f *fakeFeed, want ...float64) {
	t.Helper()
	if len(f.dials) > len(want)+20 {
		t.Errorf("dialled %d times", len(f.dials))
		return
	}
	var ms []int64
	for _, s := range want {
		ms = append(ms, at(s))
	}
	if !slices.Equal(f.dials, ms) {
		t.Errorf("dialled at %v, want %v", f.dials, ms)
	}
}

func TestTradeBytes(t *testing.T) {
	if n := unsafe.Sizeof(candle.Trade{}); n != tradeBytes {
		t.Errorf("a trade has %d bytes", n)
	}
}

// A session from its lead to its grace, and the next one.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := session(3600, 7200), session(90000, 93600)
		one := &fakeConn{sings: true, script: []frame{
			trade("QLD", 3540.5, 70000), // the echo of the day before
			trade("QLD", 3590, 1),       // before the open
			trade("QLD", 3600.25, 0.25), // the first instant
			trade("QLD", 7199.9, 0.1),
			trade("QLD", 7205, 0),   // stamped after the close
			trade("QLD", 7230, 31),  // late, within the grace
			trade("QLD", 7261, 100), // too late
		}}
		two := &fakeConn{sings: true, script: []frame{trade("QLD", 89941, 80000), trade("QLD", 91000, 0)}}
		f, tape := &fakeFeed{conns: []*fakeConn{one, two}}, newTape()
		o := usual()
		o.Canary = "QQQ"
		r := record(t, f, tape, planOf{first, second}, o, 94000)
		wantDials(t, f, 3540, 89940)
		if len(tape.trades[first]) != 3 || len(tape.trades[second]) != 1 {
			t.Errorf("%d and %d trades", len(tape.trades[first]), len(tape.trades[second]))
		}
		if one.reason == "" || one.closedAt < at(7260) || one.closedAt > at(7260.1) {
			t.Errorf("closed at %d (%q)", one.closedAt, one.reason)
		}
		wantSpans(t, tape.spans(first), "3600.000-7200.000 heard [QLD]")
		want := ledger.Counts{ledger.Accepted: 3, ledger.RejectedEcho: 1, ledger.RejectedSession: 2, ledger.Connections: 1}
		if !reflect.DeepEqual(tape.frames(first), want) {
			t.Errorf("counts are %v, want %v", tape.counts[first], want)
		}
		if !slices.Equal(tape.joined, []int64{at(3540), at(89940)}) {
			t.Errorf("joined at %v", tape.joined)
		}
		if n, last := r.Totals(); n != 4 || last != at(91000) {
			t.Errorf("totals are %d, %d", n, last)
		}
		if tape.durable != 4 {
			t.Errorf("%d trades are durable", tape.durable)
		}
	})
}

// A start in mid-session: from joining until the first pong nothing was heard.
func TestGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 10000)
		conns := []*fakeConn{
			{delay: 200 * time.Millisecond, script: []frame{
				trade("QLD", 0.1, 5), trade("QLD", 9, 0.5), {at: at(9.75), err: errors.New("reset")}}},
			{script: []frame{{at: at(12.0), err: refusedErr("slots")}}},
			{mute: true, script: []frame{trade("QLD", 71.75, 70), trade("QLD", 72.75, 1)}},
			{script: []frame{trade("QLD", 90, 100), trade("QLD", 91, 0)}},
		}
		f, tape := &fakeFeed{conns: conns}, newTape()
		record(t, f, tape, planOf{s}, usual(), 100)
		wantDials(t, f, 0, 11.75, 72, 89)
		wantSpans(t, tape.spans(s),
			"0.000-0.100 connect [QLD]",
			"0.100-8.500 heard [QLD]",
			"8.500-11.760 drop [QLD]",
			"11.760-72.000 slots [QLD]",
			"72.000-89.010 mute [QLD]",
			"89.010-91.000 heard [QLD]")
	})
}

func TestRetryPauses(t *testing.T) {
	fresh := outcome{connected: true, fresh: 3, err: errors.New("x")}
	plain, key := outcome{err: errors.New("x")}, outcome{err: refusedErr("key")}
	var b backoff
	for i, want := range []float64{0.5, 1, 2, 4, 8, 16, 30, 30, 30} {
		if d := b.pause(plain, 0.5); d.Seconds() != want {
			t.Errorf("try %d waits %v", i, d)
		}
	}
	if d := b.pause(fresh, 0.5); d != 2*time.Second {
		t.Errorf("after trades %v", d)
	}
	if d := b.pause(plain, 0); d != coolest {
		t.Errorf("the least is %v", d)
	}
	for _, want := range []float64{15, 30, 60, 120, 300, 300} {
		if d := b.pause(key, 0.5); d.Seconds() != want {
			t.Errorf("a key waits %v, want %v s", d, want)
		}
	}
	if d := b.pause(outcome{err: refusedErr("slots")}, 0); d != time.Minute {
		t.Errorf("slots wait %v", d)
	}
	for asked, want := range map[time.Duration]time.Duration{7 * time.Second: 7 * time.Second, time.Hour: 300 * time.Second} {
		if d := b.pause(outcome{err: retryErr(asked)}, 0); d != want {
			t.Errorf("asked for %v it waits %v", asked, d)
		}
	}
}

type retryErr time.Duration

func (e retryErr) Error() string                     { return "later" }
func (e retryErr) RetryAfter() (time.Duration, bool) { return time.Duration(e), true }

// Who is not heard within a minute is down until the first frame.
func TestUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 10000)
		o := usual()
		o.Symbols = []string{"A", "B", "C", "D"}
		c := &fakeConn{script: []frame{
			trade("A", 1, 100), trade("A", 30, 0), trade("B", 59, 0), trade("A", 70, 0),
			trade("C", 80, 0.5), trade("A", 100, 0)}}
		f, tape := &fakeFeed{conns: []*fakeConn{c}}, newTape()
		record(t, f, tape, planOf{s}, o, 101)
		wantSpans(t, tape.spans(s),
			"0.000-0.010 connect [A B C D]",
			"0.010-100.000 unheard [C D]",
			"0.010-100.000 heard [A B]",
			"79.500-100.000 heard [C]")
		for symbol, want := range map[string]ledger.State{"A": ledger.Quiet, "C": ledger.Down, "D": ledger.Down} {
			line := ledger.NewTimeline(s, tape.spans(s), symbol, ledger.Shutdown)
			if got, cause := line.State(at(50), at(51), false); got != want || want == ledger.Down && cause != ledger.Unheard {
				t.Errorf("%s is %s %s", symbol, got, cause)
			}
		}
	})
}

// Many that are heard late do not stay entries that are written again and again.
func TestCutKeepsTheAccount(t *testing.T) {
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("S%03d", i))
	}
	c := newCover(names, ledger.NewSymbols(names...), true, 0)
	c.alive(at(0), at(-10))
	var ledgerOf []ledger.Span
	for i, name := range names[1:] {
		f := trade(name, 100+float64(i), 500)
		f.trade.Received, f.trade.Echo = f.at, true
		c.frame(&f.trade)
		f = trade(name, 100+float64(i)+0.5, 0)
		f.trade.Received = f.at
		c.frame(&f.trade)
		ledgerOf = c.cut(ledgerOf)
		if len(c.late) > mostLates {
			t.Fatalf("%d spans", len(c.late))
		}
	}
	ledgerOf = c.spans(ledgerOf)
	s := session(-1000, 10000)
	for i, name := range names[1:] {
		line := ledger.NewTimeline(s, ledgerOf, name, ledger.Crash)
		var heard []ledger.Stretch
		for _, p := range line {
			if p.Cause == ledger.Heard {
				heard = append(heard, p)
			}
		}
		if len(heard) != 1 || heard[0].From != at(100+float64(i)) || heard[0].Until != at(298.5) {
			t.Fatalf("%s is heard in %v", name, heard)
		}
	}
	if line := ledger.NewTimeline(s, ledgerOf, names[0], ledger.Crash); line[1].Cause != ledger.Unheard || line[1].Until != at(298.5) {
		t.Errorf("the silent symbol has %v", line)
	}
}

// A repeat of what is recorded is dropped after a reconnect; an honest equal trade is not.
func TestEchoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 10000)
		same := func(seconds float64) frame {
			f := trade("QLD", seconds, 0)
			f.trade.Time = at(5)
			return f
		}
		f, tape := &fakeFeed{conns: []*fakeConn{
			{script: []frame{same(5), same(5.1), same(5.2), {at: at(6), err: errors.New("x")}}},
			{script: []frame{same(8.5), same(8.6), {at: at(9), count: ledger.RejectedGarbage}}},
		}}, newTape()
		record(t, f, tape, planOf{s}, usual(), 20)
		if n := len(tape.trades[s]); n != 4 {
			t.Errorf("%d trades", n)
		}
		want := ledger.Counts{ledger.Accepted: 4, ledger.RejectedEcho: 1, ledger.RejectedGarbage: 1, ledger.Connections: 2, ledger.Reconnects: 1}
		if !reflect.DeepEqual(tape.frames(s), want) {
			t.Errorf("counts are %v", tape.counts[s])
		}
	})
}

func TestFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, tape := &fakeFeed{conns: []*fakeConn{{script: []frame{
			trade("QLD", 1, 0), trade("QLD", 2, -600), trade("QLD", 3, -600.001)}}}}, newTape()
		s := session(-1000, 10000)
		record(t, f, tape, planOf{s}, usual(), 10)
		if c := tape.counts[s]; c[ledger.Accepted] != 2 || c[ledger.RejectedFuture] != 1 {
			t.Errorf("counts are %v", c)
		}
		wantSpans(t, tape.spans(s), "0.000-0.010 connect [QLD]", "0.010-2.000 heard [QLD]")
	})
}

// A commit begins a second after the first trade that waits, coverage alone every
// ten, and nothing at all while nothing moves.
func TestCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(3600, 7200)
		f, tape := &fakeFeed{conns: []*fakeConn{{script: []frame{
			trade("QLD", 3541, 1000), trade("QLD", 3600.3, 0), trade("QLD", 3600.9, 0), trade("QLD", 3602, 0)}}}}, newTape()
		record(t, f, tape, planOf{s}, usual(), 3680)
		var got []float64
		for _, c := range tape.commits {
			got = append(got, float64(c.UnixMilli()-base)/1000)
		}
		// the first count the connection and its echo; pongs move the later ones
		if want := []float64{3550, 3601.3, 3603, 3623, 3643, 3663, 3680}; !slices.Equal(got, want) {
			t.Errorf("commits at %v, want %v", got, want)
		}
	})
}

// Without a stated clock a span begins at the first fresh trade and is cut by days.
func TestUnstated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = -86400.
		old := func(arrives, stamped float64) frame { return trade("QLD", arrives, arrives-stamped) }
		f, tape := &fakeFeed{conns: []*fakeConn{
			{script: []frame{old(1, day-5), old(2, day-4), old(3, day-1), old(4, day+2), {at: at(5), err: errors.New("cut")}}},
			{script: []frame{old(8, day+2), old(9, day+6), old(10, day+9)}},
		}}, newTape()
		o := Options{Symbols: qld, AllHours: true}
		record(t, f, tape, nil, o, 60)
		first, second := ledger.Day(at(day-1)), ledger.Day(at(day))
		wantSpans(t, tape.spans(first), "-86404.000--86400.000 heard [QLD]")
		wantSpans(t, tape.spans(second), "-86400.000--86398.000 heard [QLD]",
			"-86398.000--86394.000 drop [QLD]", "-86394.000--86391.000 heard [QLD]")
		if len(tape.begun) != 2 || tape.begun[0].Stated {
			t.Errorf("begun are %v", tape.begun)
		}
		if len(tape.trades[first]) != 3 || len(tape.trades[second]) != 3 {
			t.Errorf("%d and %d trades", len(tape.trades[first]), len(tape.trades[second]))
		}
		if n := tape.counts[second][ledger.RejectedEcho]; n != 1 {
			t.Errorf("%d echoes", n)
		}
	})
}

// Days touch: one connection, and each trade in its own day.
func TestCryptoDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const night = 86400.
		f, tape := &fakeFeed{conns: []*fakeConn{{sings: true, script: []frame{
			trade("QLD", 1, 5), // yesterday's, which is not recorded
			trade("QLD", 100, 0), trade("QLD", night+1, 2), trade("QLD", night+2, 0), trade("QLD", night+61, 62)}}}}, newTape()
		o := usual()
		o.AllHours, o.Canary = true, "QQQ"
		record(t, f, tape, nil, o, night+100)
		today, tomorrow := ledger.Day(at(0)), ledger.Day(at(night))
		today.Stated, tomorrow.Stated = true, true
		wantDials(t, f, 0)
		if len(tape.trades[today]) != 2 || len(tape.trades[tomorrow]) != 1 {
			t.Errorf("%d and %d trades", len(tape.trades[today]), len(tape.trades[tomorrow]))
		}
		wantSpans(t, tape.spans(today), "0.000-0.010 connect [QLD]", "0.010-86400.000 heard [QLD]")
		wantSpans(t, tape.spans(tomorrow), "86400.000-86492.000 heard [QLD]")
		if !slices.Equal(tape.joined, []int64{at(0), at(night)}) {
			t.Errorf("joined at %v", tape.joined)
		}
		if n := tape.counts[tomorrow][ledger.RejectedSession]; n != 1 {
			t.Errorf("counts are %v and %v", tape.counts[today], tape.counts[tomorrow])
		}
	})
}

// At 1000 times the speed the same session takes 3.6 seconds.
func TestClockOfTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(3600, 7200)
		c := Clock{Start: time.UnixMilli(at(3500)), Seen: time.Now(), Speed: 1000}
		f, tape := &fakeFeed{conns: []*fakeConn{
			{delay: time.Millisecond, sings: true, script: []frame{trade("QLD", 3541, 1000), trade("QLD", 5000, 1), {at: at(5010), err: errors.New("x")}}},
			{delay: time.Millisecond, sings: true, script: []frame{trade("QLD", 5014, 15), trade("QLD", 6000, 0), trade("QLD", 7210, 0)}}}}, newTape()
		o := usual()
		o.Clock, o.Canary = c, "QQQ"
		begin := time.Now()
		record(t, f, tape, planOf{s}, o, 8000)
		if d := time.Since(begin); d != 4500*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		wantDials(t, f, 3540, 5012)
		wantSpans(t, tape.spans(s), "3600.000-5002.000 heard [QLD]", "5002.000-5013.000 drop [QLD]", "5013.000-7200.000 heard [QLD]")
	})
}

// A full tape stops the reader, which costs nothing but time.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 10000)
		var script []frame
		for i := range 100 {
			script = append(script, trade("QLD", 1+float64(i)/10, 0))
		}
		c := &fakeConn{script: script, mute: true} // a pong needs a reader
		f, tape := &fakeFeed{conns: []*fakeConn{c}}, newTape()
		tape.pinned = mostBytes
		tape.commit = func(int, int) error {
			if time.Now().UnixMilli() < at(50) {
				return fullErr{}
			}
			tape.mu.Lock()
			tape.pinned = 0
			tape.mu.Unlock()
			return nil
		}
		time.AfterFunc(30*time.Second, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if n := len(c.read); n > 3 {
				t.Errorf("%d frames were read with the tape full", n)
			}
		})
		record(t, f, tape, planOf{s}, usual(), 64)
		if tape.durable != 100 || len(f.dials) != 1 {
			t.Errorf("%d trades and %d dials", tape.durable, len(f.dials))
		}
		if n := len(tape.commits); n < 45 || n > 60 {
			t.Errorf("%d commits", n)
		}
	})
}

// An error that is not a full disk is the end.
func TestTapeBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("input/output error")
		f, tape := &fakeFeed{conns: []*fakeConn{{script: []frame{trade("QLD", 1, 0)}}}}, newTape()
		tape.commit = func(int, int) error { return broken }
		o := usual()
		o.CommitEvery = time.Second
		if err := New(f.dial, tape, planOf{session(-1000, 10000)}, o).Run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("Run gives %v", err)
		}
		if time.Now().UnixMilli() > at(2) {
			t.Errorf("it took until %d", time.Now().UnixMilli()-base)
		}
	})
}

// The end of the context: a polite close, all durable, and nothing about the rest.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 10000)
		c := &fakeConn{script: []frame{trade("QLD", 1, 10), trade("QLD", 9.9, 0.1)}}
		f, tape := &fakeFeed{conns: []*fakeConn{c}}, newTape()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := New(f.dial, tape, planOf{s}, usual()).Run(ctx); err != nil {
			t.Error(err)
		}
		if time.Now().UnixMilli() > at(10.3) || c.reason == "" || tape.durable != 2 {
			t.Errorf("at %d, reason %q, %d durable", time.Now().UnixMilli()-base, c.reason, tape.durable)
		}
		wantSpans(t, tape.spans(s), "0.000-0.010 connect [QLD]", "0.010-9.800 heard [QLD]")
	})
}

// A feed that was seen to be ahead of our clock has read the subscribe later, by
// its clock, than ours says.
func TestFeedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, tape := &fakeFeed{conns: []*fakeConn{
			{script: []frame{trade("QLD", 1, 9), trade("QLD", 5, -0.75), trade("QLD", 6, -300), {at: at(7), err: errors.New("x")}}},
			{script: []frame{trade("QLD", 10, 1), trade("QLD", 12, 0)}},
		}}, newTape()
		s := session(-1000, 10000)
		record(t, f, tape, planOf{s}, usual(), 20)
		wantSpans(t, tape.spans(s), "0.000-0.010 connect [QLD]", "0.010-6.000 heard [QLD]",
			"6.000-10.010 drop [QLD]", "10.010-12.000 heard [QLD]")
	})
}

// A symbol whose first frame is younger than all that vouches keeps its own span
// when the others are settled.
func TestCutKeepsTheYoungest(t *testing.T) {
	names := []string{"YOUNG", "LIFE"}
	for i := range mostLates {
		names = append(names, fmt.Sprintf("S%03d", i))
	}
	c := newCover(names, ledger.NewSymbols(names...), true, 0)
	c.alive(at(0), at(-10))
	hear := func(name string, seconds float64, echo bool) {
		f := trade(name, seconds, 0)
		f.trade.Received, f.trade.Echo = f.at, echo
		c.frame(&f.trade)
	}
	for _, name := range names[2:] {
		hear(name, 100, true)
	}
	hear("LIFE", 100, true)
	hear("LIFE", 101, false)
	hear("YOUNG", 105, true)
	spans := c.cut(nil)
	hear("LIFE", 110, false)
	spans = c.spans(spans)
	line := ledger.NewTimeline(session(0, 200), spans, "YOUNG", ledger.Crash)
	if state, _ := line.State(at(104), at(105), false); state != ledger.Down {
		t.Errorf("before its first frame it is %s", state)
	}
	if state, _ := line.State(at(105), at(110), false); state != ledger.Quiet {
		t.Errorf("after it %s", state)
	}
}
