package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"tapedeck/collector/logs"
)

const (
	eventsSaid   = logs.TailLines
	sessionsSaid = 5
)

// report writes all that somebody who was not there wants to know, and nothing secret. It is
// masked as a whole: what a log or an error has let slip is, too.
func report(ctx context.Context, out io.Writer, i *inspection, f facts, checks []check) (found []finding, err error) {
	var text bytes.Buffer
	hidden := i.mask()
	part := func(title string, write func(io.Writer) error) {
		fmt.Fprintf(&text, "## %s\n\n```\n", title)
		if err := write(&text); err != nil {
			fmt.Fprintln(&text, explain(err))
		}
		fmt.Fprint(&text, "```\n\n")
	}
	part("Report of "+time.Now().UTC().Format(time.RFC3339), reportProgram)
	part("Configuration", func(out io.Writer) error {
		list := i.settings()
		for n := range list { // before the table's columns are made
			list[n].Value, list[n].Source = hidden.all(list[n].Value), hidden.all(list[n].Source)
		}
		return tableOfSettings(out, list)
	})
	part("Checks", func(out io.Writer) error {
		found, err = examine(ctx, checks, func(f finding) error {
			_, err := io.WriteString(out, f.String())
			return err
		})
		return err
	})
	part("File", func(out io.Writer) error { return reportFile(ctx, out, f) })
	part(fmt.Sprintf("Coverage of the last %d sessions", sessionsSaid), func(out io.Writer) error { return reportSessions(ctx, out, f) })
	part(fmt.Sprintf("Last %d events", eventsSaid), func(out io.Writer) error { return reportEvents(out, f.path) })
	if err != nil {
		return found, err
	}
	_, err = io.WriteString(out, hidden.all(text.String()))
	return found, err
}

func reportProgram(out io.Writer) error {
	if err := (versionCommand{}).Run(console{out: out}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s/%s, %d CPUs, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	return err
}

// reportFile is the file as status has it.
func reportFile(ctx context.Context, out io.Writer, f facts) error {
	if f.err != nil {
		return f.err
	}
	_, err := consult(ctx, f.path, new(statusCommand), out)
	return err
}

// reportSessions is the coverage as the command of that name has it.
func reportSessions(ctx context.Context, out io.Writer, f facts) error {
	if f.err != nil {
		return f.err
	}
	if f.status.Holds.Sessions == 0 {
		_, err := fmt.Fprintln(out, "There is no session yet.")
		return err
	}
	k := &coverageCommand{Format: "table"}
	k.Session = fmt.Sprintf("last:%d", sessionsSaid)
	_, err := consult(ctx, f.path, k, out)
	return err
}

// reportEvents is the end of what the recorder has kept of its log.
func reportEvents(out io.Writer, db string) error {
	text, err := os.ReadFile(eventsPath(db))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(text)) == 0 {
		_, err := fmt.Fprintf(out, "There are none: %s is not there, or empty.\n", eventsPath(db))
		return err
	}
	if err != nil {
		return err
	}
	_, err = out.Write(logs.LastLines(text, eventsSaid))
	return err
}
