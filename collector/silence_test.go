package collector

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/ledger"
)

func TestSilenceLimit(t *testing.T) {
	for _, c := range []struct {
		canary, regular bool
		barren          int
		want            time.Duration
	}{
		{true, true, 0, 45 * time.Second}, {true, true, 1, 90 * time.Second}, {true, true, 4, 12 * time.Minute}, {true, true, 5, 15 * time.Minute},
		{true, true, 1000, 15 * time.Minute}, {true, false, 0, 5 * time.Minute}, {false, true, 0, 5 * time.Minute}, {false, false, 1, 10 * time.Minute}, {false, true, 2, 15 * time.Minute},
	} {
		if got := silenceLimit(c.canary, c.regular, c.barren); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// With a canary 45 s of silence in regular hours are the end of a connection, without one
// five minutes; the limit doubles while reconnects bring nothing, and a fresh trade makes
// it short again. Pongs are no sign of life.
func TestMuteFeed(t *testing.T) {
	for _, c := range []struct {
		name   string
		canary string
		script []frame
		dials  []float64 // but for the jitter
	}{
		{"with a canary", "QQQ", []frame{trade("QLD", 1, 1), trade("QQQ", 3, 1), trade("QQQ", 4, 0), trade("QLD", 10, 0)}, []float64{0, 57, 57 + 45, 57 + 45 + 90, 57 + 45 + 90 + 180}},
		{"with a canary that has only echoed", "QQQ", []frame{trade("QQQ", 3, 100), trade("QLD", 10, 50), trade("QLD", 11, 0)}, []float64{0, 58, 58 + 45, 58 + 45 + 90}},
		{"without one", "", []frame{trade("QLD", 1, 1), trade("QLD", 10, 0)}, []float64{0, 312, 312 + 300, 312 + 300 + 600, 312 + 300 + 600 + 900}},
		{"mute from the start", "", nil, []float64{0, 300, 300 + 600, 300 + 600 + 900}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conns := []*fakeConn{{script: c.script}, {}, {}, {}, {}}
				f, tape := &fakeFeed{conns: conns}, newTape()
				o := usual()
				o.Canary = c.canary
				log := new(bytes.Buffer)
				o.Log = slog.New(slog.NewTextHandler(log, nil))
				record(t, f, tape, planOf{session(-1000, 100_000)}, o, c.dials[len(c.dials)-1]+60)
				if len(f.dials) != len(c.dials) {
					t.Fatalf("%d dials, want %d: %s", len(f.dials), len(c.dials), log)
				}
				for i, want := range c.dials {
					if got := float64(f.dials[i]-base) / 1000; got < want || got > want+float64(3*i) {
						t.Errorf("dial %d at %.1f s, want %.1f and some jitter", i, got, want)
					}
				}
				if n := strings.Count(log.String(), "Disconnected (mute): no trade of any symbol for"); n != len(c.dials)-1 {
					t.Errorf("%d disconnects were logged:\n%s", n, log)
				}
			})
		})
	}
}

// While the canary sings a quiet symbol is quiet: covered to the canary's last trade, and
// to the close when it sang until then; without it pongs count, less ten seconds.
func TestCanaryVouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(0, 3600)
		f, tape := &fakeFeed{conns: []*fakeConn{{sings: true, script: []frame{trade("QLD", 1, 0.5), {at: at(1000), err: errors.New("x")}}}, {sings: true}}}, newTape()
		o := usual()
		o.Canary = "QQQ"
		record(t, f, tape, planOf{s}, o, 4000)
		spans := tape.spans(s)
		var words []string
		for _, p := range spans {
			words = append(words, say(p))
		}
		// QLD gives no frame behind the reconnect: unheard, and that is said.
		if len(words) < 3 || words[1] != "0.010-992.000 heard [QLD]" || !strings.HasSuffix(words[len(words)-1], "-3600.000 unheard [QLD]") {
			t.Errorf("the ledger is %q", words)
		}
		if n := len(tape.trades[s]); n != 1 {
			t.Errorf("%d trades: the canary is not to be recorded", n)
		}
		if n := tape.counts[s][ledger.LongestSilence]; n < 10_000 || n > 22_100 {
			t.Errorf("the longest silence is %d ms", n)
		}
	})
}

// A canary that is refused is left out for the rest of the session, and the connection
// lives.
func TestCanaryRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 100_000)
		one := &fakeConn{script: []frame{trade("QLD", 1, 0), trade("QLD", 1.5, 0), {at: at(2.5), err: refusedErr("slots")}, trade("QLD", 100, 0), {at: at(200), err: errors.New("x")}}}
		two := &fakeConn{script: []frame{trade("QLD", 203, 0), trade("QLD", 204, 0)}}
		f, tape := &fakeFeed{conns: []*fakeConn{one, two}}, newTape()
		o := usual()
		o.Canary = "QQQ"
		log := new(bytes.Buffer)
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		record(t, f, tape, planOf{s}, o, 300)
		wantDials(t, f, 0, 202)
		if len(tape.trades[s]) != 5 || strings.Count(log.String(), "The canary QQQ was refused") != 1 {
			t.Errorf("%d trades; %s", len(tape.trades[s]), log)
		}
		if one.canaries != 1 || two.canaries != 0 {
			t.Errorf("asked for the canary %d and %d times", one.canaries, two.canaries)
		}
	})
}

// While the reader waits for the store it hears nothing, and that is not the feed's fault.
func TestStalledReaderIsNotMute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 100_000)
		var script []frame
		for i := range 900 {
			script = append(script, trade("QLD", 1+float64(i), 0))
		}
		f, tape := &fakeFeed{conns: []*fakeConn{{script: script}}}, newTape()
		tape.pinned = mostBytes
		tape.commit = func(int, int) error {
			if time.Now().UnixMilli() < at(700) {
				return fullErr{}
			}
			tape.mu.Lock()
			tape.pinned = 0
			tape.mu.Unlock()
			return nil
		}
		record(t, f, tape, planOf{s}, usual(), 950)
		wantDials(t, f, 0)
		if tape.durable != 900 {
			t.Errorf("%d trades", tape.durable)
		}
	})
}

// One event tells all of a disconnect; the first trade of a session is announced, once,
// and missed.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(60, 10_000)
		var script []frame
		for i := range 100 {
			script = append(script, trade("QLD", 100+float64(i), 0))
		}
		script = append(script, frame{at: at(210), err: errors.New("reset")})
		f, tape := &fakeFeed{conns: []*fakeConn{{script: script}, {}}}, newTape()
		o := usual()
		log := new(bytes.Buffer)
		o.Log = slog.New(slog.NewJSONHandler(log, nil))
		record(t, f, tape, planOf{s}, o, 300)
		for _, want := range []string{
			`"msg":"No trade yet, 30 seconds after the open"`,
			`"msg":"First trade: QLD 70.44, 41.0 s after the open"`,
			`"msg":"Disconnected (drop): reset. It lasted 4 minutes: 100 trades, 0.5/s, the last 11s before. Connection 1 of the session, 100 trades recorded in all. Next try in 2s","cause":"drop","last_trade_age":11000000000,"lasted":210000000000,"trades":100,"connection":1,"total":100,"next_try":2000000000`,
		} {
			if strings.Count(log.String(), want) != 1 {
				t.Errorf("no %s in\n%s", want, log)
			}
		}
		c := tape.counts[s]
		if c[ledger.FirstTrade] != 41_000 || c[ledger.Disconnects(ledger.Drop)] != 1 || c[ledger.Uptime] < 297_000 || c[ledger.Uptime] > 298_100 {
			t.Errorf("the statistics are %v", c)
		}
	})
}

// Late is what comes behind its candle, by the feed's time or by ours; the lags of all
// trades are kept, and a clock that is wrong is told of once an hour.
func TestLateAndLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session(-1000, 20_000)
		script := []frame{trade("QLD", 1, 0), trade("QLD", 10, 0), trade("QLD", 11.5, 3.4), trade("QLD", 11.6, 1.6), trade("QLD", 13, 0), trade("QLD", 13.5, 3.4), trade("QLD", 40, 16.5)}
		for i := range 200 {
			script = append(script, trade("QLD", 100+60*float64(i), -1.5))
		}
		f, tape := &fakeFeed{conns: []*fakeConn{{script: script}}}, newTape()
		log := new(bytes.Buffer)
		o := usual()
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		record(t, f, tape, planOf{s}, o, 13_000)
		c := tape.counts[s]
		if c[ledger.Late] != 2 || c[ledger.LateWorst] != 16_000 || c[ledger.LagMost] != 16_500 || c[ledger.SkewLeast] != -1500 {
			t.Errorf("the statistics are %v", c)
		}
		if median, ok := c.LagQuantile(0.5); !ok || median != 0 {
			t.Errorf("half of the trades came within %d ms", median)
		}
		if n := strings.Count(log.String(), "The clocks differ"); n < 3 || n > 4 {
			t.Errorf("told %d times in three and a half hours", n)
		}
	})
}
