package schedule

import (
	"fmt"
	"strings"
	"time"

	"tapedeck/collector/ledger"
)

// Status is whether the market is open at t and, when it is not, why: "CLOSED (Before
// market open (9:30 AM New York))".
func (p *Plan) Status(t time.Time) string {
	d := DateIn(t)
	day, sessions := p.Day(d), p.Sessions(d)
	for i, s := range sessions {
		switch {
		case s.Contains(t.UnixMilli()):
			return "OPEN (until " + clockIn(s.Close) + special(day) + ")"
		case t.UnixMilli() < s.Open && i == 0:
			return "CLOSED (Before market open (" + clockIn(s.Open) + special(day) + "))"
		case t.UnixMilli() < s.Open:
			return "CLOSED (Between two sessions, until " + clockIn(s.Open) + ")"
		}
	}
	switch {
	case len(sessions) > 0:
		return "CLOSED (After market close (" + clockIn(sessions[len(sessions)-1].Close) + special(day) + "))"
	case day.Status != Closed:
		return "CLOSED (No day of the cron expressions)"
	}
	return "CLOSED (" + WhyClosed(day) + ")"
}

// special names a day that is unlike others, behind its hours.
func special(day Day) string {
	if day.Name == "" {
		return ""
	}
	return ", " + day.Name
}

// WhyClosed is why there is no session on a day that is closed, in a word.
func WhyClosed(day Day) string {
	switch {
	case day.Name != "":
		return day.Name
	case day.Date.Weekend():
		return "Weekend"
	}
	return "Closed by the calendar file" // every other one has a name
}

// clockIn is a moment on New York's clocks: 9:30 AM New York.
func clockIn(millis int64) string { return inNewYork(millis).Format("3:04 PM") + " New York" }

func inNewYork(millis int64) time.Time { return time.UnixMilli(millis).In(newYork) }

// Ahead are the closed weekdays and early closes of the week from t that are not over, in
// words; "" when there are none.
func (p *Plan) Ahead(t time.Time) string {
	var list []string
	for n := range 7 {
		d := DateIn(t).AddDays(n)
		day := p.Day(d)
		if (day.Status == Open && day.Name == "" && !d.Weekend()) || (day.Status == Closed && d.Weekend()) {
			continue
		}
		s, ok := day.Session(p.hours)
		if ok && s.Close <= t.UnixMilli() {
			continue
		}
		text := d.At(0).Format("Mon Jan 2 ")
		switch day.Status {
		case Closed:
			text += "closed"
		case Early:
			text += "closes at " + inNewYork(s.Close).Format("3:04 PM")
		default:
			text += inNewYork(s.Open).Format("3:04 PM") + " to " + inNewYork(s.Close).Format("3:04 PM")
		}
		if day.Name != "" {
			text += " (" + day.Name + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// NextSession is when s opens, seen from t: "Next session: Mon Nov 23 09:30:00 AM EST (13
// h 12 min)".
func NextSession(t time.Time, s ledger.Session) string {
	return "Next session: " + Moment(s.Open) + " (" + Span(time.UnixMilli(s.Open).Sub(t)) + ")"
}

// Moment is a time in New York for a person: Mon Nov 23 09:30:00 AM EST.
func Moment(millis int64) string { return inNewYork(millis).Format("Mon Jan 2 03:04:05 PM MST") }

// WillConnect is when the recorder dials before s, seen from t: "Will connect at market
// open: 09:30:00 AM (45 minutes; dialling from 09:29:00)", with the day when it is another.
func WillConnect(t time.Time, s ledger.Session, lead time.Duration) string {
	open := inNewYork(s.Open)
	form := "03:04:05 PM"
	if DateIn(open) != DateIn(t) {
		form = "Mon Jan 2 03:04:05 PM"
	}
	return fmt.Sprintf("Will connect at market open: %s (%s; dialling from %s)", open.Format(form), Span(open.Sub(t)), open.Add(-lead).Format(time.TimeOnly))
}

// Span is a length of time for a person, to the minute from a minute up: 45 minutes, 13
// h 12 min, 3 d 2 h.
func Span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	if d < time.Minute {
		return counted(int(d.Round(time.Second).Seconds()), "second")
	}
	minutes := int(d.Round(time.Minute).Minutes())
	switch {
	case minutes < 60:
		return counted(minutes, "minute")
	case minutes < 48*60:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
	return fmt.Sprintf("%d d %d h", minutes/(24*60), minutes/60%24)
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
