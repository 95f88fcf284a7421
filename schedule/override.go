package schedule

import (
	"fmt"
	"strings"
)

// LineError is a line of a calendar file that cannot be understood.
type LineError struct {
	Line    int // from 1
	Problem string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// lineForms are what a line of a calendar file may be.
const lineForms = `right is for example "2027-01-15 closed Day of mourning", "2027-01-15 early 13:00" or "2027-01-16 open"`

// ParseOverrides reads a calendar file: one day a line, as its date, what it is, and
// after that anything as its name. Blanks or commas part the words; an empty line and
// what follows a # are left out.
//
//	2027-01-15 closed Day of mourning
//	2027-01-15 early 13:00 Storm
//	2027-01-16 open
//	2027-01-16 open 10:00-14:00 Test of the systems
//
// Times are New York's. open without hours is 09:30 to 16:00. The error is a *LineError
// for the first line that is wrong.
func ParseOverrides(text string) (map[Date]Day, error) {
	days := make(map[Date]Day)
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		line, _, _ = strings.Cut(line, "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
		if len(words) == 0 {
			continue
		}
		day, err := parseDay(words)
		if err != nil {
			return nil, &LineError{number, err.Error()}
		}
		if _, twice := days[day.Date]; twice {
			return nil, &LineError{number, fmt.Sprintf("%s is there twice", day.Date)}
		}
		days[day.Date] = day
	}
	return days, nil
}

func parseDay(words []string) (day Day, err error) {
	if day.Date, err = ParseDate(words[0]); err != nil {
		return day, err
	}
	if len(words) == 1 {
		return day, fmt.Errorf("%s: closed, early or open? %s", day.Date, lineForms)
	}
	rest := words[2:]
	switch words[1] {
	case "closed", "close":
		day.Status = Closed
	case "early":
		if len(rest) == 0 {
			return day, fmt.Errorf("%s: early when? %s", day.Date, lineForms)
		}
		day.Status, day.Open = Early, openTime
		if day.Close, err = parseTimeOfDay(rest[0]); err != nil {
			return day, err
		}
		if day.Close <= openTime || day.Close >= closeTime {
			return day, fmt.Errorf("an early close is after 09:30 and before 16:00, not at %s", rest[0])
		}
		rest = rest[1:]
	case "open":
		day.Status, day.Open, day.Close = Open, openTime, closeTime
		if len(rest) > 0 && rest[0][0] >= '0' && rest[0][0] <= '9' {
			if day.Open, day.Close, err = parseHours(rest[0]); err != nil {
				return day, err
			}
			rest = rest[1:]
		}
		if day.Close < closeTime {
			day.Status = Early
		}
	default:
		return day, fmt.Errorf("%q is neither closed, early nor open; %s", words[1], lineForms)
	}
	day.Name = strings.Join(rest, " ")
	return day, nil
}

// parseHours reads 10:00-14:00.
func parseHours(text string) (from, until TimeOfDay, err error) {
	first, last, _ := strings.Cut(text, "-")
	if from, err = parseTimeOfDay(first); err != nil {
		return 0, 0, fmt.Errorf("%q are no hours; right is for example 10:00-14:00", text)
	}
	if until, err = parseTimeOfDay(last); err != nil {
		return 0, 0, fmt.Errorf("%q are no hours; right is for example 10:00-14:00", text)
	}
	if from >= until || from < extendedOpen || until > extendedLast {
		return 0, 0, fmt.Errorf("hours lie between 04:00 and 20:00, and end after they begin; %s do not", text)
	}
	return from, until, nil
}
