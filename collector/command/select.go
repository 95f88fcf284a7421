package command

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// period is the flags that choose what to read.
type period struct {
	Symbols symbolList `name:"symbols" aliases:"symbol" env:"-" help:"Only these: A,B or @FILE (default all)." placeholder:"QLD,SPY"`
	Session string     `name:"session" help:"last, today, all, 2026-11-20, 2026-11-02..2026-11-20 or last:5 (default last)." placeholder:"last"`
	From    string     `name:"from" help:"From this time on, RFC 3339, or session." placeholder:"TIME"`
	To      string     `name:"to" help:"Until before this time, RFC 3339, or with this session." placeholder:"TIME"`
}

// selection is what of a file was chosen.
type selection struct {
	ctx      context.Context // of the command: its end stops the reading
	sessions []store.Summary // by time
	onFile   int             // sessions in all
	last     bool            // what was chosen ends with the last of them
	from, to int64           // of rows, Unix ms, half-open
	symbols  []string        // sorted; of any of the sessions
	asked    []string        // symbols asked for; none is all
	every    bool            // all sessions were asked for

	lines map[ledger.Session]func(string) ledger.Timeline // made so far
}

// ask puts the flags into a question.
func (p *period) ask(v url.Values) {
	for name, text := range map[string]string{"session": p.Session, "from": p.From, "to": p.To} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if len(p.Symbols) > 0 {
		v["symbols"] = p.Symbols
	}
}

// take reads what ask put there, and checks it.
func (p *period) take(a *asked) error {
	p.Session, p.From, p.To, p.Symbols = a.take("session"), a.take("from"), a.take("to"), a.list("symbols")
	return p.check()
}

// check finds what is wrong with the flags before a file is opened.
func (p *period) check() error {
	if p.From == "" && p.To == "" {
		_, err := p.bySession(nil, time.Time{})
		return err
	}
	if p.Session != "" {
		return &usage{problem: fmt.Sprintf("--session %s and --from or --to contradict each other; right is one of them", p.Session)}
	}
	sel := &selection{from: math.MinInt64, to: math.MaxInt64}
	if err := p.byTime(sel, nil); err != nil {
		return err
	}
	if sel.from >= sel.to {
		return &usage{problem: fmt.Sprintf("--from %s is not before --to %s; right is the other way round", p.From, p.To)}
	}
	return nil
}

// choose reads from the file what the flags ask for. ctx ends the reading of what was
// chosen, too.
func (p *period) choose(ctx context.Context, f *store.Reading, now time.Time) (*selection, error) {
	all, err := f.Sessions()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no session yet", f.Path())
	}
	sel := &selection{ctx: ctx, onFile: len(all), from: math.MinInt64, to: math.MaxInt64, asked: p.Symbols, every: p.Session == "all", lines: make(map[ledger.Session]func(string) ledger.Timeline)}
	if p.From != "" || p.To != "" {
		err = p.byTime(sel, all)
	} else {
		sel.sessions, err = p.bySession(all, now)
	}
	if err != nil {
		return nil, err
	}
	if len(sel.sessions) == 0 {
		return nil, fmt.Errorf("%s holds nothing of that time: its sessions are %s", f.Path(), datesOf(all))
	}
	sel.last = sel.sessions[len(sel.sessions)-1].Session == all[len(all)-1].Session
	return sel, sel.chooseSymbols(f, p.Symbols)
}

// datesOf names the sessions of a file: all of a few, of many the first and the last.
func datesOf(all []store.Summary) string {
	if len(all) > 5 {
		return fmt.Sprintf("%d, %s to %s", len(all), all[0].Session.Date(), all[len(all)-1].Session.Date())
	}
	var dates []string
	for _, s := range all {
		dates = append(dates, s.Session.Date())
	}
	return strings.Join(dates, ", ")
}

func (sel *selection) chooseSymbols(f *store.Reading, want []string) error {
	for _, s := range sel.sessions {
		names, err := f.Symbols(s.Session)
		if err != nil {
			return err
		}
		sel.symbols = append(sel.symbols, names...)
	}
	slices.Sort(sel.symbols)
	sel.symbols = slices.Compact(sel.symbols)
	for _, name := range want {
		if !slices.Contains(sel.symbols, name) {
			return unrecorded(name, sel.symbols)
		}
	}
	if len(want) > 0 {
		sel.symbols = slices.Sorted(slices.Values(want))
	}
	return nil
}

// unrecorded says that a symbol is not among those recorded, and which are.
func unrecorded(name string, there []string) error {
	if len(there) == 0 {
		return fmt.Errorf("--symbols %s: no symbol was recorded then", name)
	}
	problem := fmt.Sprintf("--symbols %s: not recorded then; there is %s", name, strings.Join(there[:min(8, len(there))], ","))
	if n := len(there) - 8; n > 0 {
		problem += fmt.Sprintf(" and %s more", thousands(int64(n)))
	}
	if near := nearest(name, there); distance(name, near) <= 1 {
		problem += fmt.Sprintf("; perhaps %s was meant", near)
	}
	return &usage{problem: problem}
}

func (p *period) byTime(sel *selection, all []store.Summary) (err error) {
	if p.From != "" {
		if sel.from, err = moment("--from", p.From, false); err != nil {
			return err
		}
	}
	if p.To != "" {
		if sel.to, err = moment("--to", p.To, true); err != nil {
			return err
		}
	}
	for _, s := range all {
		if s.Session.Open < sel.to && s.Session.Close > sel.from {
			sel.sessions = append(sel.sessions, s)
		}
	}
	return nil
}

// moment reads RFC 3339, or a date: its start, or with whole its end, UTC. Every
// session lies in the UTC day it is called by.
func moment(flag, text string, whole bool) (int64, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UnixMilli(), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, &usage{problem: fmt.Sprintf("%s %q is no time; right is for example 2026-11-20T14:30:00Z or 2026-11-20", flag, text)}
	}
	if whole {
		day = day.AddDate(0, 0, 1)
	}
	return day.UnixMilli(), nil
}

func (p *period) bySession(all []store.Summary, now time.Time) ([]store.Summary, error) {
	within := func(first, last string) []store.Summary {
		return slices.DeleteFunc(slices.Clone(all), func(s store.Summary) bool {
			return s.Session.Date() < first || s.Session.Date() > last
		})
	}
	wrong := &usage{problem: fmt.Sprintf("--session %q is none; right is for example last, today, all, 2026-11-20, 2026-11-02..2026-11-20 or last:5", p.Session)}
	switch {
	case p.Session == "all":
		return all, nil
	case p.Session == "last", p.Session == "":
		return all[max(0, len(all)-1):], nil
	case p.Session == "today":
		today := now.In(schedule.NewYork()).Format(time.DateOnly)
		return within(today, today), nil
	case strings.HasPrefix(p.Session, "last:"):
		n, err := strconv.Atoi(p.Session[len("last:"):])
		if err != nil || n < 1 {
			return nil, wrong
		}
		return all[max(0, len(all)-n):], nil
	}
	first, last, isRange := strings.Cut(p.Session, "..")
	if !isRange {
		last = first
	}
	for _, date := range []string{first, last} {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return nil, wrong
		}
	}
	if first > last {
		return nil, &usage{problem: fmt.Sprintf("--session %s is the wrong way round; right is %s..%s", p.Session, last, first)}
	}
	return within(first, last), nil
}

// String names the sessions for a person.
func (sel *selection) String() string {
	first, last := sel.sessions[0].Session.Date(), sel.sessions[len(sel.sessions)-1].Session.Date()
	switch {
	case len(sel.sessions) > 1:
		return fmt.Sprintf("%d sessions %s to %s", len(sel.sessions), first, last)
	case sel.onFile > 1 && sel.last:
		return fmt.Sprintf("session %s (last of %d; all: --session all)", first, sel.onFile)
	case sel.onFile > 1:
		return fmt.Sprintf("session %s (one of %d; all: --session all)", first, sel.onFile)
	}
	return "session " + first
}
