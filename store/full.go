package store

import (
	"errors"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"
)

// NoRoom says that a commit found the disk, the quota or the size limit full. All
// that was staged still is, and Commit may be tried again.
type NoRoom struct{ err error }

func (e *NoRoom) Error() string { return e.err.Error() }

// Unwrap is what the system said.
func (e *NoRoom) Unwrap() error { return e.err }

// Full is true: trying again later makes sense.
func (e *NoRoom) Full() bool { return true }

// full reports a want of room as a *NoRoom.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, errQuota) || errors.Is(err, berrors.ErrMaxSizeReached) {
		return &NoRoom{err}
	}
	return err
}
