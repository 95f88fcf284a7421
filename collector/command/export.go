package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"

	"tapedeck/store"
)

type exportCommand struct {
	What string `arg:"" default:"1s" help:"An interval (1s 5m 4h 1d 100t 10000v 1000000usd), trades, coverage, news, sessions, or all (default 1s)."`
	database
	period
	form
	Output string `name:"output" short:"o" help:"Write to this file, .gz and .zst are packed (default stdout); of all and --split, to this folder." placeholder:"FILE"`
	Follow bool   `name:"follow" help:"The running session so far, and then what comes, with a last column amended."`
	Settle span   `name:"settle" default:"2s" help:"With --follow, how far the market must be past the end of a candle before it is shown (default 2s)." placeholder:"10s"`

	head  bool // only so many rows, for a person
	parts bool // the answer is parts: files, and how far it is
}

// headRows is how many rows are shown on a terminal.
const headRows = 20

// Run writes the rows, and one line about them to stderr.
func (e *exportCommand) Run(ctx context.Context, c console) error {
	if err := e.complete(); err != nil {
		return err
	}
	if sameFile(e.Output, e.path()) {
		return &usage{problem: fmt.Sprintf("-o %s is the recording itself; right is for example -o %s.csv", e.Output, e.Output)}
	}
	notes, err := e.deliver(ctx, c)
	fmt.Fprint(c.err, notes)
	return err
}

// deliver has the question answered into where the rows are wanted.
func (e *exportCommand) deliver(ctx context.Context, c console) (notes string, err error) {
	ask := func(w io.Writer) (err error) {
		notes, err = consult(ctx, e.path(), e, w)
		if e.Follow && ctx.Err() != nil { // that is how it ends
			err = nil
		}
		return err
	}
	show := newMeter(c.err)
	defer show.end()
	switch {
	case e.Follow && e.Output != "" && e.Output != "-":
		err = growing(e.Output, ask)
	case e.folder():
		e.parts = true
		err = inFolder(e.Output, func(open opener) error { return unpacked(open, show.tell, ask) })
	case e.Output == "" && !e.Follow && e.Format == "" && isTerminal(c.out):
		e.head = true
		err = asTable(c.out, ask)
	case show.terminal && !e.Follow && (!isTerminal(c.out) || e.Output != "" && e.Output != "-"):
		e.parts = true
		err = output(e.Output, c.out, func(w io.Writer) error {
			return unpacked(func(string) (io.WriteCloser, error) { return unclosed{w}, nil }, show.tell, ask)
		})
	default:
		err = output(e.Output, c.out, ask)
	}
	return notes, err
}

func (*exportCommand) name() string { return "export" }

func (e *exportCommand) ask(v url.Values) {
	e.period.ask(v)
	e.form.ask(v)
	v.Set("what", e.What)
	for name, set := range map[string]bool{"head": e.head, "parts": e.parts, "follow": e.Follow} {
		if set {
			v.Set(name, "yes")
		}
	}
	if e.Follow {
		v.Set("settle", e.Settle.String())
	}
}

func (e *exportCommand) take(a *asked) (err error) {
	e.What = cmp.Or(a.take("what"), "1s")
	e.head, e.parts, e.Follow = a.take("head") != "", a.take("parts") != "", a.take("follow") != ""
	if text := a.take("settle"); text != "" {
		err = e.Settle.UnmarshalText([]byte(text))
	}
	if err == nil {
		err = e.form.take(a)
	}
	if err == nil {
		err = e.period.take(a)
	}
	if err == nil {
		err = e.complete()
	}
	return err
}

func (e *exportCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	if e.Follow {
		return e.follow(ctx, b, out)
	}
	f := b.Read()
	choose := e.choose
	if e.What == "news" {
		choose = e.chooseNews
	}
	sel, err := choose(ctx, f, b.now())
	if err != nil {
		return "", err
	}
	to := &shipment{whole: out}
	if e.parts {
		to = newShipment(out)
	}
	var list []*sheet
	for _, what := range e.sheets() {
		list = append(list, &sheet{sel: sel, f: f, what: what, form: e.form, progress: to.tell})
	}
	if e.head {
		list[0].limit = headRows
	}
	rows := int64(0)
	for _, s := range list {
		n, err := s.ship(to, e.What == "all")
		if err != nil {
			return "", err
		}
		rows += n
	}
	if err := to.close(); err != nil {
		return "", err
	}
	notes := describeNews(rows)
	if e.What != "news" {
		notes, err = sel.describe(f, e.What, rows)
	}
	if all := list[0].measured.rows; e.head && all > rows {
		notes = fmt.Sprintf("The first %d of %s rows; -o FILE writes them all. ", rows, thousands(all)) + notes
	}
	return notes, err
}

// exportFile writes one kind of rows beside a file, without a word.
func exportFile(name string, f *store.Reading, sel *selection, what string) (rows int64, err error) {
	s := &sheet{sel: sel, f: f, what: what, form: formOf(name)}
	err = output(name, nil, func(w io.Writer) (err error) {
		rows, err = s.write(w)
		return err
	})
	return rows, err
}
