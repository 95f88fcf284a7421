package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Standing is how it stands with one thing that can be wrong.
type Standing int

// The standings. Unsure leaves an alarm as it is: a process that has just started cannot know
// whether what was wrong before is over.
const (
	Unsure Standing = iota
	Fine
	Wrong
	Happened
)

// Condition is one thing that can be wrong, at a moment.
type Condition struct {
	Alarm string // its name, such as feed: one word
	Is    Standing
	// Key tells what Happened from what happened before: each is told once.
	Key string
	// AtMost is the shortest time from one message to the next of what Happened; what comes
	// earlier is told then, with its number.
	AtMost time.Duration
	// Every is the time from one message to the next of what stays Wrong; 0 is the Outbox's.
	Every time.Duration
	Since time.Time // it is wrong, or fine; zero is not known
	Title string    // what is wrong, or was, or happened: a few words
	Words string    // the same, in sentences
	Fix   string    // what can be done
}

// Alarms is what one target has been told, by the names of alarms, and what is due; an empty
// one has told nothing. It is of one goroutine at a time: no clock, no lock.
type Alarms map[string]*Told

// Told is what was said of one alarm.
type Told struct {
	At    time.Time `json:"at"`              // when the last message of it went out; zero: none has
	Since time.Time `json:"since,omitzero"`  // since when it is wrong
	Title string    `json:"title,omitempty"` // as it was raised
	Key   string    `json:"key,omitempty"`   // the last that was seen
	More  int       `json:"more,omitempty"`  // happenings that have not been told
}

// Due are the messages that conditions call for at now. every is the time between two
// messages of what stays wrong, where a condition has none of its own. A message counts as told
// with Sent, so that one that did not get through is due again. changed says that there is
// something new to be kept.
func (a Alarms) Due(now time.Time, every time.Duration, conditions []Condition) (due []Message, changed bool) {
	for i := range conditions {
		c := &conditions[i]
		if c.Is == Happened && a.see(c) {
			changed = true
		}
		if m, ok := a.due(now, every, c); ok {
			due = append(due, m)
		}
	}
	return due, changed
}

// see notes what happened, once.
func (a Alarms) see(c *Condition) (news bool) {
	t := a[c.Alarm]
	if t == nil {
		t = new(Told)
		a[c.Alarm] = t
	}
	if t.Key == c.Key {
		return false
	}
	t.Key = c.Key
	t.More++
	return true
}

func (a Alarms) due(now time.Time, every time.Duration, c *Condition) (Message, bool) {
	t := a[c.Alarm]
	m := Message{Alarm: c.Alarm, Time: now, Title: c.Title}
	switch {
	case c.Is == Happened && t.More > 0 && now.Sub(t.At) >= c.AtMost:
		m.State, m.Text = Event, sentences(c.Words, often(t, now), c.Fix)
	case c.Is == Wrong && t == nil:
		m.State, m.Text = Raised, sentences(c.Words, c.Fix)
	case c.Is == Wrong && now.Sub(t.At) >= cmp.Or(c.Every, every):
		m.State, m.Title, m.Text = Reminder, c.Title+", still", sentences(c.Words, lasted("It has been so", t, now), c.Fix)
	case c.Is == Fine && t != nil:
		m.State, m.Title, m.Text = Resolved, "over: "+t.Title, sentences(c.Words, lasted("It was so", t, cmp.Or(c.Since, now)))
	default:
		return m, false
	}
	return m, true
}

// Sent notes that a message of Due got through.
func (a Alarms) Sent(m Message, c Condition) {
	switch m.State {
	case Resolved:
		delete(a, m.Alarm)
	case Raised:
		a[m.Alarm] = &Told{At: m.Time, Since: cmp.Or(c.Since, m.Time), Title: m.Title}
	case Reminder:
		a[m.Alarm].At = m.Time
	case Event:
		a[m.Alarm].At, a[m.Alarm].More = m.Time, 0
	}
}

// often says of something that happened that it did more than once.
func often(t *Told, now time.Time) string {
	if t.More < 2 {
		return ""
	}
	if t.At.IsZero() {
		return fmt.Sprintf("This is the last of %d.", t.More)
	}
	return fmt.Sprintf("This is the last of %d in %s.", t.More, round(now.Sub(t.At)))
}

func lasted(what string, t *Told, until time.Time) string {
	return fmt.Sprintf("%s for %s, since %s.", what, round(until.Sub(t.Since)), t.Since.UTC().Format("Mon Jan 2 15:04 UTC"))
}

// round is a length of time as people say it.
func round(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

func sentences(parts ...string) string {
	var said []string
	for _, p := range parts {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, " ")
}
