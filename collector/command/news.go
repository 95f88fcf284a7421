package command

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"tapedeck/collector/news"
	"tapedeck/schedule"
	"tapedeck/store/export"
)

type newsCommand struct {
	fileArgument
	Symbols symbolList `name:"symbols" aliases:"symbol" env:"-" help:"Only headlines that name one of these: A,B or @FILE (default all)." placeholder:"QLD,AAPL"`
	Since   days       `name:"since" help:"Only those first seen within this time, such as 1h or 3d (default any)." placeholder:"1h"`
	Grep    string     `name:"grep" help:"Only those whose title or source has this in it: a regular expression, in small or capital letters." placeholder:"TEXT"`
	Limit   int        `name:"limit" default:"20" help:"How many at most; 0 is all (default 20)." placeholder:"20"`
	Format  string     `name:"format" enum:"table,csv,json,jsonl" default:"table" help:"table, csv, json or jsonl (default table)." placeholder:"table|csv|json|jsonl"`

	width   int // of the terminal; 0 is none
	pattern *regexp.Regexp
}

// Run lists the latest headlines on file, the latest first.
func (n *newsCommand) Run(ctx context.Context, c console) error {
	if err := n.complete(); err != nil {
		return err
	}
	if file, ok := c.out.(*os.File); ok && isTerminal(file) {
		n.width, _, _ = term.GetSize(int(file.Fd()))
	}
	notes, err := consult(ctx, n.path(), n, c.out)
	fmt.Fprint(c.err, notes)
	return err
}

// complete finds what is wrong with the flags.
func (n *newsCommand) complete() (err error) {
	if n.Limit < 0 {
		return &usage{problem: fmt.Sprintf("--limit %d is none; right is for example --limit 100, or 0 for all", n.Limit)}
	}
	if n.pattern, err = regexp.Compile("(?i)" + n.Grep); err != nil {
		return &usage{problem: fmt.Sprintf("--grep %q is no regular expression; right is for example --grep 'rate cut|FOMC'", n.Grep)}
	}
	return nil
}

func (*newsCommand) name() string { return "news" }

func (n *newsCommand) ask(v url.Values) {
	v.Set("format", n.Format)
	for name, number := range map[string]int{"limit": n.Limit, "width": n.width} {
		v.Set(name, strconv.Itoa(number))
	}
	if n.Since > 0 {
		v.Set("since", time.Duration(n.Since).String())
	}
	if n.Grep != "" {
		v.Set("grep", n.Grep)
	}
	if len(n.Symbols) > 0 {
		v["symbols"] = n.Symbols
	}
}

func (n *newsCommand) take(a *asked) (err error) {
	n.Format, n.Grep, n.Symbols = cmp.Or(a.take("format"), "table"), a.take("grep"), a.list("symbols")
	n.Limit, _ = strconv.Atoi(cmp.Or(a.take("limit"), "20"))
	n.width, _ = strconv.Atoi(a.take("width"))
	if text := a.take("since"); text != "" {
		if err := n.Since.UnmarshalText([]byte(text)); err != nil {
			return &usage{problem: fmt.Sprintf("--since: %v", err)}
		}
	}
	return n.complete()
}

// answer writes the headlines that are wanted.
func (n *newsCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	list, onFile, err := n.find(ctx, b)
	if err != nil {
		return "", err
	}
	if len(list) == 0 && n.Format == "table" {
		text := "No headline matches.\n"
		if !onFile {
			text = b.Path() + " holds no news.\n"
		}
		_, err := io.WriteString(out, text)
		return "", err
	}
	switch n.Format {
	case "table":
		return "", n.table(out, list)
	case "json":
		return "", newsArray(out, list)
	}
	return "", newsRows(out, export.Format(n.Format), list)
}

// find reads the headlines from the latest on; onFile says that there are any.
func (n *newsCommand) find(ctx context.Context, b book) (list []news.Article, onFile bool, err error) {
	from := int64(math.MinInt64)
	if n.Since > 0 {
		from = time.Now().Add(-time.Duration(n.Since)).UnixMilli() // they are seen by our own clock
	}
	for a, err := range b.LatestNews(from) {
		if err != nil || ctx.Err() != nil {
			return nil, true, cmp.Or(err, ctx.Err())
		}
		onFile = true
		if !namesAny(&a, n.Symbols) || !n.pattern.MatchString(a.Title) && !n.pattern.MatchString(a.Source) {
			continue
		}
		if list = append(list, a); len(list) == n.Limit {
			break
		}
	}
	if !onFile && n.Since > 0 {
		for _, err := range b.LatestNews(math.MinInt64) {
			return nil, true, err
		}
	}
	return list, onFile, nil
}

// table is for people: New York time, and titles cut to the terminal.
func (n *newsCommand) table(out io.Writer, list []news.Article) error {
	var lines bytes.Buffer
	t := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "first seen\tsource\ttitle\t")
	for i := range list {
		a := &list[i]
		title := a.Title
		if len(a.Symbols) > 0 {
			title += " [" + strings.Join(a.Symbols, " ") + "]"
		}
		at := time.UnixMilli(a.Seen).In(schedule.NewYork()).Format("Jan _2 15:04:05 MST")
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", at, news.Shorten(a.Source, 24), title)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(lines.String()) {
		line = strings.TrimRight(line, " \n")
		if r := []rune(line); n.width > 1 && len(r) > n.width {
			line = string(r[:n.width-1]) + "\u2026"
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// newsRows writes rows as export news does.
func newsRows(out io.Writer, format export.Format, list []news.Article) error {
	e, err := export.NewNews(out, export.Options{Format: format, Time: export.RFC3339})
	if err != nil {
		return err
	}
	for i := range list {
		if err := e.Encode(&list[i]); err != nil {
			return err
		}
	}
	return e.Close()
}

// newsArray writes the rows as one array.
func newsArray(out io.Writer, list []news.Article) error {
	var rows bytes.Buffer
	if err := newsRows(&rows, export.JSONLines, list); err != nil {
		return err
	}
	text := strings.ReplaceAll(strings.TrimSuffix(rows.String(), "\n"), "\n", ",\n") // no row has a line break in it
	_, err := fmt.Fprintf(out, "[%s]\n", text)
	return err
}
