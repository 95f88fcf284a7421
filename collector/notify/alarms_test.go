package notify

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var begin = time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)

// step is how things stand at a moment, and what has to be said then.
type step struct {
	after time.Duration
	c     Condition
	want  string // "" is nothing
}

func wrong(words string) Condition {
	return Condition{Alarm: "feed", Is: Wrong, Since: begin, Title: "nothing is heard", Words: words, Fix: "Look."}
}

func happened(key string) Condition {
	return Condition{Alarm: "crash", Is: Happened, Key: key, AtMost: time.Hour, Title: "a crash", Words: "It died."}
}

func is(s Standing) Condition { return Condition{Alarm: "feed", Is: s, Words: "It comes again."} }

func TestAlarms(t *testing.T) {
	for name, steps := range map[string][]step{
		"raised, reminded, resolved": {
			{0, is(Fine), ""},
			{time.Minute, wrong("Mute."), "raised nothing is heard: Mute. Look."},
			{2 * time.Minute, wrong("Mute."), ""},
			{time.Minute + 6*time.Hour - time.Second, wrong("Mute."), ""},
			{time.Minute + 6*time.Hour, wrong("Mute still."), "reminder nothing is heard, still: Mute still. It has been so for 6 h 01 min, since Fri Nov 20 15:00 UTC. Look."},
			{8 * time.Hour, is(Fine), "resolved over: nothing is heard: It comes again. It was so for 8 h 00 min, since Fri Nov 20 15:00 UTC."},
			{9 * time.Hour, is(Fine), ""},
			{10 * time.Hour, wrong("Mute."), "raised nothing is heard: Mute. Look."},
		},
		"what is not known changes nothing": {
			{0, is(Unsure), ""},
			{time.Minute, wrong("Mute."), "raised nothing is heard: Mute. Look."},
			{7 * time.Hour, is(Unsure), ""},
			{8 * time.Hour, wrong("Mute."), "reminder nothing is heard, still: Mute. It has been so for 8 h 00 min, since Fri Nov 20 15:00 UTC. Look."},
			{9 * time.Hour, is(Unsure), ""},
			{9*time.Hour + time.Minute, is(Fine), "resolved over: nothing is heard: It comes again. It was so for 9 h 01 min, since Fri Nov 20 15:00 UTC."},
		},
		"what happens is told once, and not too often": {
			{0, happened("1"), "event a crash: It died."},
			{time.Minute, happened("1"), ""},
			{2 * time.Minute, happened("2"), ""},
			{3 * time.Minute, happened("3"), ""},
			{time.Hour - time.Second, happened("3"), ""},
			{time.Hour, happened("3"), "event a crash: It died. This is the last of 2 in 1 h 00 min."},
			{10 * time.Hour, happened("3"), ""},
			{11 * time.Hour, happened("4"), "event a crash: It died."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := make(Alarms)
			for _, s := range steps {
				now := begin.Add(s.after)
				due, _ := a.Due(now, 6*time.Hour, []Condition{s.c})
				said := ""
				for _, m := range due {
					said += fmt.Sprintf("%s %s: %s", m.State, m.Title, m.Text)
					a.Sent(m, s.c)
				}
				if said != s.want {
					t.Errorf("after %s: %q, want %q", s.after, said, s.want)
				}
				a = reread(t, a)
			}
		})
	}
}

// reread is what the next process knows.
func reread(t *testing.T, a Alarms) (b Alarms) {
	t.Helper()
	text, err := json.Marshal(a)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAlarmsLaws stands things in random ways, with messages that get lost and restarts, and
// holds what gets through against the laws: raised and resolved take turns, a reminder is never
// earlier than promised, what is wrong for long is always told, and what happened is counted.
func TestAlarmsLaws(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	a, now := make(Alarms), begin
	var last time.Time // of the alarm
	raised, happenings, told := false, 0, 0
	standing, key := Fine, 0
	for range 20_000 {
		now = now.Add(time.Duration(rng.Int64N(int64(20 * time.Minute))))
		if rng.IntN(10) == 0 {
			standing = []Standing{Unsure, Fine, Wrong}[rng.IntN(3)]
		}
		if rng.IntN(30) == 0 {
			key++
			happenings++
		}
		feed := Condition{Alarm: "feed", Is: standing, Title: "x"}
		conditions := []Condition{feed, {Alarm: "crash", Is: Happened, Key: fmt.Sprint(key), AtMost: time.Hour}}
		if key == 0 {
			conditions = conditions[:1]
		}
		due, _ := a.Due(now, 3*time.Hour, conditions)
		if lost := rng.IntN(3) == 0; lost {
			continue
		}
		if standing == Wrong && !raised && !slices.ContainsFunc(due, func(m Message) bool { return m.State == Raised }) {
			t.Fatal("wrong, and nothing is due")
		}
		for _, m := range due {
			switch m.State {
			case Raised:
				if raised || standing != Wrong {
					t.Fatalf("raised at %s", now)
				}
				raised, last = true, now
			case Reminder:
				if !raised || standing != Wrong || now.Sub(last) < 3*time.Hour {
					t.Fatalf("reminded at %s, %s after", now, now.Sub(last))
				}
				last = now
			case Resolved:
				if !raised || standing != Fine {
					t.Fatalf("resolved at %s", now)
				}
				raised = false
			case Event:
				n := 1
				if _, rest, ok := strings.Cut(m.Text, "This is the last of "); ok {
					if _, err := fmt.Sscan(rest, &n); err != nil {
						t.Fatal(err)
					}
				}
				told += n
			}
			for _, c := range conditions {
				if c.Alarm == m.Alarm {
					a.Sent(m, c)
				}
			}
		}
		a = reread(t, a)
	}
	waiting := 0
	if c := a["crash"]; c != nil {
		waiting = c.More
	}
	// One that had no look between it and the next is not seen; there is a look at each.
	if told+waiting != happenings {
		t.Errorf("%d happenings, %d told and %d to be told", happenings, told, waiting)
	}
}
