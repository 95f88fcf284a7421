package command

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/notify"
	"tapedeck/store"
)

// alarms is what of a recording can be wrong enough to tell a person: README.md promises when.
type alarms struct {
	live  *live
	flags *alertFlags
	grace time.Duration // after a close
	died  string        // what the recorder before died of; "" when it ended in peace

	mu       sync.Mutex
	looked   time.Time // when the file was asked
	ofFile   []notify.Condition
	last     ledger.Session // that had ended when the file was asked
	lastSeen int64          // since when, event time, it is on file as ended
	reported ledger.Session // that what is said is of
	said     ended
}

// ended is what there is to say of a session that has ended.
type ended struct {
	thin    string // the symbols that were heard for less than they should; "" is none
	summary string
}

// fileEvery is how often the file is asked: what it knows changes with the sessions.
const fileEvery = time.Minute

// newAlarms looks after a recording. hang is where the one before stood still, if it did.
func newAlarms(l *live, r *runCommand, hang string) *alarms {
	a := &alarms{live: l, flags: &r.alertFlags, grace: time.Duration(r.CloseGrace)}
	switch {
	case hang != "":
		a.died = "It stood still and ended itself; where it stood is in " + hang + "."
	case l.file.Interrupted():
		a.died = "It was killed, or its machine stopped. What it had committed is on file, the gap is in the ledger."
	}
	return a
}

// conditions are how things stand now. It may be called from any goroutine, and blocks once a
// minute for what the file knows, not beyond the end of ctx.
func (a *alarms) conditions(ctx context.Context) []notify.Condition {
	s := a.live.situation()
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Sub(a.looked) >= fileEvery || now.Before(a.looked) {
		a.looked, a.ofFile = now, a.askFile(ctx, &s)
	}
	key, full := s.keyAlarm(), s.fullAlarm()
	feed := s.feedAlarm(time.Duration(a.flags.AlertAfter))
	if feed.Is == notify.Wrong && (key.Is == notify.Wrong || full.Is == notify.Wrong) {
		feed.Is = notify.Unsure // one fault, one alert
	}
	list := append([]notify.Condition{key, full, feed}, a.ofFile...)
	if a.died != "" {
		list = append(list, notify.Condition{Alarm: "crash", Is: notify.Happened, Key: instant(a.live.begun.UnixMilli()), AtMost: time.Duration(a.flags.AlertEvery),
			Title: "started after a crash", Words: "The recorder before did not close the file. " + a.died, Fix: crashFix()})
	}
	return list
}

// crashFix is what helps where a platform kills at each deployment.
func crashFix() string {
	if onRailway() && os.Getenv("RAILWAY_DEPLOYMENT_DRAINING_SECONDS") == "" {
		return "If that was a deployment: set RAILWAY_DEPLOYMENT_DRAINING_SECONDS to 10."
	}
	return ""
}

// well says whether somebody has to do something now, for the heartbeat.
func (a *alarms) well(ctx context.Context) (well bool, words string) {
	v := a.live.judge()
	if s := a.live.situation(); s.still > stillLimit {
		return false, v.reason
	}
	for _, c := range a.conditions(ctx) {
		if c.Is == notify.Wrong && (c.Alarm == "feed" || c.Alarm == "key" || c.Alarm == "disk_full") {
			return false, c.Words
		}
	}
	return true, v.words
}

// askFile is what the file, its disk and the calendar say.
func (a *alarms) askFile(ctx context.Context, s *situation) (list []notify.Condition) {
	now := time.UnixMilli(s.now)
	sessions, err := a.live.file.Sessions()
	if err != nil {
		return nil // a damaged file is the recording's own alarm
	}
	list = append(list, a.diskAlarm(sessions))
	if !a.live.run.allHours() {
		list = append(list, calendarAlarm(now))
	}
	last, ok := lastEnded(sessions, s.now-a.grace.Milliseconds())
	if !ok {
		return list
	}
	if last.Session != a.last {
		a.last, a.lastSeen = last.Session, s.now
	}
	if a.live.run.Backup {
		list = append(list, a.backupAlarm(last.Session, s))
	}
	if !last.Session.Stated || !a.settled(last.Session, s) {
		return list
	}
	return append(list, a.reportAlarms(ctx, last, s)...)
}

// sealWithin is how long after its close a session should be sealed at the latest.
const sealWithin = time.Hour

// settled says whether what is on file of a session that has ended is all that there will be:
// it is sealed, or should be.
func (a *alarms) settled(last ledger.Session, s *situation) bool {
	over := s.now - last.Close - a.grace.Milliseconds()
	if s.activity.Full || over < fileEvery.Milliseconds() {
		return false
	}
	open, err := a.live.file.Unfinished()
	return err == nil && !slices.Contains(open, last) || over > sealWithin.Milliseconds()
}

// lastEnded is the last session that closed before a moment.
func lastEnded(sessions []store.Summary, before int64) (last store.Summary, ok bool) {
	for _, each := range sessions {
		if each.Session.Close <= before && (!ok || each.Session.Close > last.Session.Close) {
			last, ok = each, true
		}
	}
	return last, ok
}
