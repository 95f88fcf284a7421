package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tapedeck/store"
)

const (
	lockLimit = 60 * time.Second // how long run waits for a file in use
	lockTold  = 10 * time.Second // how often it says for whom
	lockLook  = 200 * time.Millisecond
)

// openWaiting opens the file for recording. While another process has it, it waits
// up to a minute and names it. It returns ctx's error when ctx ends first.
func openWaiting(ctx context.Context, path string, o store.Options, log *slog.Logger) (*store.File, error) {
	begun := time.Now()
	told := begun.Add(-lockTold)
	for {
		file, err := store.Open(path, o)
		var held *store.Held
		if !errors.As(err, &held) {
			return file, err
		}
		if time.Since(begun) > lockLimit {
			return nil, fmt.Errorf("gave up after %s: %w", lockLimit, err)
		}
		if time.Since(told) >= lockTold {
			told = time.Now()
			log.Warn(fmt.Sprintf("Waiting up to %s: %v", lockLimit, held))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockLook):
		}
	}
}

// explain adds the way out to what the store says. Each is a line for a shell, its
// words behind a #.
func explain(err error) error {
	var held *store.Held
	var foreign *store.Foreign
	var newer *store.Newer
	var damaged *store.Damaged
	var short *store.Short
	var told *hinted
	switch {
	case err == nil, errors.As(err, &told):
		return err
	case unwritable(err) != nil:
		return unwritable(err)
	case errors.As(err, &held):
		return &hinted{err, stopLine(held.Holder)}
	case errors.Is(err, store.ErrMissing):
		return &hinted{err, program() + " demo"}
	case errors.As(err, &foreign):
		return &hinted{err, program() + " run --help   # --db takes another file; this one was not touched"}
	case errors.As(err, &newer):
		return &hinted{err, program() + " version   # a newer one reads the file, which was not touched"}
	case errors.As(err, &short):
		return &hinted{err, program() + " backup /another/disk/tapedeck.db"}
	case errors.Is(err, store.ErrItself):
		return &usage{problem: err.Error() + "; right is another path", try: program() + " backup copy.db"}
	case errors.As(err, &damaged):
		if p, since, torn := store.Torn(damaged.Path); torn {
			return &hinted{fmt.Errorf("%s is a torn copy, of two moments: it was copied with something like cp while pid %d recorded into the original, as since %s; %s: %s",
				damaged.Path, p.PID, since.Format(time.RFC3339), damaged.Where, damaged.What),
				program() + " backup copy.db --db ORIGINAL   # that is whole, also while it is recorded; of this one: " + program() + " verify " + damaged.Path + " --salvage NEW"}
		}
		return &hinted{err, program() + " verify " + damaged.Path + "   # says what is good; the file was not touched, a backup may be better"}
	}
	return err
}

// stopLine stops in peace whoever holds the file.
func stopLine(holder store.Process) string {
	if holder.PID > 0 {
		return fmt.Sprintf("kill -TERM %d   # stops it in peace; then the same again", holder.PID)
	}
	return program() + " version   # and the same again when the other has ended"
}
