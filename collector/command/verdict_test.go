package command

import (
	"strings"
	"testing"
	"time"

	"tapedeck/collector"
)

// TestVerdict holds what /healthz says: 200 in session while the tape is fresh, or quiet beside
// a canary that lives, and while closed unless the disk or the key is at fault.
func TestVerdict(t *testing.T) {
	const now, open = 1_000_000_000, 1_000_000_000 - 3_600_000
	ago := func(s float64) int64 { return now - int64(s*1000) }
	recording := func(a collector.Activity, last int64) situation {
		a.Joined = open
		if a.Silence == 0 {
			a.Silence = 5 * time.Minute
		}
		return situation{activity: a, now: now, open: true, begun: open, market: "OPEN", started: true, last: last, free: -1}
	}
	closed := situation{now: now, market: "CLOSED (Weekend)", next: "Next session: Mon", started: true, free: -1}
	with := func(s situation, change func(*situation)) situation {
		change(&s)
		return s
	}
	fresh := recording(collector.Activity{Connected: ago(1000), Sign: ago(1)}, ago(1))
	for _, c := range []struct {
		name         string
		s            situation
		ok           bool
		state, level string
		says         string // a part of words or reason
	}{
		{"fresh", fresh, true, "recording", "good", "1.0 s ago"},
		{"quiet, and the canary sings", recording(collector.Activity{Connected: ago(1000), Sign: ago(2), Canary: "QQQ", CanaryHeard: ago(2), Silence: 45 * time.Second}, ago(400)), true, "quiet", "good", "QQQ"},
		{"quiet, without a canary, within five minutes", recording(collector.Activity{Connected: ago(1000), Sign: ago(200)}, ago(200)), true, "quiet", "warn", "not proven"},
		{"mute beside a canary", recording(collector.Activity{Connected: ago(1000), Sign: ago(46), Canary: "QQQ", CanaryHeard: ago(46), Silence: 45 * time.Second}, ago(400)), false, "broken", "bad", "no trade of any symbol"},
		{"mute without one", recording(collector.Activity{Connected: ago(1000), Sign: ago(301)}, ago(301)), false, "broken", "bad", "no trade of any symbol"},
		{"connected again and again, and mute", recording(collector.Activity{Connected: ago(5), Sign: ago(600)}, ago(600)), false, "broken", "bad", "no trade of any symbol"},
		{"just begun", with(recording(collector.Activity{Connected: ago(3)}, 0), func(s *situation) { s.activity.Joined = ago(4) }), true, "connecting", "warn", "no trade yet"},
		{"the regular hours have just begun", recording(collector.Activity{Connected: ago(5000), Sign: ago(200), Silence: 45 * time.Second, RegularFrom: ago(10)}, ago(200)), true, "quiet", "warn", ""},
		{"cut a moment ago", recording(collector.Activity{Sign: ago(3), NextTry: now + 2000, Disconnects: []collector.Disconnect{{At: ago(2), Words: "Disconnected (drop)"}}}, ago(3)), true, "reconnecting", "warn", "Disconnected (drop)"},
		{"cut for long", recording(collector.Activity{Sign: ago(301), Disconnects: []collector.Disconnect{{At: ago(2), Words: "Connecting failed"}}}, ago(301)), false, "reconnecting", "bad", "Connecting failed"},
		{"never connected", recording(collector.Activity{}, 0), false, "connecting", "bad", "Connecting"},
		{"the feed has not answered", with(fresh, func(s *situation) { s.started = false }), false, "connecting", "bad", "not answered"},
		{"closed", closed, true, "closed", "idle", "CLOSED (Weekend)"},
		{"closed, connected before the open", with(closed, func(s *situation) { s.activity.Connected = ago(30) }), true, "closed", "idle", "waiting"},
		{"closed, the key refused once", with(closed, func(s *situation) { s.activity.Refusals, s.activity.Refusal = 1, "403" }), true, "closed", "warn", "403"},
		{"closed, the key refused three times", with(closed, func(s *situation) { s.activity.Refusals, s.activity.Refusal = 3, "403" }), false, "refused", "bad", "3 times in a row (403)"},
		{"refused for the second time", recording(collector.Activity{Refusals: 2, Sign: ago(3)}, ago(3)), true, "reconnecting", "warn", ""},
		{"refused for the third time", recording(collector.Activity{Refusals: 3, Sign: ago(3)}, ago(3)), false, "refused", "bad", "WebSockets"},
		{"the disk is full", with(fresh, func(s *situation) { s.activity.Full = true }), false, "broken", "bad", "memory"},
		{"closed, the disk nearly full", with(closed, func(s *situation) { s.free = leastFree - 1 }), false, "broken", "bad", "67.1 MB left"},
		{"closed, just enough room", with(closed, func(s *situation) { s.free = leastFree }), true, "closed", "idle", ""},
		{"the loop stands still", with(fresh, func(s *situation) { s.still = stillLimit + time.Second }), false, "broken", "bad", "stood still"},
		{"it is slow", with(fresh, func(s *situation) { s.still = stillLimit }), true, "recording", "good", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.s.judge()
			if v.ok != c.ok || v.state != c.state || v.level != c.level || !strings.Contains(v.words+" "+v.reason, c.says) {
				t.Errorf("%+v", v)
			}
			if v.words == "" || (!v.ok) != (v.level == "bad") || !v.ok && v.reason == "" {
				t.Errorf("it says too little: %+v", v)
			}
		})
	}
}
