package collector

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/ledger"
)

// TestActivity looks at a recorder now and then: before the session, connected, cut, refused,
// quiet beside its canary, and after the close.
func TestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeFeed{clock: Clock{}, conns: []*fakeConn{
			{script: []frame{trade("QLD", 101, 50), trade("QLD", 103, 0.1), {at: at(110), err: errors.New("cut")}}},
			{sings: true, script: []frame{trade("QLD", 113, 10)}},
		}, errs: map[int]error{1: refusedErr("key"), 2: refusedErr("key"), 3: refusedErr("key")}}
		o := usual()
		o.Canary, o.OpenLead, o.Clock = "QQQ", 10*time.Second, Clock{}
		s := session(100, 600)
		r := New(f.dial, newTape(), planOf{s}, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		look := func(seconds float64) Activity {
			time.Sleep(time.Until(time.UnixMilli(at(seconds))))
			synctest.Wait()
			return r.Activity()
		}

		if a := look(50); a.Joined != 0 || a.Connected != 0 || a.Sign != 0 || a.Disconnects != nil || a.Canary != "QQQ" {
			t.Errorf("before the session: %+v", a)
		}
		if a := look(102); a.Joined != at(90) || a.Session != s || a.Connected != at(90) || a.Sign != 0 {
			t.Errorf("an echo is no sign of life: %+v", a)
		}
		if a := look(105); a.Sign != at(103) || a.Silence != 5*time.Minute {
			t.Errorf("a fresh trade, and a canary that was not heard: %+v", a)
		}
		a := look(111)
		if a.Connected != 0 || a.NextTry != at(112) || len(a.Disconnects) != 1 || a.Refusals != 0 {
			t.Fatalf("cut: %+v", a)
		}
		if d := a.Disconnects[0]; d.At != at(110) || d.Cause != ledger.Drop || d.Lasted != 20*time.Second || d.Trades != 2 || d.Words == "" {
			t.Errorf("the cut: %+v", d)
		}
		if a := look(160); a.Refusals != 3 || a.Refusal != "refused: key" || a.Connected != 0 || len(a.Disconnects) != 2 || a.Disconnects[0].Cause != ledger.Refused || a.Disconnects[0].Tries != 3 || a.Disconnects[0].Since != at(112) {
			t.Errorf("refused: %+v", a)
		}
		if a := look(300); a.Refusals != 0 || a.Connected == 0 || a.CanaryTrades == 0 || a.CanaryHeard < at(280) || a.Sign != a.CanaryHeard || a.Silence != 45*time.Second {
			t.Errorf("quiet beside the canary: %+v", a)
		}
		if a := look(900); a.Joined != 0 || a.Connected != 0 {
			t.Errorf("after the close: %+v", a)
		}
		counts, _ := r.Counts()
		if counts[ledger.Accepted] != 2 || counts[ledger.Connections] != 2 || counts[ledger.Disconnects(ledger.Refused)] != 3 || counts[ledger.Disconnects(ledger.Drop)] != 1 {
			t.Errorf("counted %v", counts)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestPreflightRefused has the key refused while the market is closed: that is known before
// the open.
func TestPreflightRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeFeed{errs: map[int]error{0: refusedErr("key")}}
		o := usual()
		o.Preflight = true
		r := record(t, f, newTape(), planOf{session(1000, 2000)}, o, 100)
		if a := r.Activity(); a.Refusals != 1 || a.Refusal == "" {
			t.Errorf("%+v", a)
		}
	})
}
