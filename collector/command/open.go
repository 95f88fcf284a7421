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
// up to a minute and names it.
func openWaiting(ctx context.Context, path string, o store.Options, log *slog.Logger) (*store.File, error) {
	begun := time.Now()
	told := begun.Add(-lockTold)
	for {
		file, err := store.Open(path, o)
		var held *store.Held
		if !errors.As(err, &held) {
			return file, explain(err)
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

// explain adds the way out to what the store says.
func explain(err error) error {
	var held *store.Held
	var foreign *store.Foreign
	switch {
	case err == nil:
		return nil
	case errors.As(err, &held):
		return &hinted{err, "stop the recorder first (kill -TERM and its pid), then the same again"}
	case errors.Is(err, store.ErrMissing):
		return &hinted{err, program() + " demo"}
	case errors.As(err, &foreign):
		return &hinted{err, "another --db; this file was not touched"}
	}
	return err
}
