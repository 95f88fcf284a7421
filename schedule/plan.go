package schedule

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"

	"tapedeck/collector/ledger"
)

// OpenCron and CloseCron are the hours of a plan as cron expressions, when nothing else
// is said. They name every day, because the calendar takes weekends and holidays away,
// and a Saturday that an override opens must pass.
func OpenCron(hours ledger.Hours) string {
	if hours == ledger.Extended {
		return "0 4 * * *"
	}
	return "30 9 * * *"
}

// CloseCron is the other one: see OpenCron.
func CloseCron(hours ledger.Hours) string {
	if hours == ledger.Extended {
		return "0 20 * * *"
	}
	return "0 16 * * *"
}

// Plan is when to record: the hours that two cron expressions give, as far as the
// calendar has a session in them. It does not change, and is safe for concurrent use.
type Plan struct {
	hours       ledger.Hours
	open, close cron.Schedule
	calendar    Calendar
}

// PlanError says which of the two expressions is wrong.
type PlanError struct {
	Open bool // the one that opens
	Text string
	Err  error
}

func (e *PlanError) Error() string { return e.Err.Error() }

// Unwrap is the parser's error.
func (e *PlanError) Unwrap() error { return e.Err }

// ErrNoSession refuses two expressions that leave nothing of the calendar.
var ErrNoSession = errors.New("no day of the exchange has a session between the opening and the closing")

// NewPlan makes a plan of regular or extended hours. Empty expressions are those of
// OpenCron and CloseCron. The error is a *PlanError or ErrNoSession.
func NewPlan(hours ledger.Hours, open, close string, c Calendar) (*Plan, error) {
	if open == "" {
		open = OpenCron(hours)
	}
	if close == "" {
		close = CloseCron(hours)
	}
	p := &Plan{hours: hours, calendar: c}
	var err error
	if p.open, err = parseCron(open); err != nil {
		return nil, &PlanError{true, open, err}
	}
	if p.close, err = parseCron(close); err != nil {
		return nil, &PlanError{false, close, err}
	}
	if _, ok := p.next(Date{2024, time.January, 1}.At(0)); !ok { // a leap year, and one with every kind of day
		return nil, ErrNoSession
	}
	return p, nil
}

// With is the same plan over another calendar.
func (p *Plan) With(c Calendar) *Plan {
	other := *p
	other.calendar = c
	return &other
}

// Next is the session that contains t, else the next one. t may be in any time
// zone. Whether the feed states its clock the plan does not know: Stated is false,
// for the caller to set. Where no session lies within farthest of t, it is one of no
// length in the year 9999.
func (p *Plan) Next(t time.Time) ledger.Session {
	s, ok := p.next(t)
	if !ok {
		never := Date{9999, time.January, 1}.At(openTime).UnixMilli()
		return ledger.Session{Hours: p.hours, Open: never, Close: never}
	}
	return s
}

// farthest is how many days ahead Next looks.
const farthest = 370

func (p *Plan) next(t time.Time) (ledger.Session, bool) {
	d := DateIn(t)
	for range farthest {
		for _, s := range p.Sessions(d) {
			if s.Close > t.UnixMilli() {
				return s, true
			}
		}
		d = d.AddDays(1)
	}
	return ledger.Session{}, false
}

// lookbacks are how far before a session its opening is looked for: a day, where nearly
// every expression has one; a week and a day; and for those that open a few times a
// year, a year. The first opening that is found decides: between it and the session
// there is the same closing, or none, however many openings came before.
var lookbacks = [...]time.Duration{25 * time.Hour, 8 * 24 * time.Hour, 370 * 24 * time.Hour}

// Sessions are those of the date in New York, in order: mostly one, none when the
// market is closed, more when the cron expressions open it more than once.
func (p *Plan) Sessions(d Date) []ledger.Session {
	whole, ok := p.calendar.Day(d).Session(p.hours)
	if !ok {
		return nil
	}
	begin := time.UnixMilli(whole.Open)
	var list []ledger.Session
	for _, lookback := range lookbacks {
		found := false // an opening not after the day's
		list = list[:0]
		windows(p.open, p.close, begin, lookback, func(o, c time.Time) bool {
			found = found || !o.After(begin)
			s := whole
			s.Open, s.Close = max(s.Open, o.UnixMilli()), min(s.Close, c.UnixMilli())
			if s.Open < s.Close {
				list = append(list, s)
			}
			return c.UnixMilli() < whole.Close
		})
		if found {
			break
		}
	}
	return list
}

// Day is what the calendar says of a date, whatever the cron expressions are.
func (p *Plan) Day(d Date) Day { return p.calendar.Day(d) }

// Ends says whether what is known of the calendar ends within 60 days of t, and of it
// in words.
func Ends(t time.Time) (warning string, soon bool) {
	left := CalendarUntil.At(0).Sub(t).Hours() / 24
	switch {
	case left < 0:
		return fmt.Sprintf("The calendar's table ended on %s: holidays are by rule alone. A newer tapedeck knows more, --calendar-file adds days", CalendarUntil), true
	case left < 60:
		return fmt.Sprintf("The calendar's table ends on %s, in %d days: a newer tapedeck knows more, --calendar-file adds days", CalendarUntil, int(left)), true
	}
	return "", false
}
