package command

import (
	"fmt"
	"time"

	"tapedeck/collector/notify"
	"tapedeck/schedule"
)

// The alarms that the situation of a recording tells.

// keyAlarm is wrong when the feed refuses the key: in a session three times in a row, at the
// try of a start the first time. While nobody tries nothing is known.
func (s *situation) keyAlarm() notify.Condition {
	a := &s.activity
	c := notify.Condition{Alarm: "key", Title: "the feed refuses the key", Fix: "Is it right, and does its plan have WebSockets? \"tapedeck doctor\" tries it."}
	switch {
	case a.Refusals >= mostRefusals && s.open, a.Refusals > 0 && a.RefusedAtStart:
		c.Is, c.Words = notify.Wrong, fmt.Sprintf("The feed refuses the key (%s).", a.Refusal)
	case a.Refusals == 0 && a.Connected > 0 && (a.Sign >= a.Connected || s.since(a.Connected) > time.Minute):
		c.Is, c.Words = notify.Fine, "The feed takes the key."
	}
	return c
}

// fullAlarm is wrong when there is no room to record.
func (s *situation) fullAlarm() notify.Condition {
	c := notify.Condition{Alarm: "disk_full", Title: "the disk is full", Fix: "Make room: \"tapedeck compact\" and --keep-trades give some back, a larger disk does for longer."}
	switch {
	case s.activity.Full:
		c.Is, c.Words = notify.Wrong, "The disk is full. Recording goes on in memory, up to 64 MB; what does not fit will be a gap."
	case s.free >= 0 && s.free < leastFree:
		c.Is, c.Words = notify.Wrong, fmt.Sprintf("The disk has only %s left.", megabytes(s.free))
	case s.activity.Fits && (s.free < 0 || s.free >= 2*leastFree): // so that it does not go to and fro
		c.Is, c.Words = notify.Fine, "There is room again; what was in memory is on file."
	}
	return c
}

// feedAlarm is wrong when nothing has been heard in the session for long: after that long
// without a connection, or without a sign of life of it, and never before a silence is as long
// as the recorder takes for a dead feed.
func (s *situation) feedAlarm(after time.Duration) notify.Condition {
	a := &s.activity
	c := notify.Condition{Alarm: "feed", Title: "nothing is heard of the feed", Fix: "\"tapedeck status\" and the page say more."}
	base := max(s.begun, s.start)
	heard := max(a.Sign, base)
	silent := s.since(heard)
	c.Since = time.UnixMilli(heard)
	switch {
	case !s.open:
		return notify.Condition{Alarm: "feed", Is: notify.Fine, Words: "The market has closed."}
	case silent > max(after, a.Silence), a.Connected == 0 && s.since(max(base, a.Dropped)) > after:
		v := s.judge()
		c.Is, c.Words = notify.Wrong, fmt.Sprintf("Nothing has been heard for %s while the market is open. %s %s", schedule.Span(silent), v.words, v.reason)
	case a.Connected > 0 && a.Sign >= base && silent <= a.Silence:
		c.Is, c.Words, c.Since = notify.Fine, "Trades come again.", time.Time{}
	}
	return c
}
