//go:build unix

package store

import "syscall"

// FreeSpace is how many bytes an ordinary user may still write to the file system that
// path is on; false when the system does not say.
func FreeSpace(path string) (bytes int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
