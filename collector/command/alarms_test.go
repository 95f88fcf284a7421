package command

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/notify"
	"tapedeck/store"
)

// The alarms that two weeks do not bring about; TestTwoWeeks has the others.

func TestCalendarAlarm(t *testing.T) {
	for date, want := range map[string]notify.Standing{"2026-11-29": notify.Fine, "2030-10-31": notify.Fine, "2030-11-15": notify.Wrong, "2031-02-01": notify.Wrong} {
		now, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if c := calendarAlarm(now); c.Is != want || c.Every != 7*24*time.Hour {
			t.Errorf("%s: %+v", date, c)
		}
	}
}

// TestCrashAlarm: a start says what the recorder before died of, and nothing when it ended in
// peace.
func TestCrashAlarm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	open := func() *store.File {
		t.Helper()
		f, err := store.Open(path, store.Options{Command: "test", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	r := &runCommand{marketHours: marketHours{Market: "crypto"}}
	crash := func(f *store.File, hang string) string {
		t.Helper()
		l := &live{file: f, plan: always{}, begun: time.Now(), run: r, clock: collector.Clock{}}
		for _, c := range newAlarms(l, r, hang).conditions(t.Context()) {
			if c.Alarm == "crash" && c.Is == notify.Happened {
				return c.Words
			}
		}
		return ""
	}
	f := open()
	if words := crash(f, ""); words != "" {
		t.Errorf("a new file: %s", words)
	}
	if words := crash(f, "a.db.hang.txt"); !strings.Contains(words, "stood still") || !strings.Contains(words, "a.db.hang.txt") {
		t.Errorf("after a hang: %s", words)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = open()
	defer f.Close()
	if words := crash(f, ""); words != "" {
		t.Errorf("after a stop in peace: %s", words)
	}
}

// TestAlertFlags reads values as people write them.
func TestAlertFlags(t *testing.T) {
	for text, want := range map[string]string{"99": "99", " 99.5 % ": "99.5", "0": "0", "100%": "100"} {
		var p percent
		if err := p.UnmarshalText([]byte(text)); err != nil || p.String() != want {
			t.Errorf("%q: %s, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "-1", "101", "NaN", "many"} {
		if err := new(percent).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for text, want := range map[string]string{
		" 'ntfy://ntfy.sh/a  https://b/c\n' ":             "ntfy://ntfy.sh/a https://b/c",
		"ntfy://ntfy.sh/a,https://b/c":                    "ntfy://ntfy.sh/a https://b/c",
		"telegram://1:2@telegram?chats=@a,@b https://b/c": "telegram://1:2@telegram?chats=@a,@b https://b/c",
	} {
		var l secretList
		if err := l.UnmarshalText([]byte(text)); err != nil || strings.Join(l, " ") != want || l.String() != "*** ***" {
			t.Errorf("%q: %q, %v", text, []string(l), err)
		}
	}
}
