package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// exports are the files to write after each session, such as "1s.csv 100t.csv.gz": what
// to export, and as what.
type exports []string

// UnmarshalText reads names with blanks or commas between them.
func (e *exports) UnmarshalText(text []byte) error {
	*e = nil
	for _, name := range strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r <= ' ' }) {
		if err := afterClose(name).complete(); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		if !slices.Contains(*e, name) {
			*e = append(*e, name)
		}
	}
	return nil
}

// afterClose is the export that a name stands for.
func afterClose(name string) *exportCommand {
	what, _, _ := strings.Cut(name, ".")
	e := &exportCommand{What: what, Output: name, form: formOf(name)}
	if !slices.Contains(formats, e.Format) {
		e.Format = strings.TrimPrefix(name, what+".") // which is none, and said so
	}
	return e
}

// exportPath is where an export after a session is.
func exportPath(db string, s ledger.Session, name string) string {
	return filepath.Join(filepath.Dir(db), "exports", s.Date(), name)
}

// exportJobs write the exports of each session, once.
func exportJobs(file *store.File, names exports, log *slog.Logger) (list []schedule.Job) {
	for _, name := range names {
		list = append(list, schedule.Job{Name: "export " + name, Do: func(ctx context.Context, s ledger.Session) error {
			path := exportPath(file.Path(), s, name)
			rows, err := exportSession(ctx, file, s, afterClose(name).What, path)
			var dropped *store.Dropped
			if errors.As(err, &dropped) {
				log.Warn(fmt.Sprintf("No export of %s after session %s: %v", name, s.Date(), err))
				return nil
			}
			if err != nil {
				return err
			}
			log.Info(fmt.Sprintf("Export: %s, %s", path, plural(int(rows), "row")))
			return nil
		}})
	}
	return list
}

// exportSession writes one kind of rows of a session.
func exportSession(ctx context.Context, file *store.File, s ledger.Session, what, path string) (rows int64, err error) {
	f := file.Read()
	all, err := f.Sessions()
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(all, func(each store.Summary) bool { return each.Session == s })
	if i < 0 {
		return 0, fmt.Errorf("session %s is not on file", s.Date())
	}
	sel := &selection{ctx: ctx, sessions: all[i : i+1], onFile: len(all), from: math.MinInt64, to: math.MaxInt64,
		lines: make(map[ledger.Session]func(string) ledger.Timeline)}
	if err := sel.chooseSymbols(f, nil); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, err
	}
	return exportFile(path, f, sel, what)
}
