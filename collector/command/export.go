package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/export"
)

type exportCommand struct {
	What string `arg:"" default:"1s" help:"An interval (1s 5m 4h 1d 100t 10000v 1000000usd), trades or coverage (default 1s)."`
	database
	period
	Output string `name:"output" short:"o" help:"Write to this file (default stdout)." placeholder:"FILE"`
	Format string `name:"format" enum:"csv" default:"csv" help:"csv." placeholder:"csv"`
}

// Run writes the rows, and one line about them to stderr.
func (e *exportCommand) Run(ctx context.Context, c console) error {
	if _, err := e.interval(); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	if sameFile(e.Output, e.path()) {
		return &usage{problem: fmt.Sprintf("-o %s is the recording itself; right is for example -o %s.csv", e.Output, e.Output)}
	}
	var notes string
	err := output(e.Output, c.out, func(w io.Writer) (err error) {
		notes, err = consult(ctx, e.path(), e, w)
		return err
	})
	fmt.Fprint(c.err, notes)
	return err
}

// interval is that of the candles asked for, none for other rows.
func (e *exportCommand) interval() (v candle.Interval, err error) {
	if e.What == "trades" || e.What == "coverage" {
		return v, nil
	}
	if v, err = candle.ParseInterval(e.What); err != nil {
		err = &usage{problem: err.Error() + "; right is for example 1s, 5m, 1d, 100t, trades or coverage", try: program() + " export 1s"}
	}
	return v, err
}

func (*exportCommand) name() string { return "export" }

func (e *exportCommand) ask(v url.Values) {
	e.period.ask(v)
	v.Set("what", e.What)
	v.Set("format", e.Format)
}

func (e *exportCommand) take(a *asked) error {
	e.What, e.Format = cmp.Or(a.take("what"), "1s"), cmp.Or(a.take("format"), "csv")
	return e.period.take(a)
}

func (e *exportCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	interval, err := e.interval()
	if err != nil {
		return "", err
	}
	f := b.Read()
	sel, err := e.choose(ctx, f, b.now())
	if err != nil {
		return "", err
	}
	rows, err := sel.write(out, f, e.What, interval)
	if err != nil {
		return "", err
	}
	return sel.describe(f, e.What, rows)
}

// write writes what was chosen as CSV and returns the number of rows.
func (sel *selection) write(w io.Writer, f *store.Reading, what string, v candle.Interval) (int, error) {
	switch {
	case what == "trades":
		return sel.writeTrades(w, f)
	case what == "coverage":
		return sel.writeCoverage(w, f)
	case v.ByTime():
		return sel.writeTimeCandles(w, f, v)
	}
	return sel.writeCountCandles(w, f, v)
}

func (sel *selection) writeTrades(w io.Writer, f *store.Reading) (rows int, err error) {
	var d export.Decimals
	for row, err := range sel.trades(f) {
		if err != nil {
			return 0, err
		}
		d.Trade(&row.Trade)
	}
	out := export.NewTrades(w, d)
	for row, err := range sel.trades(f) {
		if err != nil {
			return rows, err
		}
		if err := out.Encode(&row.Trade, row.Seq); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, out.Close()
}

// decimals is what the candles of the selection need.
func (sel *selection) decimals(f *store.Reading, v candle.Interval) (d export.Decimals, err error) {
	for r, err := range sel.candles(f, v) {
		if err != nil {
			return d, err
		}
		d.Candle(&r.row.Candle)
	}
	return d, nil
}

func (sel *selection) writeTimeCandles(w io.Writer, f *store.Reading, v candle.Interval) (rows int, err error) {
	d, err := sel.decimals(f, v)
	if err != nil {
		return 0, err
	}
	out := export.NewTimeCandles(w, d)
	var timelines func(string) ledger.Timeline
	var line ledger.Timeline
	var session ledger.Session
	symbol := ""
	for r, err := range sel.candles(f, v) {
		if err != nil {
			return rows, err
		}
		c := &r.row.Candle
		if timelines == nil || r.session != session {
			if timelines, err = f.Timelines(r.session); err != nil {
				return rows, err
			}
			session, symbol = r.session, ""
		}
		if symbol != r.row.Symbol {
			symbol = r.row.Symbol
			line = timelines(symbol)
		}
		until := c.Start + v.Millis()
		if v.Kind() == candle.Day {
			until = session.Close
		}
		state, _ := line.State(c.Start, until, true)
		if err := out.Encode(symbol, c, state); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, out.Close()
}

func (sel *selection) writeCountCandles(w io.Writer, f *store.Reading, v candle.Interval) (rows int, err error) {
	d, err := sel.decimals(f, v)
	if err != nil {
		return 0, err
	}
	out := export.NewCountCandles(w, d)
	for r, err := range sel.candles(f, v) {
		if err != nil {
			return rows, err
		}
		if err := out.Encode(r.row.Symbol, &r.row.Candle); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, out.Close()
}

func (sel *selection) writeCoverage(w io.Writer, f *store.Reading) (rows int, err error) {
	out := export.NewCoverage(w)
	for _, s := range sel.sessions {
		runs, err := sel.coverage(f, s.Session)
		if err != nil {
			return rows, err
		}
		for _, r := range runs {
			if err := out.Encode(r.Run, r.symbols); err != nil {
				return rows, err
			}
			rows++
		}
	}
	return rows, out.Close()
}

// describe is the line on stderr.
func (sel *selection) describe(f *store.Reading, what string, rows int) (string, error) {
	down, unknown := int64(0), int64(0)
	for _, s := range sel.sessions {
		runs, err := sel.coverage(f, s.Session)
		if err != nil {
			return "", err
		}
		for _, r := range runs {
			switch r.State {
			case ledger.Down:
				down += r.Seconds() * int64(len(r.symbols))
			case ledger.Unknown:
				unknown += r.Seconds() * int64(len(r.symbols))
			}
		}
	}
	names := strings.Join(sel.symbols[:min(5, len(sel.symbols))], ",")
	if n := len(sel.symbols); n > 5 {
		names += fmt.Sprintf(" ... (%d)", n)
	}
	line := fmt.Sprintf("%s rows, %s %s, %s. %s s down", thousands(int64(rows)), names, what, sel, thousands(down))
	if unknown > 0 {
		line += fmt.Sprintf(", %s s unknown", thousands(unknown))
	}
	line += "."
	for _, s := range sel.sessions {
		if simulated(s.Source) {
			line += " SIMULATED, not market data."
			break
		}
	}
	return line + "\n", nil
}

// simulated says whether a session's source is a generated market.
func simulated(source string) bool { return strings.HasPrefix(source, "simulated") }

// thousands writes 4112 as 4,112.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// output hands write a file beside the named one and renames it when all is on
// disk; without a name, or for -, it is stdout. A failure leaves no half file. What is
// there and no plain file, such as /dev/null or a pipe, is written as it is.
func output(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return write(stdout)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return cannotWrite(name, err)
		}
		return errors.Join(write(file), file.Close())
	}
	draft, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return cannotWrite(name, err)
	}
	defer os.Remove(draft.Name())
	err = errors.Join(write(draft), draft.Chmod(0o644), draft.Sync(), draft.Close())
	if err != nil {
		return err
	}
	return os.Rename(draft.Name(), name)
}

// cannotWrite says why, without the name of a draft that nobody asked for.
func cannotWrite(name string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	return &usage{problem: fmt.Sprintf("-o %s cannot be written: %v; right is for example -o candles.csv", name, err)}
}

func sameFile(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}
