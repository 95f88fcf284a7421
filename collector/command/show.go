package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// printSymbols is the table of symbols: what was recorded of each, and the state of
// every second.
func printSymbols(w io.Writer, f *store.Reading, sel *selection) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "symbol\ttrades\t1s candles\t100t candles\ttraded\tquiet\tpartial\tdown s\tbytes a trade\t1s candle\t100t candle\t")
	a, err := sel.account(f)
	if err != nil {
		return err
	}
	for _, l := range a.lines {
		n, size := l.seconds, l.size
		candles := n[ledger.Traded] + n[ledger.Partial]
		hundred := (size.Trades + 99) / 100
		each := func(bytes, n int64) float64 { return float64(bytes) / float64(max(n, 1)) }
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%.1f\t%.1f\t\n", l.symbol, thousands(size.Trades), thousands(candles),
			thousands(hundred), thousands(n[ledger.Traded]), thousands(n[ledger.Quiet]),
			thousands(n[ledger.Partial]), thousands(n[ledger.Down]),
			each(size.TapeBytes+size.BlockBytes, size.Trades), each(size.SecondBytes, candles), each(size.HundredBytes, hundred))
	}
	return t.Flush()
}

// printGaps lists the stretches that were not wholly heard, each once.
func printGaps(w io.Writer, f *store.Reading, sel *selection) error {
	for _, s := range sel.sessions {
		runs, err := sel.coverage(f, s.Session)
		if err != nil {
			return err
		}
		var from, until int64
		var cause ledger.Cause
		tell := func() {
			if until > from {
				fmt.Fprintf(w, "gap %s to %s New York: %d s, %s\n", clockTime(from), clockTime(until), (until-from)/1000, cause)
			}
		}
		fmt.Fprintln(w)
		for _, r := range runs {
			if r.State != ledger.Down && r.State != ledger.Partial {
				continue
			}
			if r.From <= until && r.Cause == cause {
				until = max(until, r.Until)
				continue
			}
			tell()
			from, until, cause = r.From, r.Until, r.Cause
		}
		tell()
	}
	return nil
}

func clockTime(ms int64) string {
	return time.UnixMilli(ms).In(schedule.NewYork()).Format(time.TimeOnly)
}

// printHead prints the first lines of a file.
func printHead(w io.Writer, name string, lines int) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for range lines {
		if !scanner.Scan() {
			break
		}
		fmt.Fprintln(w, "  "+scanner.Text())
	}
	return scanner.Err()
}

// progress is one line that is written over on a terminal, and a new line every
// few seconds elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	last     time.Time
	width    int
}

const progressEvery = 3 * time.Second

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w), last: time.Now()}
}

func (p *progress) line(text string) {
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(0, p.width-len(text))))
		p.width = len(text)
	case time.Since(p.last) >= progressEvery:
		p.last = time.Now()
		fmt.Fprintln(p.w, text)
	}
}

func (p *progress) end() {
	if p.terminal {
		fmt.Fprintln(p.w)
	}
	fmt.Fprintln(p.w)
}
