package command

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

type calendarCommand struct {
	marketHours
	List calendarList `cmd:"" default:"withargs" help:"Every weekday of a range."`
	Next calendarNext `cmd:"" help:"The next session."`
	At   calendarAt   `cmd:"" help:"What the recorder would be doing at a moment."`
}

// quiet is the log of a command that has none: a calendar file does not change while it runs.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

type calendarList struct {
	From   string `name:"from" help:"First date (default today)." placeholder:"2026-11-23"`
	To     string `name:"to" help:"Last date (default four weeks after the first)." placeholder:"2026-12-31"`
	Format string `name:"format" enum:"table,csv,json" default:"table" help:"table, csv or json (default table)." placeholder:"table|csv|json"`
}

// calendarRow is a session, or a weekday without one.
type calendarRow struct {
	date    schedule.Date
	status  schedule.Status
	session ledger.Session // of no length when closed
	name    string
}

// Run lists the days.
func (l *calendarList) Run(ctx context.Context, c console, parent *calendarCommand) error {
	plan, err := parent.plan(false, quiet())
	if err != nil {
		return err
	}
	from, to, err := l.dates(schedule.DateIn(time.Now()))
	if err != nil {
		return err
	}
	if schedule.CalendarUntil.Before(to) {
		fmt.Fprintf(c.err, "Warning: after %s the days are by rule alone\n", schedule.CalendarUntil)
	}
	write, end := rowsAs(l.Format, c.out)
	for d := from; !to.Before(d); d = d.AddDays(1) {
		for _, row := range rowsOf(plan, d) {
			if err := write(row); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return end()
}

func (l *calendarList) dates(today schedule.Date) (from, to schedule.Date, err error) {
	from = today
	if l.From != "" {
		if from, err = schedule.ParseDate(l.From); err != nil {
			return from, to, &usage{problem: "--from: " + err.Error()}
		}
	}
	to = from.AddDays(27)
	if l.To != "" {
		if to, err = schedule.ParseDate(l.To); err != nil {
			return from, to, &usage{problem: "--to: " + err.Error()}
		}
	}
	if to.Before(from) {
		return from, to, &usage{problem: fmt.Sprintf("--to %s is before --from %s; right is for example --to %s", to, from, from.AddDays(27))}
	}
	if from.Before(schedule.CalendarFrom) {
		return from, to, &usage{problem: fmt.Sprintf("--from %s: the calendar begins on %s; right is for example --from %s", from, schedule.CalendarFrom, schedule.CalendarFrom)}
	}
	return from, to, nil
}

// rowsOf are the sessions of a date, or that it has none. A weekend without one has no row.
func rowsOf(plan marketPlan, d schedule.Date) []calendarRow {
	day, sessions := plan.Day(d), plan.Sessions(d)
	if len(sessions) == 0 {
		if d.Weekend() && day.Status == schedule.Closed && day.Name == "" {
			return nil
		}
		name := "not on a day of the cron expressions"
		if day.Status == schedule.Closed {
			name = schedule.WhyClosed(day)
		}
		return []calendarRow{{date: d, status: schedule.Closed, name: name}}
	}
	rows := make([]calendarRow, len(sessions))
	for i, s := range sessions {
		rows[i] = calendarRow{d, day.Status, s, day.Name}
	}
	return rows
}

// rowsAs writes rows in a format.
func rowsAs(format string, w io.Writer) (write func(calendarRow) error, end func() error) {
	switch format {
	case "csv":
		return csvRows(w)
	case "json":
		return jsonRows(w)
	}
	return tableRows(w)
}

func csvRows(w io.Writer) (write func(calendarRow) error, end func() error) {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"date", "status", "open", "close", "name"}) // its errors stay
	write = func(r calendarRow) error {
		return out.Write([]string{r.date.String(), string(r.status), r.open(), r.close(), r.name})
	}
	return write, func() error { out.Flush(); return out.Error() }
}

// open is the beginning of the session, UTC; empty when closed.
func (r calendarRow) open() string {
	if r.status == schedule.Closed {
		return ""
	}
	return time.UnixMilli(r.session.Open).UTC().Format(time.RFC3339)
}

// close is its end.
func (r calendarRow) close() string {
	if r.status == schedule.Closed {
		return ""
	}
	return time.UnixMilli(r.session.Close).UTC().Format(time.RFC3339)
}

func jsonRows(w io.Writer) (write func(calendarRow) error, end func() error) {
	rows := 0
	write = func(r calendarRow) error {
		text, err := json.Marshal(struct {
			Date   string          `json:"date"`
			Status schedule.Status `json:"status"`
			Open   string          `json:"open,omitempty"`
			Close  string          `json:"close,omitempty"`
			Name   string          `json:"name,omitempty"`
		}{r.date.String(), r.status, r.open(), r.close(), r.name})
		if err != nil {
			return err
		}
		before := ",\n "
		if rows == 0 {
			before = "[\n "
		}
		rows++
		_, err = fmt.Fprintf(w, "%s%s", before, text)
		return err
	}
	return write, func() error {
		text := "\n]\n"
		if rows == 0 {
			text = "[]\n"
		}
		_, err := io.WriteString(w, text)
		return err
	}
}

func tableRows(w io.Writer) (write func(calendarRow) error, end func() error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "date\tday\tNew York\tUTC\tlength\t")
	write = func(r calendarRow) error {
		hours, utc, length := "closed", "", ""
		if r.status != schedule.Closed {
			open, until := time.UnixMilli(r.session.Open), time.UnixMilli(r.session.Close)
			hours = open.In(schedule.NewYork()).Format("03:04 PM") + " - " + until.In(schedule.NewYork()).Format("03:04 PM")
			utc = open.UTC().Format("15:04") + " - " + until.UTC().Format("15:04")
			length = schedule.Span(until.Sub(open))
		}
		name := r.name
		if r.status == schedule.Early {
			name = strings.TrimSuffix("closes early: "+name, ": ")
		}
		_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.date, r.date.Weekday().String()[:3], hours, utc, length, name)
		return err
	}
	return write, t.Flush
}
