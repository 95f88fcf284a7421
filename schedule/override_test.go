package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

func TestOverrides(t *testing.T) {
	days, err := schedule.ParseOverrides("\ufeff# our own days\r\n\r\n" +
		"2026-11-23 closed Day of mourning   # announced on Sunday\r\n" +
		"2026-11-24,early,13:00,Storm\r\n" +
		"2026-11-26 open\n" +
		"2026-11-27 open\n" +
		"2026-11-28 open 10:00-14:00 Test of the systems\n" +
		"\t2026-11-30  early\t15:30")
	if err != nil || len(days) != 6 {
		t.Fatalf("%v, %v", days, err)
	}
	for _, hours := range []ledger.Hours{ledger.Regular, ledger.Extended} {
		base, err := schedule.NewPlan(hours, "", "", schedule.Calendar{})
		if err != nil {
			t.Fatal(err)
		}
		p := base.With(schedule.Calendar{Overrides: days})
		for text, want := range map[string][4]string{
			"2026-11-23": {"closed", "", "", "Day of mourning"},
			"2026-11-24": {"early", "14:30 18:00", "09:00 22:00", "Storm"},
			"2026-11-25": {"open", "14:30 21:00", "09:00 01:00", ""},
			"2026-11-26": {"open", "14:30 21:00", "09:00 01:00", ""},
			"2026-11-27": {"open", "14:30 21:00", "09:00 01:00", ""},
			"2026-11-28": {"early", "15:00 19:00", "09:00 23:00", "Test of the systems"},
			"2026-11-29": {"closed", "", "", ""},
			"2026-11-30": {"early", "14:30 20:30", "09:00 00:30", ""},
		} {
			d := date(t, text)
			day, got := p.Day(d), ""
			if list := p.Sessions(d); len(list) == 1 {
				got = time.UnixMilli(list[0].Open).UTC().Format("15:04") + " " + time.UnixMilli(list[0].Close).UTC().Format("15:04")
			}
			if string(day.Status) != want[0] || got != want[hours] || day.Name != want[3] {
				t.Errorf("%s, %s: %s %q (%s), want %v", text, hours, day.Status, got, day.Name, want)
			}
		}
		if got := base.Day(date(t, "2026-11-23")); got.Status != schedule.Open {
			t.Error("the plan that it was made of has changed")
		}
	}
}

func TestOverrideErrors(t *testing.T) {
	for line, problem := range map[string]string{
		"tomorrow closed":                           `"tomorrow" is no date`,
		"2026-02-30 closed":                         "is no date",
		"2026-11-23":                                "closed, early or open?",
		"2026-11-23 holiday":                        `"holiday" is neither`,
		"2026-11-23 early":                          "early when?",
		"2026-11-23 early soon":                     `"soon" is no time of day`,
		"2026-11-23 early 25:00":                    "is no time of day",
		"2026-11-23 early 09:30":                    "after 09:30 and before 16:00",
		"2026-11-23 early 16:00":                    "after 09:30 and before 16:00",
		"2026-11-23 open 14:00-10:00":               "between 04:00 and 20:00",
		"2026-11-23 open 03:00-10:00":               "between 04:00 and 20:00",
		"2026-11-23 open 10:00":                     "are no hours",
		"2026-11-22 closed":                         "2026-11-22 is there twice",
		"2026-11-23 \"closed\"":                     "is neither",
		"2026-11-23 open 10:00-14:00-15:00":         "are no hours",
		strings.Repeat("2026-11-23 ", 10) + "early": "is neither",
	} {
		_, err := schedule.ParseOverrides("# a comment\n2026-11-22 open\n" + line + "\n2026-11-24 nonsense\n")
		var wrong *schedule.LineError
		if !errors.As(err, &wrong) || wrong.Line != 3 || !strings.Contains(err.Error(), "line 3: ") || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q gives %v, want line 3: %s", line, err, problem)
		}
	}
}

// What is accepted gives sessions within their day.
func FuzzOverrides(f *testing.F) {
	f.Add("2026-11-23 closed\n2026-11-24 early 13:00\n2026-11-28 open 10:00-14:00 x\n")
	f.Add("2026-11-23 open 4:00-20:00,,,")
	f.Fuzz(func(t *testing.T, text string) {
		days, err := schedule.ParseOverrides(text)
		if err != nil {
			var wrong *schedule.LineError
			if !errors.As(err, &wrong) || wrong.Line < 1 || wrong.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("%v", err)
			}
			return
		}
		for d, day := range days {
			for _, hours := range []ledger.Hours{ledger.Regular, ledger.Extended} {
				s, ok := day.Session(hours)
				if ok != (day.Status != schedule.Closed) {
					t.Fatalf("%s: %+v", d, day)
				}
				if ok && (s.Open >= s.Close || s.Open < d.At(0).UnixMilli() || s.Close > d.AddDays(1).At(0).UnixMilli()) {
					t.Fatalf("%s: %+v", d, s)
				}
			}
		}
	})
}
