package command

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// marketHours is the flags that say when there are sessions.
type marketHours struct {
	Market       string `name:"market" enum:"us,crypto" default:"us" help:"us or crypto (default us)." placeholder:"us|crypto"`
	Hours        string `name:"hours" enum:"regular,extended" default:"regular" help:"regular, 09:30-16:00, or extended, 04:00-20:00 New York (default regular)." placeholder:"regular|extended"`
	OpenCron     string `name:"open-cron" help:"When to begin, as a cron expression in New York or with CRON_TZ=; the calendar takes holidays away (default \"30 9 * * *\", extended \"0 4 * * *\")." placeholder:"\"0 10 * * MON-FRI\""`
	CloseCron    string `name:"close-cron" help:"When to end (default \"0 16 * * *\", extended \"0 20 * * *\"); an early close ends before." placeholder:"\"0 15 * * MON-FRI\""`
	CalendarFile string `name:"calendar-file" help:"Days that differ from the exchange's calendar, one a line: \"2027-01-15 closed\", \"2027-01-15 early 13:00\", \"2027-01-16 open\". It is read again when it changes." placeholder:"FILE"`
	OpenLead     span   `name:"open-lead" default:"60s" help:"Connect this long before the open (default 60s)." placeholder:"60s"`
	CloseGrace   span   `name:"close-grace" default:"60s" help:"Take trades stamped before the close for this long after it (default 60s)." placeholder:"60s"`
}

// marketPlan is what the recorder and the calendar command ask.
type marketPlan interface {
	collector.Plan
	// Day is what the exchange does on a date, Sessions what is recorded of it.
	Day(schedule.Date) schedule.Day
	Sessions(schedule.Date) []ledger.Session
}

// always is the plan of a market that never closes.
type always struct{ schedule.EveryDay }

// Day says that there is nothing to say of it.
func (always) Day(d schedule.Date) schedule.Day {
	return schedule.Day{Date: d, Status: schedule.Open}
}

// Sessions is the UTC day of that date.
func (always) Sessions(d schedule.Date) []ledger.Session {
	noon := time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC)
	return []ledger.Session{ledger.Day(noon.UnixMilli())}
}

// plan is what the flags say; allHours overrules them. log is told when the calendar
// file changes.
func (m *marketHours) plan(allHours bool, log *slog.Logger) (marketPlan, error) {
	if allHours || m.Market == "crypto" {
		for flag, value := range map[string]string{"open-cron": m.OpenCron, "close-cron": m.CloseCron, "calendar-file": m.CalendarFile} {
			if value != "" {
				return nil, &usage{problem: fmt.Sprintf("--%s %s: a market that is always open has no hours; leave the flag out", flag, value)}
			}
		}
		return always{}, nil
	}
	p, err := schedule.NewPlan(m.kind(), m.OpenCron, m.CloseCron, schedule.Calendar{})
	if err != nil {
		return nil, m.wrongCron(err)
	}
	if m.CalendarFile == "" {
		return p, nil
	}
	live, err := watchCalendar(p, m.CalendarFile, log)
	if err != nil {
		return nil, &usage{problem: fmt.Sprintf("--calendar-file %s: %v", m.CalendarFile, err)}
	}
	return live, nil
}

func (m *marketHours) kind() ledger.Hours {
	if m.Hours == "extended" {
		return ledger.Extended
	}
	return ledger.Regular
}

// wrongCron names the flag that a plan could not be made of.
func (m *marketHours) wrongCron(err error) error {
	var wrong *schedule.PlanError
	switch {
	case !errors.As(err, &wrong):
		return &usage{problem: fmt.Sprintf("--open-cron %q and --close-cron %q: %v", m.OpenCron, m.CloseCron, err)}
	case wrong.Open:
		return &usage{problem: fmt.Sprintf("--open-cron %q: %v; right is for example --open-cron \"30 9 * * MON-FRI\"", wrong.Text, err)}
	}
	return &usage{problem: fmt.Sprintf("--close-cron %q: %v; right is for example --close-cron \"0 16 * * MON-FRI\"", wrong.Text, err)}
}

// describe is the hours in words.
func (m *marketHours) describe(allHours bool) string {
	hours := m.kind()
	switch {
	case allHours || m.Market == "crypto":
		return "always"
	case m.OpenCron != "" || m.CloseCron != "":
		return fmt.Sprintf("%s, New York, on days of the exchange from %q to %q", m.Hours, cmp.Or(m.OpenCron, schedule.OpenCron(hours)), cmp.Or(m.CloseCron, schedule.CloseCron(hours)))
	case m.Hours == "extended":
		return "extended, 4:00 AM to 8:00 PM New York, on days of the exchange"
	}
	return "regular, 9:30 AM to 4:00 PM New York, on days of the exchange"
}
