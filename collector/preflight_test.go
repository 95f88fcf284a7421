package collector

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A start while the market is closed tries the key once, and says in words what came of
// it; nothing of that is recorded. The session comes all the same.
func TestPreflight(t *testing.T) {
	for _, c := range []struct {
		name  string
		conn  *fakeConn
		err   error
		begin float64 // of the session
		says  string
		dials []float64
	}{
		{"an echo", &fakeConn{script: []frame{trade("SPY", 0.1, 3), trade("QLD", 0.3, 60), trade("QLD", 2, 0)}}, nil, 1000, "Key: accepted. QLD last trade Fri Dec 31 18:59:00 at 70.44", []float64{0, 940}},
		{"no echo", &fakeConn{}, nil, 1000, "Key: accepted. No last trade of QLD came, which is no error", []float64{0, 940}},
		{"a wrong key", nil, refusedErr("key"), 1000, "Key: refused (refused: key): a wrong key, or a plan without WebSockets", []float64{0, 940}},
		{"no slots", nil, refusedErr("slots"), 1000, "is another recorder using this key?", []float64{0, 940}},
		{"refused behind the subscribe", &fakeConn{script: []frame{{at: at(0.5), err: refusedErr("key")}}}, nil, 1000, "Key: refused", []float64{0, 940}},
		{"unreachable", nil, errors.New("no such host"), 1000, "Key: not tried: no such host", []float64{0, 940}},
		{"the open is near", &fakeConn{}, nil, 300, "", []float64{240}},
		{"the session runs", &fakeConn{}, nil, -1000, "", []float64{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, tape, log := &fakeFeed{errs: map[int]error{}}, newTape(), new(bytes.Buffer)
				if c.conn != nil {
					f.conns = []*fakeConn{c.conn}
				}
				f.conns = append(f.conns, &fakeConn{})
				if c.err != nil {
					f.errs[0] = c.err
				}
				o := usual()
				o.Preflight, o.Log = true, slog.New(slog.NewTextHandler(log, nil))
				record(t, f, tape, planOf{session(c.begin, 5000)}, o, c.dials[len(c.dials)-1]+10)
				wantDials(t, f, c.dials...)
				if !strings.Contains(log.String(), c.says) || strings.Contains(log.String(), "Key: ") != (c.says != "") {
					t.Errorf("it says\n%swant %s", log, c.says)
				}
				if len(c.dials) == 2 && c.conn != nil && c.conn.reason == "" && c.name != "refused behind the subscribe" {
					t.Error("the try was not ended in peace")
				}
				if len(tape.trades) > 0 || len(tape.begun) != 1 {
					t.Errorf("on the tape: %v, begun %d times", tape.trades, len(tape.begun))
				}
			})
		})
	}
}

// A stop does not wait for the try.
func TestStopEndsThePreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := usual()
		o.Preflight = true
		begun := time.Now()
		record(t, &fakeFeed{conns: []*fakeConn{{}}}, newTape(), planOf{session(1000, 2000)}, o, 1)
		if d := time.Since(begun); d > 1300*time.Millisecond {
			t.Errorf("it took %s", d)
		}
	})
}
