//go:build unix

package store

import (
	"os"
	"syscall"
)

// share takes bbolt's lock as a reader does, until the file is closed; false when a
// process has it for writing.
func share(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

// unshare lets go of the lock.
func unshare(file *os.File) { _ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
