package command

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"tapedeck/schedule"
)

// table is the status for a person.
func (s *status) table(w io.Writer) error {
	var d diagnostics
	if r := s.Recording; r != nil {
		d.add("Recording", fmt.Sprintf("pid %d since %s, %s; %s trades since then", r.PID, r.Since, r.Source, thousands(r.Trades)))
		d.add("Market Status", r.Market)
	} else {
		d.add("Recording", "nobody records into it")
	}
	d.add("Next session", strings.TrimPrefix(s.Next, "Next session: "))
	f := s.File
	d.add("File", fmt.Sprintf("%s, %s, %s of %s pages free; compact gives back %s", f.Path, megabytes(f.Size), thousands(f.FreePages), thousands(f.Pages), megabytes(f.Reclaimable)))
	if f.Copied {
		d.add("Copy", "made while somebody recorded into the original; verify says whether it is whole")
	}
	d.add("Disk", s.Disk.String())
	d.add("Backup", s.backupWords())
	d.add("Format", fmt.Sprintf("%s, written by tapedeck %s", f.Format, cmp.Or(f.Writer, "of no version")))
	s.holdsWords(&d)
	if _, err := io.WriteString(w, d.String()); err != nil {
		return err
	}
	if s.Session == nil {
		return nil
	}
	return s.Session.table(w, s.Recording != nil)
}

// String is the disk in words.
func (d statusDisk) String() string {
	var parts []string
	if d.Free >= 0 {
		parts = append(parts, megabytes(d.Free)+" free")
	}
	if d.Growth >= 0 {
		parts = append(parts, fmt.Sprintf("the file grows by %s a day", megabytes(d.Growth)))
	}
	if d.DaysLeft >= 0 {
		parts = append(parts, fmt.Sprintf("%s days left", thousands(int64(d.DaysLeft))))
	}
	if d.Filesystem != "" {
		parts = append(parts, "on "+d.Filesystem+", where a file like this is not safe")
	}
	return strings.Join(parts, "; ")
}

func (s *status) backupWords() string {
	if s.Backup == nil {
		return "none; \"" + program() + " backup FILE\" makes one"
	}
	return fmt.Sprintf("%s, %s old", s.Backup.Path, schedule.Span(time.Duration(s.Backup.Age)*time.Second))
}

func (s *status) holdsWords(d *diagnostics) {
	h := s.Holds
	if h.Sessions == 0 {
		d.add("Holds", "no session yet")
		return
	}
	d.add("Source", strings.Join(h.Sources, "; "))
	d.add("Symbols", listed(h.Symbols, 10))
	d.add("Holds", fmt.Sprintf("%s, %s to %s, %s trades", plural(h.Sessions, "session"), h.First, h.Last, thousands(h.Trades)))
	of := ""
	if h.Counted < h.Sessions {
		of = fmt.Sprintf(" (of the last %s)", plural(h.Counted, "session"))
	}
	d.add("Candles", fmt.Sprintf("%s of a second, %s of 100 trades%s", thousands(h.Second), thousands(h.Hundred), of))
	n := h.Seconds
	text := fmt.Sprintf("%s traded, %s quiet, %s partial, %s down", thousands(n["traded"]), thousands(n["quiet"]), thousands(n["partial"]), thousands(n["down"]))
	if n["unknown"] > 0 {
		text += fmt.Sprintf(", %s unknown", thousands(n["unknown"]))
	}
	d.add("Seconds", text+of)
}

func (s *statusSession) table(w io.Writer, recording bool) error {
	what := "Session " + s.Date
	if s.Until < s.Close {
		what += ", so far, until " + s.Until
	}
	fmt.Fprintf(w, "\n%s:\n", what)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "symbol\ttrades\tlast trade\tcovered\ttraded\tquiet\tpartial\tdown\tunknown\t")
	for _, l := range s.Symbols[:min(len(s.Symbols), mostLines)] {
		last := cmp.Or(l.LastTrade, "none")
		if recording && l.Age >= 0 {
			last = schedule.Span(time.Duration(l.Age*1000)*time.Millisecond) + " ago"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.2f %%\t%s\t%s\t%s\t%s\t%s\t\n", l.Symbol, thousands(l.Trades), last, 100*l.Covered, thousands(l.Traded),
			thousands(l.Quiet), thousands(l.Partial), thousands(l.Down), thousands(l.Unknown))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if n := len(s.Symbols) - mostLines; n > 0 {
		fmt.Fprintf(w, "... and %s more; --json has all\n", thousands(int64(n)))
	}
	return nil
}
