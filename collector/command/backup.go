package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"path/filepath"
	"strconv"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

type backupCommand struct {
	To string `arg:"" help:"Where the copy goes." placeholder:"FILE"`
	database
	Keep int `name:"keep" default:"1" help:"How many backups there are to be of that name: those before are FILE.1, FILE.2 ... (default 1)." placeholder:"1"`
}

// Run writes a copy that may be copied on with anything.
func (k *backupCommand) Run(ctx context.Context, c console) error {
	if k.Keep < 1 {
		return &usage{problem: fmt.Sprintf("--keep %d keeps none; right is for example --keep 7", k.Keep)}
	}
	to, err := filepath.Abs(k.To) // the recorder may live in another folder
	if err != nil {
		return err
	}
	k.To = to
	notes, err := consult(ctx, k.path(), k, c.out)
	fmt.Fprint(c.err, notes)
	return err
}

func (*backupCommand) name() string { return "backup" }

func (k *backupCommand) ask(v url.Values) {
	v.Set("to", k.To)
	v.Set("keep", strconv.Itoa(k.Keep))
}

func (k *backupCommand) take(a *asked) (err error) {
	k.To = a.take("to")
	k.Keep, err = strconv.Atoi(cmp.Or(a.take("keep"), "1"))
	if err == nil && (!filepath.IsAbs(k.To) || k.Keep < 1) {
		err = errors.New("a backup wants the whole path of where it goes")
	}
	return err
}

func (k *backupCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	s, err := b.Backup(ctx, k.To, k.Keep, b.now().UnixMilli())
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(out, "%s: %s, %s, %s, verified. Its SHA-256 is beside it: %s\n", s.Path, kilobytes(s.Size),
		plural(s.Report.Sessions, "session"), plural(int(s.Report.Trades), "trade"), s.SHA256)
	return "", err
}

func kilobytes(n int64) string { return thousands((n+1023)/1024) + " KB" }

// backupPath is where the backup after each session is: a file that may be copied at any
// time with anything.
func backupPath(db string) string {
	return filepath.Join(filepath.Dir(db), "backup", filepath.Base(db))
}

// backupJob makes that backup. One is enough for all the sessions that wait for it.
func backupJob(file *store.File, keep int, clock schedule.Clock, failed *failures, log *slog.Logger) schedule.Job {
	const name = "backup"
	saved := make(map[ledger.Session]bool)
	return schedule.Job{Name: name, Do: func(ctx context.Context, s ledger.Session) error {
		if saved[s] {
			return nil
		}
		pending, err := file.Pending(name, math.MaxInt64)
		if err != nil {
			return err
		}
		made, err := file.Backup(ctx, backupPath(file.Path()), keep, clock.Now().UnixMilli())
		var short *store.Short
		if errors.As(err, &short) {
			failed.note(name, err.Error())
			log.Warn(fmt.Sprintf("No backup after session %s, for want of room: %v", s.Date(), err))
			return nil
		}
		if err != nil {
			return err
		}
		clear(saved)
		for _, each := range pending {
			saved[each] = true
		}
		log.Info(fmt.Sprintf("Backup: %s, %s, verified; it may be copied with anything", made.Path, kilobytes(made.Size)))
		return nil
	}}
}
