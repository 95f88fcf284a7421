package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"tapedeck/store"
)

const (
	provedMost   = 200 << 20 // bytes of a file that is proved here; a larger one takes verify
	provedWithin = 15 * time.Second
)

// proveFile proves a stopped file: the first problem, or none. It ends early with ctx.
func proveFile(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, provedWithin)
	defer cancel()
	r, err := store.Verify(ctx, path)
	if err == nil && len(r.Problems) > 0 {
		return r.Problems[0]
	}
	return err
}

// checkFile looks at the file itself.
func checkFile(ctx context.Context, f facts, least float64, prove func(context.Context, string) error) []finding {
	switch {
	case errors.Is(f.err, store.ErrMissing):
		return []finding{good("file", "%s is not there yet: run makes it", f.path)}
	case f.held():
		return []finding{doubt("file", f.path+" does not answer: "+f.err.Error(), wayOut(f.err, program()+" doctor   # again"))}
	case errors.Is(f.err, syscall.ENOTDIR): // which is the folder's fault, and named there
		return nil
	case errors.Is(f.err, fs.ErrPermission):
		return []finding{broken("file", f.err.Error(), ownLine(f.path, whoAmI().uid))}
	case f.err != nil:
		return []finding{broken("file", f.err.Error(), wayOut(f.err, "ls -l "+shellWord(f.path)))}
	}
	s := f.status
	what := fmt.Sprintf("%s, %s, format %s, %s", f.path, megabytes(s.File.Size), s.File.Format, plural(s.Holds.Sessions, "session"))
	if f.recording() {
		return append([]finding{good("file", "%s; pid %d records into it since %s", what, s.Recording.PID, s.Recording.Since)}, checkCoverage(f, least)...)
	}
	return append([]finding{checkStopped(ctx, f, what, prove)}, checkCoverage(f, least)...)
}

// wayOut is the line that an error brings along, or another.
func wayOut(err error, other string) string {
	var h *hinted
	if errors.As(err, &h) {
		return cmp.Or(h.try, other)
	}
	return other
}

// checkStopped looks closer at a file that nobody records into.
func checkStopped(ctx context.Context, f facts, what string, prove func(context.Context, string) error) finding {
	if file, err := os.OpenFile(f.path, os.O_RDWR, 0); err == nil {
		file.Close()
	} else {
		fix := elsewhere("or mount it for writing")
		if errors.Is(err, fs.ErrPermission) {
			fix = ownLine(f.path, whoAmI().uid)
		}
		return broken("file", fmt.Sprintf("%s can be read, but not written: %v", f.path, bare(err)), fix)
	}
	if f.status.File.Size > provedMost {
		return good("file", "%s; too large to be proved here, which \"%s verify\" does", what, program())
	}
	err := prove(ctx, f.path)
	var damaged *store.Damaged
	switch {
	case err == nil:
		return good("file", "%s; whole, every stored candle was proved", what)
	case errors.As(err, &damaged):
		err = explain(err)
		return broken("file", err.Error(), wayOut(err, program()+" verify "+shellWord(f.path)))
	}
	return doubt("file", fmt.Sprintf("%s; not proved: %v", what, err), program()+" verify "+shellWord(f.path))
}

// checkCoverage names the symbols that were not heard enough in the last session. What was
// recorded without a clock of the feed says nothing.
func checkCoverage(f facts, least float64) (found []finding) {
	s := f.status.Session
	if s == nil {
		return nil
	}
	const most = 5
	worst := 100.0
	for _, each := range s.Symbols {
		heard := each.Traded + each.Quiet + each.Partial + each.Down
		if each.Unknown > 0 && heard == 0 {
			continue
		}
		percent := 100 * each.Covered
		worst = min(worst, percent)
		if percent < least && len(found) < most {
			found = append(found, doubt("last session", fmt.Sprintf("%s: %s was heard for %.2f %% of it", s.Date, each.Symbol, percent), program()+" coverage --db "+shellWord(f.path)+"   # lists each gap and its cause"))
		}
	}
	if len(found) == 0 {
		found = append(found, good("last session", "%s, %s: heard for %.2f %% or more", s.Date, plural(len(s.Symbols), "symbol"), worst))
	}
	return found
}
