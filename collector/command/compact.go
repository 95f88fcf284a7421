package command

import (
	"context"
	"fmt"
	"time"

	"tapedeck/store"
)

type compactCommand struct {
	fileArgument
}

// Run writes the file anew without what is free in it.
func (k *compactCommand) Run(ctx context.Context, c console) error {
	begun := time.Now()
	before, after, err := store.Compact(ctx, k.path(), store.Options{Command: "tapedeck compact", Version: version()}, begun.UnixMilli())
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %s KB before, %s KB now, verified. %.1f s\n", k.path(),
		thousands(before/1024), thousands(after/1024), time.Since(begun).Seconds())
	return nil
}
