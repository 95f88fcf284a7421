package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"tapedeck/store"
)

type verifyCommand struct {
	fileArgument
	Salvage   string `name:"salvage" help:"Write a new file with all that is good, and say what was lost." placeholder:"NEW"`
	PagesOnly bool   `name:"pages-only" hidden:"" env:"-" help:"Only bbolt's own check: for the process that verify starts."`
}

// fileArgument is a file named without a flag, or by --db.
type fileArgument struct {
	File string `arg:"" optional:"" help:"The file (default --db)." placeholder:"FILE"`
	database
}

func (a fileArgument) path() string {
	if a.File != "" {
		return a.File
	}
	return a.database.path()
}

// Run proves a file, or salvages it.
func (v *verifyCommand) Run(ctx context.Context, c console) error {
	if v.PagesOnly {
		return store.CheckPages(v.path(), func(line string) { fmt.Fprintln(c.out, line) })
	}
	if v.Salvage != "" {
		return v.salvage(ctx, c)
	}
	notes, err := consult(ctx, v.path(), v, c.out)
	fmt.Fprint(c.err, notes)
	return err
}

func (*verifyCommand) name() string { return "verify" }

func (*verifyCommand) ask(url.Values) {}

func (*verifyCommand) take(*asked) error { return nil }

func (v *verifyCommand) answerStopped(ctx context.Context, path string, out io.Writer) error {
	return verified(ctx, out, path)
}

// answer proves a file beside its recording.
func (v *verifyCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	begun := time.Now()
	report, err := b.Verify(ctx)
	if err != nil {
		return "", err
	}
	return "", conclude(out, b.Path(), report, boltsWord{text: "not run, for the file is being recorded; a backup is checked"}, begun)
}

// verified proves a file and says what came of it. A damaged file is an error.
func verified(ctx context.Context, out io.Writer, path string) error {
	begun := time.Now()
	report, err := store.Verify(ctx, path)
	if err != nil {
		return err
	}
	bolts := checkPages(ctx, path)
	if err := store.Undisturbed(path, report); err != nil {
		return err
	}
	return conclude(out, path, report, bolts, begun)
}

// conclude says what came of it.
func conclude(out io.Writer, path string, report *store.Report, bolts boltsWord, begun time.Time) error {
	printReport(out, report)
	fmt.Fprintf(out, "bbolt's own check: %s\n", bolts)
	if len(report.Problems) == 0 && !bolts.bad {
		fmt.Fprintf(out, "%s is whole. Verified in %.1f s\n", path, time.Since(begun).Seconds())
		return nil
	}
	if _, _, torn := store.Torn(path); torn && len(report.Problems) > 0 {
		return report.Problems[0]
	}
	return &hinted{fmt.Errorf("%s is damaged", path),
		fmt.Sprintf("%s verify %s --salvage %s.salvaged   # the backup, if there is one, is better", program(), path, path)}
}

func printReport(w io.Writer, r *store.Report) {
	const most = 20
	for i, p := range r.Problems {
		if i == most {
			fmt.Fprintf(w, "... and %s more\n", thousands(int64(len(r.Problems)-most)))
			break
		}
		fmt.Fprintf(w, "damaged at %s: %s\n", p.Where, p.What)
	}
	fmt.Fprintf(w, "%s sessions, %s trades read, %s stored candles compared with the fold of their trades, %s pages (%s free)\n",
		thousands(int64(r.Sessions)), thousands(r.Trades), thousands(r.Candles), thousands(r.Pages), thousands(r.Free))
	if n := len(r.Unproven); n > 0 {
		fmt.Fprintf(w, "%s sessions %s to %s: not all trades are kept, so their candles cannot be proved any more\n",
			thousands(int64(n)), r.Unproven[0].Date(), r.Unproven[n-1].Date())
	}
}

func (v *verifyCommand) salvage(ctx context.Context, c console) error {
	s, err := store.Salvage(ctx, v.path(), v.Salvage, store.Options{Command: "tapedeck verify", Version: version()})
	if errors.Is(err, os.ErrExist) {
		return &usage{problem: fmt.Sprintf("--salvage %s: it exists; right is the name of a new file", v.Salvage)}
	}
	if err != nil {
		return err
	}
	for _, p := range s.Lost {
		fmt.Fprintf(c.out, "lost at %s: %s\n", p.Where, p.What)
	}
	fmt.Fprintf(c.out, "%s values kept, %s of them found again; %s lost\n", thousands(int64(s.Kept)), thousands(int64(s.Found)), thousands(int64(len(s.Lost))))
	printReport(c.out, s.Report)
	fmt.Fprintf(c.out, "%s is whole. %s was not touched\n", v.Salvage, v.path())
	return nil
}

// pagesLimit is how long bbolt's check may take, before it is left to itself: a
// damaged file can make it hang.
const pagesLimit = 5 * time.Minute

// boltsWord is what bbolt's own check said.
type boltsWord struct {
	text string
	bad  bool
}

func (b boltsWord) String() string { return b.text }

// checkPages has bbolt check its pages, in a process of its own: on a damaged file it
// may end the process, or never end.
func checkPages(ctx context.Context, path string) boltsWord {
	self, err := itself()
	if err != nil {
		return boltsWord{text: "not run: " + err.Error()}
	}
	limited, stop := context.WithTimeout(ctx, pagesLimit)
	defer stop()
	child := exec.CommandContext(limited, self, "verify", "--pages-only", "--db", path)
	child.Stdin = strings.NewReader("") // without one it is /dev/null, which a bare chroot has not
	out, err := child.Output()
	var ended *exec.ExitError
	switch first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); {
	case ctx.Err() != nil:
		return boltsWord{text: "stopped"}
	case limited.Err() != nil:
		return boltsWord{text: fmt.Sprintf("not finished after %s", pagesLimit), bad: true}
	case err == nil && first == "":
		return boltsWord{text: "no error"}
	case err != nil && !errors.As(err, &ended): // it never began, which says nothing of the file
		return boltsWord{text: "not run: " + err.Error()}
	case first == "":
		return boltsWord{text: fmt.Sprintf("it died: %v", err), bad: true}
	default:
		return boltsWord{text: first, bad: true}
	}
}
