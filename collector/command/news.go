package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
)

type newsCommand struct {
	fileArgument
	Format string `name:"format" enum:"table,csv,json,jsonl" default:"table" help:"table, csv, json or jsonl (default table)." placeholder:"table|csv|json|jsonl"`
}

// Run lists the latest headlines on file.
func (n *newsCommand) Run(ctx context.Context, c console) error {
	notes, err := consult(ctx, n.path(), n, c.out)
	fmt.Fprint(c.err, notes)
	return err
}

func (*newsCommand) name() string { return "news" }

func (n *newsCommand) ask(v url.Values) { v.Set("format", n.Format) }

func (n *newsCommand) take(a *asked) error {
	n.Format = cmp.Or(a.take("format"), "table")
	return nil
}

// answer lists what a file of this format can hold: nothing yet.
func (n *newsCommand) answer(_ context.Context, b book, out io.Writer) (string, error) {
	text := b.Path() + " holds no news.\n"
	switch n.Format {
	case "csv":
		text = "time,published,source,title,link,id,symbols\n"
	case "json":
		text = "[]\n"
	case "jsonl":
		text = ""
	}
	_, err := io.WriteString(out, text)
	return "", err
}
