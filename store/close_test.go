package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	berrors "go.etcd.io/bbolt/errors"
)

// Somebody may read while the file is closed: they get their rows or are told that
// it is closed, and nothing else. Closing again does nothing.
func TestCloseBesideReaders(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	if _, err := f.Append(day, trades(seeded(t), day, 20_000, "QLD", "SPY")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	reading, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for first := true; ; first = false {
			for _, err := range f.Trades(day, nil) {
				if err != nil {
					ended <- err
					return
				}
			}
			if first {
				close(reading)
			}
		}
	}()
	<-reading
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		t.Errorf("reading a closed file: %v", err)
	}
	if err := f.Commit(); !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		t.Errorf("committing to a closed file: %v", err)
	}
}
