package command

import (
	"time"

	"tapedeck/store"
)

// timedTape is the file as the recorder's tape, with a watch on its commits.
type timedTape struct {
	*store.File
	observe func(time.Duration)
}

// Commit is the file's.
func (t timedTape) Commit() error {
	begun := time.Now()
	err := t.File.Commit()
	t.observe(time.Since(begun))
	return err
}
