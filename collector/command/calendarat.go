package command

import (
	"fmt"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

type calendarNext struct {
	Format string `name:"format" enum:"table,csv,json" default:"table" help:"table, csv or json (default table)." placeholder:"table|csv|json"`
}

// Run says which session opens next.
func (n *calendarNext) Run(c console, parent *calendarCommand) error {
	plan, err := parent.plan(false, quiet())
	if err != nil {
		return err
	}
	now := time.Now()
	s := plan.Next(now)
	if s.Contains(now.UnixMilli()) {
		s = plan.Next(time.UnixMilli(s.Close))
	}
	if n.Format != "table" {
		write, end := rowsAs(n.Format, c.out)
		day := plan.Day(schedule.DateIn(time.UnixMilli(s.Open)))
		if err := write(calendarRow{day.Date, day.Status, s, day.Name}); err != nil {
			return err
		}
		return end()
	}
	lines := []string{"Market Status: " + plan.Status(now), schedule.NextSession(now, s), sessionLine(s)}
	if ahead := plan.Ahead(now); ahead != "" {
		lines = append(lines, "Ahead: "+ahead)
	}
	_, err = fmt.Fprintln(c.out, strings.Join(lines, "\n"))
	return err
}

// sessionLine is a session's hours.
func sessionLine(s ledger.Session) string {
	open, until := time.UnixMilli(s.Open), time.UnixMilli(s.Close)
	return fmt.Sprintf("Session %s: %s to %s (%s); UTC %s to %s", s.Date(), schedule.Moment(s.Open), schedule.Moment(s.Close),
		schedule.Span(until.Sub(open)), open.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
}

type calendarAt struct {
	Time string `arg:"" help:"New York's time, 2025-12-11T08:45, or any with its offset, 2025-12-11T13:45:00Z."`
}

// Run says what the recorder would be doing.
func (a *calendarAt) Run(c console, parent *calendarCommand) error {
	plan, err := parent.plan(false, quiet())
	if err != nil {
		return err
	}
	at, err := parseMoment(a.Time)
	if err != nil {
		return err
	}
	lines := []string{
		fmt.Sprintf("%s (%s)", at.In(schedule.NewYork()).Format("Mon Jan 2 2006 03:04:05 PM MST"), at.UTC().Format(time.RFC3339)),
		"Market Status: " + plan.Status(at),
	}
	lines = append(lines, parent.doing(plan, at)...)
	if ahead := plan.Ahead(at); ahead != "" {
		lines = append(lines, "Ahead: "+ahead)
	}
	_, err = fmt.Fprintln(c.out, strings.Join(lines, "\n"))
	return err
}

// doing is what the recorder does at a moment, and what comes next.
func (m *marketHours) doing(plan marketPlan, at time.Time) []string {
	s := plan.Next(at)
	lead, grace := time.Duration(m.OpenLead), time.Duration(m.CloseGrace)
	dials, leaves := time.UnixMilli(s.Open).Add(-lead), time.UnixMilli(s.Close).Add(grace)
	hangs := fmt.Sprintf("It closes the connection at %s, %s after the close", leaves.In(schedule.NewYork()).Format("03:04:05 PM"), schedule.Span(grace))
	switch {
	case s.Hours == ledger.WholeDay:
		return []string{"Recording without an end, one session each UTC day", sessionLine(s)}
	case s.Contains(at.UnixMilli()):
		return []string{fmt.Sprintf("Recording: connected since %s, %s left", dials.In(schedule.NewYork()).Format("03:04:05 PM"), schedule.Span(time.UnixMilli(s.Close).Sub(at))),
			sessionLine(s), hangs}
	case !at.Before(dials):
		return []string{fmt.Sprintf("Connecting: the market opens in %s", schedule.Span(time.UnixMilli(s.Open).Sub(at))), sessionLine(s), hangs}
	}
	lines := []string{schedule.WillConnect(at, s, lead), sessionLine(s), hangs}
	if before := plan.Next(at.Add(-grace)); before != s && at.UnixMilli() >= before.Close {
		lines = append([]string{fmt.Sprintf("Still listening for late trades of session %s, for %s", before.Date(), schedule.Span(time.UnixMilli(before.Close).Add(grace).Sub(at)))}, lines...)
	}
	return lines
}

// momentForms are what a time may look like without an offset.
var momentForms = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseMoment reads a time: New York's unless it has an offset.
func parseMoment(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, text, schedule.NewYork()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &usage{problem: fmt.Sprintf("%q is no time; right is for example 2025-12-11T08:45 or 2025-12-11T13:45:00Z", text), try: program() + " calendar at 2025-12-11T08:45"}
}
