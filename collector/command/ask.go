package command

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// question is what a command asks of a file. The command answers it itself when nobody
// records into the file, and else the recorder does, in the same words.
type question interface {
	// name is the same in every version.
	name() string
	// ask puts into v what take finds there.
	ask(v url.Values)
	// take reads what was asked, in the process of the recorder.
	take(v *asked) error
	// answer writes to out, which may block, and returns what a person should know besides.
	answer(ctx context.Context, b book, out io.Writer) (notes string, err error)
}

// book is the file that a question is asked of.
type book struct {
	*store.File
	live *live // the recorder, in its process; nil when nobody records
}

// now is the time of the feed.
func (b book) now() time.Time {
	if b.live != nil {
		return b.live.now()
	}
	return time.Now()
}

// asked is what was asked, less what was taken: what is left at the end is not known here.
type asked struct{ url.Values }

func (a asked) take(name string) string {
	v := a.Get(name)
	a.Del(name)
	return v
}

func (a asked) list(name string) []string {
	v := a.Values[name]
	a.Del(name)
	return v
}

// leftover is an error when something was asked that nobody took.
func (a asked) leftover() error {
	if len(a.Values) == 0 {
		return nil
	}
	var names []string
	for name := range a.Values {
		names = append(names, "--"+name)
	}
	slices.Sort(names)
	return &usage{problem: "the recorder that has the file does not know " + strings.Join(names, " ") + ": it is of version " + version()}
}

// questions are those that a recorder answers.
func questions() []func() question {
	return []func() question{
		func() question { return new(exportCommand) },
		func() question { return new(coverageCommand) },
		func() question { return new(statusCommand) },
		func() question { return new(verifyCommand) },
		func() question { return new(backupCommand) },
		func() question { return new(newsCommand) },
		func() question { return new(healthQuestion) },
		func() question { return new(pageQuestion) },
	}
}

// answers are the recorder's.
func (l *live) answers() map[string]monitor.Answer {
	all := make(map[string]monitor.Answer)
	for _, blank := range questions() {
		all[blank().name()] = func(ctx context.Context, v url.Values, out io.Writer) (string, error) {
			q, a := blank(), asked{v}
			if err := errors.Join(q.take(&a), a.leftover()); err != nil {
				return "", err
			}
			return q.answer(ctx, book{l.file, l}, out)
		}
	}
	return all
}

// failure is an error as it crosses the socket.
func failure(err error) *monitor.Failure {
	err = explain(err)
	f := &monitor.Failure{Problem: err.Error()}
	var u *usage
	var h *hinted
	var short *store.Short
	f.NoRoom = errors.As(err, &short)
	switch {
	case errors.As(err, &u):
		f.Usage, f.Try = true, u.try
	case errors.As(err, &h):
		f.Try = h.try
	}
	return f
}

// received is the error that it was.
func received(f *monitor.Failure) error {
	switch {
	case f.Usage:
		return &usage{problem: f.Problem, try: f.Try}
	case f.Try != "":
		return &hinted{errors.New(f.Problem), f.Try}
	}
	return errors.New(f.Problem)
}

const (
	answerLimit = 5 * time.Second // how long to wait for a recorder that is starting
	answerLook  = 100 * time.Millisecond
)

// consult asks a question of a file, whoever has it.
func consult(ctx context.Context, path string, q question, out io.Writer) (notes string, err error) {
	counted := &countedWriter{w: out}
	begun := time.Now()
	for {
		notes, err = consultStopped(ctx, path, q, counted)
		var held *store.Held
		if !errors.As(err, &held) || counted.n > 0 {
			return notes, err
		}
		notes, err = consultRecorder(ctx, path, held, q, counted)
		if !errors.Is(err, monitor.ErrNobody) {
			return notes, err
		}
		if time.Since(begun) > answerLimit || held.Holder.Command != "" && !strings.HasSuffix(held.Holder.Command, " run") {
			return "", held
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(answerLook):
		}
	}
}

// countedWriter knows how much was written: what is out cannot be begun anew.
type countedWriter struct {
	w io.Writer
	n int64
}

func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// selfOpening is a question that opens a stopped file in a way of its own.
type selfOpening interface {
	answerStopped(ctx context.Context, path string, out io.Writer) error
}

func consultStopped(ctx context.Context, path string, q question, out io.Writer) (notes string, err error) {
	if own, ok := q.(selfOpening); ok {
		return "", own.answerStopped(ctx, path, out)
	}
	f, err := store.OpenReadOnly(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if notes, err = q.answer(ctx, book{File: f}, out); f.Copied() && err == nil {
		notes += path + " is a copy that was made while somebody recorded into the original: \"" + program() + " verify " + path + "\" says whether it is whole.\n"
	}
	return notes, err
}

// consultRecorder asks beside the file first, and then where the recorder says that it is.
func consultRecorder(ctx context.Context, path string, held *store.Held, q question, out io.Writer) (notes string, err error) {
	v := make(url.Values)
	q.ask(v)
	err = monitor.ErrNobody
	for _, socket := range []string{monitor.SocketPath(path), held.Holder.Socket} {
		if socket == "" {
			continue
		}
		if notes, err = monitor.Ask(ctx, socket, q.name(), v, out); !errors.Is(err, monitor.ErrNobody) {
			break
		}
	}
	var f *monitor.Failure
	switch {
	case errors.As(err, &f):
		return "", received(f)
	case errors.Is(err, monitor.ErrEnded):
		return "", &hinted{err, program() + " version   # and the same again: the file can be read when it is closed"}
	}
	return notes, err
}
