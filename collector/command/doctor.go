package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tapedeck/store"
)

type doctorCommand struct {
	runCommand
	Report bool `name:"report" env:"-" help:"Print one text to paste into an issue: version, configuration, checks, file, the last sessions and events. Nothing secret is in it."`
}

// grade is what a check thinks of what it found.
type grade string

// What a check thinks: a fault keeps run from recording, or will.
const (
	gradeGood  grade = "ok"
	gradeDoubt grade = "warn"
	gradeFault grade = "FAULT"
)

// finding is what a check came to: a sentence, and unless all is well the way out of it, a
// line for a shell where it can be.
type finding struct {
	grade         grade
	subject, says string
	fix           string
}

func good(subject, format string, args ...any) finding {
	return finding{gradeGood, subject, fmt.Sprintf(format, args...), ""}
}

func doubt(subject, says, fix string) finding { return finding{gradeDoubt, subject, says, fix} }

func broken(subject, says, fix string) finding { return finding{gradeFault, subject, says, fix} }

// String is the finding as a person reads it, on one line or two.
func (f finding) String() string {
	text := fmt.Sprintf("%-5s  %s: %s\n", f.grade, f.subject, f.says)
	if f.fix != "" {
		text += "  fix: " + f.fix + "\n"
	}
	return text
}

// check looks at one thing. It ends when ctx does.
type check func(ctx context.Context) []finding

// examined is how long all checks may take together.
const examined = 28 * time.Second

// Run checks a set-up as far as that is possible without recording.
func (k *doctorCommand) Run(ctx context.Context, c console, e *environment) error {
	i := inspect(&k.runCommand, e)
	facts := factsOf(ctx, k.path())
	hidden := i.mask()
	checks := checksOf(i, facts)
	var found []finding
	var err error
	if k.Report {
		found, err = report(ctx, c.out, i, facts, checks)
	} else {
		found, err = examine(ctx, checks, func(f finding) error {
			_, err := io.WriteString(c.out, hidden.secrets(f.String()))
			return err
		})
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // what was found then is of the stop
		return ctx.Err()
	}
	return verdictOf(found)
}

// verdictOf is an error when a finding is a fault.
func verdictOf(found []finding) error {
	faults := len(slices.DeleteFunc(slices.Clone(found), func(f finding) bool { return f.grade != gradeFault }))
	if faults > 0 {
		return flawed(faults)
	}
	return nil
}

// examine runs the checks beside each other, and tells what they find in their order, as soon
// as it is known.
func examine(ctx context.Context, checks []check, tell func(finding) error) (found []finding, err error) {
	ctx, cancel := context.WithTimeout(ctx, examined)
	defer cancel()
	results := make([]chan []finding, len(checks))
	for n, look := range checks {
		results[n] = make(chan []finding, 1)
		go func() { results[n] <- look(ctx) }()
	}
	for _, result := range results {
		for _, f := range <-result {
			found = append(found, f)
			if err == nil {
				err = tell(f)
			}
		}
	}
	return found, err
}

// facts are what the file says, or why it says nothing.
type facts struct {
	path   string
	status *status // nil: with err
	err    error
}

func factsOf(ctx context.Context, path string) facts {
	ctx, cancel := context.WithTimeout(ctx, factsWithin)
	defer cancel()
	f := facts{path: path, status: new(status)}
	if err := consultJSON(ctx, path, &statusCommand{JSON: true}, f.status); err != nil {
		f.status, f.err = nil, explain(err)
	}
	return f
}

// factsWithin is how long the file, or the recorder that has it, may take to answer.
const factsWithin = 10 * time.Second

// recording says whether somebody records into the file, and answers.
func (f facts) recording() bool { return f.status != nil && f.status.Recording != nil }

// held says that somebody has the file, or may have, and does not answer.
func (f facts) held() bool {
	var held *store.Held
	return errors.As(f.err, &held) || errors.Is(f.err, context.DeadlineExceeded)
}
