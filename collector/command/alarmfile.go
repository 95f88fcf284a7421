package command

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/notify"
	"tapedeck/schedule"
	"tapedeck/store"
)

// The alarms that the file, its disk and the calendar tell.

// diskAlarm is wrong when the disk will do for only some days.
func (a *alarms) diskAlarm(sessions []store.Summary) notify.Condition {
	least := float64(a.flags.AlertDiskDays)
	c := notify.Condition{Alarm: "disk_low", Title: "the disk fills", Every: 24 * time.Hour,
		Fix: "A larger disk, --keep-trades 90d, or \"tapedeck compact\" while it is stopped."}
	days, free, known := a.daysLeft(sessions)
	switch {
	case known && days < least:
		c.Is, c.Words = notify.Wrong, fmt.Sprintf("The disk has %s left, which will do for %.0f days at the pace of the %s on file.", megabytes(free), days, plural(len(sessions), "session"))
	case !known || days >= least+1: // so that it does not go to and fro
		c.Is, c.Words = notify.Fine, "There is room for longer again."
	}
	return c
}

// daysLeft is for how long the disk will do.
func (a *alarms) daysLeft(sessions []store.Summary) (days float64, free int64, known bool) {
	free, ok := a.live.freeSpace()
	space, err := a.live.file.Space()
	if !ok || err != nil || len(sessions) == 0 {
		return 0, free, false
	}
	growth := growthADay(space.Size-space.Reclaimable(), sessions)
	if growth <= 0 {
		return 0, free, false
	}
	return float64(free) / growth, free, true
}

// calendarAlarm is wrong when the table of holidays is about to end.
func calendarAlarm(now time.Time) notify.Condition {
	c := notify.Condition{Alarm: "calendar", Title: "the calendar ends", Every: 7 * 24 * time.Hour, Is: notify.Fine, Words: "The calendar is long enough."}
	if words, soon := schedule.Ends(now); soon {
		c.Is, c.Words = notify.Wrong, words+"."
	}
	return c
}

// backupAlarm is wrong when there is no backup of the last session a while after its close, or
// after it is on file: it may have waited for a recorder that did not run, or for a disk.
func (a *alarms) backupAlarm(last ledger.Session, s *situation) notify.Condition {
	c := notify.Condition{Alarm: "backup", Title: "there is no backup", Since: time.UnixMilli(last.Close),
		Fix: "\"tapedeck backup FILE\" makes one now, also on another disk."}
	at, _, ok, err := a.live.file.LastBackup()
	switch {
	case err != nil:
	case ok && at >= last.Close:
		c.Is, c.Words, c.Since = notify.Fine, "There is a backup again.", time.UnixMilli(at)
	case s.since(a.due(last, s)) > time.Duration(a.flags.AlertBackup):
		c.Is, c.Words = notify.Wrong, fmt.Sprintf("Session %s closed %s ago and there is no backup of it.", last.Date(), schedule.Span(s.since(last.Close)))
		if why := a.live.failed.of("backup"); why != "" {
			c.Words += " The last try: " + why + "."
		}
	}
	return c
}

// promptly is how long after its close, or after a start, a session may come onto the file for
// that moment to count.
const promptly = 5 * time.Minute

// due is from when on a backup is waited for, event time.
func (a *alarms) due(last ledger.Session, s *situation) int64 {
	from := max(last.Close, s.start)
	if a.lastSeen-from <= promptly.Milliseconds() {
		return from
	}
	return a.lastSeen
}

// reportAlarms are what there is to say of the session that ended last.
func (a *alarms) reportAlarms(ctx context.Context, last store.Summary, s *situation) (list []notify.Condition) {
	if last.Session != a.reported {
		a.reported, a.said = last.Session, a.report(ctx, last)
	}
	r := a.said
	key := last.Session.Date()
	if r.thin != "" {
		list = append(list, notify.Condition{Alarm: "coverage", Is: notify.Happened, Key: key, Title: "session " + key + " has holes", Words: r.thin,
			Fix: "\"tapedeck coverage --session " + key + "\" lists them, each with its cause."})
	}
	if a.flags.Summary && last.Session.Close >= s.start {
		list = append(list, notify.Condition{Alarm: "summary", Is: notify.Happened, Key: key, Title: "session " + key, Words: r.summary})
	}
	return list
}

// report looks at a session that has ended.
func (a *alarms) report(ctx context.Context, last store.Summary) (r ended) {
	r.thin = a.thin(last.Session)
	if a.flags.Summary {
		r.summary = fmt.Sprintf("Session %s of %s: %s.", last.Session.Date(), listed(a.live.run.Symbols, 5), outcomeOf(ctx, a.live.file, last.Session))
	}
	return r
}

// thin names the symbols of a session that were heard for less of it than they should, the
// worst first, and what the missing time was lost to; "" is none.
func (a *alarms) thin(s ledger.Session) string {
	heard, err := hearingOf(a.live.file.Read(), s)
	if err != nil {
		return fmt.Sprintf("What was heard of session %s cannot be told: %v.", s.Date(), err)
	}
	heard = slices.DeleteFunc(heard, func(h hearing) bool { return 100*h.part(s) >= float64(a.flags.AlertCoverage) })
	if len(heard) == 0 {
		return ""
	}
	slices.SortStableFunc(heard, func(a, b hearing) int { return cmp.Compare(a.heard, b.heard) })
	var names []string
	for _, h := range heard[:min(len(heard), 5)] {
		names = append(names, fmt.Sprintf("%s %.2f %%", h.symbol, 100*h.part(s)))
	}
	text := fmt.Sprintf("Of session %s less was heard than %s %%: %s", s.Date(), a.flags.AlertCoverage, strings.Join(names, ", "))
	if n := len(heard); n > len(names) {
		text += fmt.Sprintf(" and %d more symbols", n-len(names))
	}
	return text + ". " + heard[0].symbol + " lost " + heard[0].lost() + "."
}

// hearing is how much of a session a symbol was listened to, by the ledger alone.
type hearing struct {
	symbol string
	heard  int64                  // ms
	missed map[ledger.Cause]int64 // ms
}

func (h *hearing) part(s ledger.Session) float64 {
	return float64(h.heard) / float64(max(1, s.Close-s.Open))
}

// lost is what the missing time was lost to, the most first.
func (h *hearing) lost() string {
	causes := slices.SortedFunc(maps.Keys(h.missed), func(a, b ledger.Cause) int { return cmp.Compare(h.missed[b], h.missed[a]) })
	var parts []string
	for _, c := range causes {
		parts = append(parts, fmt.Sprintf("%s s to %s", thousands((h.missed[c]+500)/1000), c))
	}
	return strings.Join(parts, ", ")
}

// hearingOf is that of each symbol of a session.
func hearingOf(f *store.Reading, s ledger.Session) (list []hearing, err error) {
	names, err := f.Symbols(s)
	if err != nil {
		return nil, err
	}
	lines, err := f.Timelines(s)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		h := hearing{symbol: name, missed: make(map[ledger.Cause]int64)}
		for _, p := range lines(name) {
			if p.Cause == ledger.Heard {
				h.heard += p.Until - p.From
			} else {
				h.missed[p.Cause] += p.Until - p.From
			}
		}
		list = append(list, h)
	}
	return list, nil
}
