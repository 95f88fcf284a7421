//go:build unix

package store

import (
	"os"
	"syscall"
)

// inodeOf is what tells an open file from every other on its file system; 0 when it is
// not known.
func inodeOf(file *os.File) uint64 {
	info, err := file.Stat()
	if err != nil {
		return 0
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Ino)
	}
	return 0
}
