package command

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// diagnostics is what is said at start: lines of a name and what there is to say of it.
type diagnostics []diagnostic

type diagnostic struct{ name, text string }

func (d *diagnostics) add(name, text string) {
	if text != "" {
		*d = append(*d, diagnostic{name, text})
	}
}

// String is the block as a person reads it on a terminal.
func (d diagnostics) String() string {
	var b strings.Builder
	for _, line := range d {
		fmt.Fprintf(&b, "%s: %s\n", line.name, line.text)
	}
	return b.String()
}

// sentence is the block as one line, and its parts for a machine.
func (d diagnostics) sentence() (text string, attrs []any) {
	var parts []string
	for _, line := range d {
		parts = append(parts, line.name+": "+line.text)
		attrs = append(attrs, slog.String(strings.ReplaceAll(strings.ToLower(line.name), " ", "_"), line.text))
	}
	return strings.Join(parts, ". "), attrs
}

// introduce says at start what is going to happen: one block of text, or one event in JSON.
func (r *runCommand) introduce(c console, file *store.File, plan marketPlan, page *openPage, now time.Time, log *slog.Logger) {
	d := r.diagnose(file, plan, now)
	d.add("Page", page.words)
	d.add("Stop", "Ctrl-C or SIGTERM")
	if r.logsJSON() {
		text, attrs := d.sentence()
		log.Info(text, attrs...)
	} else {
		fmt.Fprint(c.out, d)
	}
	if warning, soon := schedule.Ends(now); soon && !r.allHours() {
		log.Warn(warning)
	}
	if name := store.UnsafeFilesystem(filepath.Dir(file.Path())); name != "" {
		log.Warn(fmt.Sprintf("%s is on %s, where a file like this can be lost: locks and syncs do not hold there. Put it on a local disk: --db /local/tapedeck.db", file.Path(), name))
	}
	if file.Copied() {
		log.Warn("The file is a copy that was made while somebody recorded into the original. Its pages and values were read and are whole; \"tapedeck verify\" proves the candles, too")
	}
	if file.Interrupted() {
		log.Warn("The last recorder died without closing the file; what it committed is there, and the ledger shows the gap")
	}
}

// diagnose looks at everything.
func (r *runCommand) diagnose(file *store.File, plan marketPlan, now time.Time) (d diagnostics) {
	d.add("tapedeck", version())
	d.add("Symbols", fmt.Sprintf("%s, of %s", listed(r.Symbols, 10), r.source()))
	d.add("Market hours", r.describe(r.allHours()))
	if canary := r.canary(); canary != "" {
		d.add("Canary", canary+", to tell a quiet feed from a dead one; it is not recorded")
	}
	d.add("New York", now.In(schedule.NewYork()).Format("Mon Jan 2 2006 03:04:05 PM MST"))
	d.add("Market Status", plan.Status(now))
	d.add("Plan", r.intent(plan, now))
	d.add("Ahead", plan.Ahead(now))
	sessions, err := file.Sessions()
	if err != nil {
		d.add("Sessions", err.Error())
	}
	d.add("File", describeFile(file.Path(), len(sessions)))
	if len(sessions) > 0 {
		d.add("Last session", lastHeard(file, sessions[len(sessions)-1].Session))
	}
	d.add("Memory", r.memory)
	d.add("Saved", r.saved())
	if r.Backup {
		d.add("Backup", "after each session, to "+backupPath(file.Path()))
	}
	d.add("News", r.saysFeeds())
	d.add("Alerts", r.saysAlerts())
	return d
}

// intent is when the recorder connects.
func (r *runCommand) intent(plan marketPlan, now time.Time) string {
	s, lead := plan.Next(now), time.Duration(r.OpenLead)
	switch {
	case r.allHours():
		return "Connecting now"
	case s.Contains(now.UnixMilli()):
		return "Connecting now, until " + schedule.Moment(s.Close)
	case now.Before(time.UnixMilli(s.Open).Add(-lead)):
		return schedule.WillConnect(now, s, lead) + ". " + schedule.NextSession(now, s)
	}
	return "Connecting now. " + schedule.NextSession(now, s)
}

// listed is the first few of many names.
func listed(names []string, most int) string {
	text := strings.Join(names[:min(len(names), most)], ",")
	if n := len(names); n > most {
		text += fmt.Sprintf(" ... (%d)", n)
	}
	return text
}

// describeFile is how large the file is, and for how long its disk will do.
func describeFile(path string, sessions int) string {
	info, err := os.Stat(path)
	if err != nil {
		return path
	}
	text := fmt.Sprintf("%s, %s", path, megabytes(info.Size()))
	free, ok := store.FreeSpace(filepath.Dir(path))
	if !ok {
		return text
	}
	text += ", " + megabytes(free) + " free on its disk"
	if each := info.Size() / int64(max(sessions, 1)); sessions > 0 && each > 0 {
		text += fmt.Sprintf(": %s sessions like the %s on file", thousands(free/each), thousands(int64(sessions)))
	}
	return text
}

func megabytes(n int64) string {
	if n >= 10_000_000_000 {
		return fmt.Sprintf("%s GB", thousands(n/1_000_000_000))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// lastHeard is how much of the last session was listened to.
func lastHeard(file *store.File, s ledger.Session) string {
	list, err := hearingOf(file.Read(), s)
	if err != nil {
		return err.Error()
	}
	heard, whole := int64(0), int64(len(list))*(s.Close-s.Open)
	var names []string
	for _, h := range list {
		names = append(names, h.symbol)
		heard += h.heard
	}
	if !s.Stated {
		return fmt.Sprintf("%s, %s: recorded without a clock of the feed", s.Date(), listed(names, 5))
	}
	return fmt.Sprintf("%s, %s: %.2f %% heard, %s s not", s.Date(), listed(names, 5), 100*float64(heard)/float64(max(whole, 1)), thousands((whole-heard)/1000))
}

// saved is what becomes of what is recorded.
func (r *runCommand) saved() string {
	keep := "kept for ever"
	if r.KeepTrades != 0 || r.KeepCandles != 0 {
		keep = "trades kept for " + r.KeepTrades.String() + ", candles for " + r.KeepCandles.String()
	}
	return fmt.Sprintf("every trade within %s; 1s and 100t candles when the session has ended; %s", time.Duration(r.CommitEvery), keep)
}
