package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
	"tapedeck/store/export"
)

type coverageCommand struct {
	fileArgument
	period
	Format string `name:"format" enum:"table,csv,json,jsonl,parquet" default:"table" help:"table, csv, json, jsonl or parquet (default table)." placeholder:"table|csv|json|jsonl|parquet"`
}

// Run says how much was heard of each symbol, and lists what was not.
func (k *coverageCommand) Run(ctx context.Context, c console) error {
	if err := k.check(); err != nil {
		return err
	}
	notes, err := consult(ctx, k.path(), k, c.out)
	fmt.Fprint(c.err, notes)
	return err
}

func (*coverageCommand) name() string { return "coverage" }

func (k *coverageCommand) ask(v url.Values) {
	k.period.ask(v)
	v.Set("format", k.Format)
}

func (k *coverageCommand) take(a *asked) error {
	k.Format = cmp.Or(a.take("format"), "table")
	return k.period.take(a)
}

func (k *coverageCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	f := b.Read()
	sel, err := k.choose(ctx, f, b.now())
	if err != nil {
		return "", err
	}
	account, err := sel.account(f)
	if err != nil {
		return "", err
	}
	switch k.Format {
	case "csv", "jsonl", "parquet":
		return "", account.rows(out, export.Format(k.Format))
	case "json":
		return "", account.json(out)
	}
	return "", account.table(out, f.Path(), sel)
}

// account is what is known of the listening to a selection.
type account struct {
	lines    []accountLine
	gaps     []gap
	sessions []store.Summary
	candles  map[ledger.Session][2]int64 // of a second, of 100 trades
}

// accountLine is the seconds of one symbol in one session.
type accountLine struct {
	session ledger.Session
	symbol  string
	seconds ledger.Tally
	size    store.Size
}

// gap is a stretch that was not wholly heard, with those that share it.
type gap struct {
	ledger.Run
	session ledger.Session
	symbols []string
}

// account reads the ledger of every session that was chosen.
func (sel *selection) account(f *store.Reading) (*account, error) {
	a := &account{sessions: sel.sessions, candles: make(map[ledger.Session][2]int64)}
	for _, s := range sel.sessions {
		var candles [2]int64
		runs, n, err := sel.coverageAndCandles(f, s.Session)
		if err != nil {
			return nil, err
		}
		candles[0] = n
		tally := make(map[string]*ledger.Tally)
		for _, r := range runs {
			for _, symbol := range r.symbols {
				if tally[symbol] == nil {
					tally[symbol] = new(ledger.Tally)
				}
				tally[symbol].Add(r.Run)
			}
		}
		sizes, err := f.Sizes(s.Session)
		if err != nil {
			return nil, err
		}
		for _, symbol := range sel.symbols {
			n := tally[symbol]
			if n == nil {
				continue
			}
			a.lines = append(a.lines, accountLine{s.Session, symbol, *n, sizes[symbol]})
			candles[1] += (sizes[symbol].Trades + 99) / 100
		}
		a.candles[s.Session] = candles
		a.gaps = append(a.gaps, mergeGaps(s.Session, runs)...)
	}
	return a, nil
}

// mergeGaps joins for each symbol what is down or partial by one cause without a second
// between, and then the symbols that share such a gap. It is down as soon as a second of
// one of them is.
func mergeGaps(s ledger.Session, runs []sharedRun) []gap {
	type stretch struct {
		from, until int64
		cause       ledger.Cause
	}
	last := make(map[string]ledger.Run) // by symbol
	shared := make(map[stretch]*gap)
	end := func(symbol string, r ledger.Run) {
		key := stretch{r.From, r.Until, r.Cause}
		if shared[key] == nil {
			shared[key] = &gap{r, s, nil}
		}
		g := shared[key]
		g.symbols = append(g.symbols, symbol)
		g.State = max(g.State, r.State) // down is the greater one
	}
	for _, r := range runs {
		if r.State != ledger.Down && r.State != ledger.Partial {
			continue
		}
		for _, symbol := range r.symbols {
			before, ok := last[symbol]
			if ok && before.Until == r.From && before.Cause == r.Cause {
				before.Until, before.State = r.Until, max(before.State, r.State)
				last[symbol] = before
				continue
			}
			if ok {
				end(symbol, before)
			}
			last[symbol] = r.Run
		}
	}
	for symbol, r := range last {
		end(symbol, r)
	}
	gaps := make([]gap, 0, len(shared))
	for _, g := range shared {
		slices.Sort(g.symbols)
		gaps = append(gaps, *g)
	}
	slices.SortFunc(gaps, func(a, b gap) int {
		return cmp.Or(ledger.CompareRuns(a.Run, b.Run), slices.Compare(a.symbols, b.symbols))
	})
	return gaps
}

// rows are the gaps as rows of a file.
func (a *account) rows(w io.Writer, format export.Format) error {
	out, err := export.NewCoverage(w, export.Options{Format: format})
	if err != nil {
		return err
	}
	for _, g := range a.gaps {
		if err := out.Encode(g.Run, g.symbols); err != nil {
			return err
		}
	}
	return out.Close()
}

func (a *account) json(w io.Writer) error {
	type line struct {
		Date    string  `json:"date"`
		Symbol  string  `json:"symbol"`
		Covered float64 `json:"covered"`
		Traded  int64   `json:"traded"`
		Quiet   int64   `json:"quiet"`
		Partial int64   `json:"partial"`
		Down    int64   `json:"down"`
		Unknown int64   `json:"unknown"`
	}
	type hole struct {
		Time    string   `json:"time"`
		Until   string   `json:"until"`
		Symbols []string `json:"symbols"`
		Seconds int64    `json:"seconds"`
		State   string   `json:"state"`
		Cause   string   `json:"cause"`
	}
	type statistics struct {
		Date   string        `json:"date"`
		Source string        `json:"source"`
		Second int64         `json:"candles_1s"`
		Tick   int64         `json:"candles_100t"`
		Counts ledger.Counts `json:"counts"`
	}
	all := struct {
		Symbols  []line       `json:"symbols"`
		Gaps     []hole       `json:"gaps"`
		Sessions []statistics `json:"sessions"`
	}{[]line{}, []hole{}, []statistics{}}
	for _, l := range a.lines {
		n := l.seconds
		all.Symbols = append(all.Symbols, line{l.session.Date(), l.symbol, l.covered(), n[ledger.Traded], n[ledger.Quiet], n[ledger.Partial], n[ledger.Down], n[ledger.Unknown]})
	}
	for _, g := range a.gaps {
		all.Gaps = append(all.Gaps, hole{instant(g.From), instant(g.Until), g.symbols, g.Seconds(), g.State.String(), string(g.Cause)})
	}
	for _, s := range a.sessions {
		all.Sessions = append(all.Sessions, statistics{s.Session.Date(), s.Source, a.candles[s.Session][0], a.candles[s.Session][1], s.Counts})
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err == nil {
		_, err = w.Write(append(text, '\n'))
	}
	return err
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// covered is the part of the known seconds that was heard as a whole, 0 to 1.
func (l accountLine) covered() float64 {
	part, _ := l.row(nil).Covered()
	return part
}

// row is the line as it is exported; counts are those of its session.
func (l accountLine) row(counts ledger.Counts) *export.SessionLine {
	return &export.SessionLine{Session: l.session, Symbol: l.symbol, Seconds: l.seconds, Trades: l.size.Trades,
		Late: counts[ledger.Late], Reconnects: counts[ledger.Reconnects]}
}

// sessionLines are the lines in the order of every export: by symbol, then session.
func (a *account) sessionLines() []export.SessionLine {
	counts := make(map[ledger.Session]ledger.Counts)
	for _, s := range a.sessions {
		counts[s.Session] = s.Counts
	}
	var list []export.SessionLine
	for _, l := range a.lines {
		list = append(list, *l.row(counts[l.session]))
	}
	slices.SortStableFunc(list, func(a, b export.SessionLine) int { return cmp.Compare(a.Symbol, b.Symbol) })
	return list
}

// mostLines is how many symbols and gaps a person is shown.
const mostLines = 100

func (a *account) table(w io.Writer, path string, sel *selection) error {
	var down, heard int64
	for _, l := range a.lines {
		down += l.seconds[ledger.Down] + l.seconds[ledger.Partial]
		heard += l.seconds[ledger.Traded] + l.seconds[ledger.Quiet]
	}
	fmt.Fprintf(w, "%s, %s: %s symbols, %s s heard, %s s not wholly heard, in %s\n\n", path, sel, thousands(int64(len(sel.symbols))), thousands(heard), thousands(down), plural(len(a.gaps), "gap"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "session\tsymbol\tcovered\ttraded\tquiet\tpartial\tdown\tunknown\t")
	worst := slices.Clone(a.lines)
	if len(worst) > mostLines {
		slices.SortStableFunc(worst, func(a, b accountLine) int { return cmp.Compare(a.covered(), b.covered()) })
	}
	for _, l := range worst[:min(len(worst), mostLines)] {
		n := l.seconds
		covered := "unknown"
		if n[ledger.Unknown] < l.session.Seconds() {
			covered = fmt.Sprintf("%.2f %%", 100*l.covered())
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", l.session.Date(), l.symbol, covered, thousands(n[ledger.Traded]),
			thousands(n[ledger.Quiet]), thousands(n[ledger.Partial]), thousands(n[ledger.Down]), thousands(n[ledger.Unknown]))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if n := len(worst) - mostLines; n > 0 {
		fmt.Fprintf(w, "... and %s more that were heard better; --format json has all\n", thousands(int64(n)))
	}
	if err := a.tableGaps(w); err != nil {
		return err
	}
	return a.tableStatistics(w)
}

func (a *account) tableGaps(w io.Writer) error {
	if len(a.gaps) == 0 {
		_, err := fmt.Fprintln(w, "\nNo gaps.")
		return err
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "gap\tNew York\tuntil\tseconds\tstate\tcause\tsymbols")
	for i, g := range a.gaps[:min(len(a.gaps), mostLines)] {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", i+1, time.UnixMilli(g.From).In(schedule.NewYork()).Format("2006-01-02 15:04:05"),
			clockTime(g.Until), thousands(g.Seconds()), g.State, g.Cause, listed(g.symbols, 8))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if n := len(a.gaps) - mostLines; n > 0 {
		fmt.Fprintf(w, "... and %s more; --format csv has all\n", thousands(int64(n)))
	}
	return nil
}

// mostCounted is for how many symbols a session's seconds are counted after its close: of a
// whole market that would read for minutes.
const mostCounted = 200

// outcomeOf is a session that is over in words: "23,400 s: 4,112 traded, 19,288 quiet, 0
// partial, 0 down; 41,112 trades, 1 connection ...".
func outcomeOf(ctx context.Context, file *store.File, s ledger.Session) string {
	f := file.Read()
	all, err := f.Sessions()
	if err != nil {
		return err.Error()
	}
	i := slices.IndexFunc(all, func(each store.Summary) bool { return each.Session.Open == s.Open && each.Session.Hours == s.Hours })
	if i < 0 {
		return "nothing on file"
	}
	text := statisticsOf(all[i].Counts)
	sel := &selection{ctx: ctx, sessions: all[i : i+1], from: math.MinInt64, to: math.MaxInt64}
	if err := sel.chooseSymbols(f, nil); err != nil || len(sel.symbols) > mostCounted {
		return text
	}
	a, err := sel.account(f)
	if err != nil {
		return err.Error()
	}
	var n ledger.Tally
	for _, l := range a.lines {
		for state, seconds := range l.seconds {
			n[state] += seconds
		}
	}
	words := fmt.Sprintf("%s s: %s traded, %s quiet, %s partial, %s down", thousands(s.Seconds()*int64(len(sel.symbols))), thousands(n[ledger.Traded]),
		thousands(n[ledger.Quiet]), thousands(n[ledger.Partial]), thousands(n[ledger.Down]))
	if unknown := n[ledger.Unknown]; unknown > 0 {
		words += fmt.Sprintf(", %s unknown", thousands(unknown))
	}
	return words + "; " + text + a.made(s)
}

// tableStatistics is what was counted in each session.
func (a *account) tableStatistics(w io.Writer) error {
	fmt.Fprintln(w)
	for _, s := range a.sessions[max(0, len(a.sessions)-10):] {
		if _, err := fmt.Fprintf(w, "%s, %s: %s\n", s.Session.Date(), cmp.Or(s.Source, "unknown source"), statisticsOf(s.Counts)+a.made(s.Session)); err != nil {
			return err
		}
	}
	return nil
}

// made is how many candles there are of a session.
func (a *account) made(s ledger.Session) string {
	n := a.candles[s]
	return fmt.Sprintf(", %s 1s and %s 100t candles", thousands(n[0]), thousands(n[1]))
}

// statisticsOf is the statistics of a session in words.
func statisticsOf(c ledger.Counts) string {
	parts := []string{plural(int(c[ledger.Accepted]), "trade"), plural(int(c[ledger.Connections]), "connection")}
	if n := c[ledger.Reconnects]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s%s", plural(int(n), "reconnect"), byName(c, "disconnects_")))
	}
	if ms := c[ledger.Uptime]; ms > 0 {
		parts = append(parts, "up "+schedule.Span(time.Duration(ms)*time.Millisecond))
	}
	if rejected := byName(c, "rejected_"); rejected != "" {
		parts = append(parts, "rejected"+rejected)
	}
	if n := c[ledger.Late]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s late, %s s at worst", thousands(n), seconds(c[ledger.LateWorst])))
	}
	if ms, ok := c[ledger.FirstTrade]; ok {
		parts = append(parts, fmt.Sprintf("first trade after %s s", seconds(ms)))
	}
	if ms := c[ledger.LongestSilence]; ms > 0 {
		parts = append(parts, fmt.Sprintf("longest silence %s s", seconds(ms)))
	}
	if half, ok := c.LagQuantile(0.5); ok {
		most, _ := c.LagQuantile(0.99)
		parts = append(parts, fmt.Sprintf("lag %s / %s / %s s (p50, p99, max)", seconds(half), seconds(min(most, c[ledger.LagMost])), seconds(c[ledger.LagMost])))
	}
	if n := c[ledger.LogWritten]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s of log and %s folded", plural(int(n), "line"), plural(int(c[ledger.LogFolded]), "event")))
	}
	if n := c[ledger.Lost]; n > 0 {
		parts = append(parts, plural(int(n), "trade")+" lost")
	}
	return strings.Join(parts, ", ")
}

// byName are the counts whose names begin like that, in brackets: " (drop 2, mute 1)".
func byName(c ledger.Counts, prefix string) string {
	var parts []string
	for name, n := range c {
		if what, ok := strings.CutPrefix(string(name), prefix); ok && n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", what, thousands(n)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	slices.Sort(parts)
	return " (" + strings.Join(parts, ", ") + ")"
}

func seconds(ms int64) string { return fmt.Sprintf("%.1f", float64(ms)/1000) }

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(int64(n)) + " " + what
}
