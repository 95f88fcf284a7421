package command

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// livePlan is a plan with a calendar file, which is looked at whenever it is asked. It
// may be asked from any goroutine.
type livePlan struct {
	base *schedule.Plan
	path string
	log  *slog.Logger

	mu   sync.Mutex
	seen fs.FileInfo // the file when it was read last; nil: it could not be found
	plan *schedule.Plan
}

// watchCalendar reads the file, and refuses one that is wrong: later a wrong one only
// leaves the plan as it was.
func watchCalendar(base *schedule.Plan, path string, log *slog.Logger) (*livePlan, error) {
	l := &livePlan{base: base, path: path, log: log}
	var err error
	if l.seen, err = os.Stat(path); err != nil {
		return nil, err
	}
	l.plan, _, err = l.read()
	return l, err
}

func (l *livePlan) read() (*schedule.Plan, int, error) {
	text, err := os.ReadFile(l.path)
	if err != nil {
		return nil, 0, err
	}
	days, err := schedule.ParseOverrides(string(text))
	if err != nil {
		return nil, 0, err
	}
	return l.base.With(schedule.Calendar{Overrides: days}), len(days), nil
}

// current is the plan with the file as it is now. A file that is wrong or gone is told of
// once, and leaves the plan as it was.
func (l *livePlan) current() *schedule.Plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, err := os.Stat(l.path)
	if err != nil {
		if l.seen != nil {
			l.log.Warn(fmt.Sprintf("The calendar file cannot be read, what it said holds: %v", err))
		}
		l.seen = nil
		return l.plan
	}
	if l.seen != nil && os.SameFile(l.seen, now) && l.seen.Size() == now.Size() && l.seen.ModTime().Equal(now.ModTime()) {
		return l.plan
	}
	l.seen = now
	plan, days, err := l.read()
	if err != nil {
		l.log.Error(fmt.Sprintf("The calendar file %s has changed and is wrong, what it said before holds: %v", l.path, err))
		return l.plan
	}
	l.log.Info(fmt.Sprintf("The calendar file %s was read again: it has %d days", l.path, days))
	l.plan = plan
	return plan
}

// Next is the plan's.
func (l *livePlan) Next(t time.Time) ledger.Session { return l.current().Next(t) }

// Status is the plan's.
func (l *livePlan) Status(t time.Time) string { return l.current().Status(t) }

// Ahead is the plan's.
func (l *livePlan) Ahead(t time.Time) string { return l.current().Ahead(t) }

// Day is the plan's.
func (l *livePlan) Day(d schedule.Date) schedule.Day { return l.current().Day(d) }

// Sessions are the plan's.
func (l *livePlan) Sessions(d schedule.Date) []ledger.Session { return l.current().Sessions(d) }
