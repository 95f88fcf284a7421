package command

import (
	"os"
	"syscall"
)

// startWriting has the kernel begin to write a stretch of a file to the disk, and does not
// wait for it: sync_file_range(2) with SYNC_FILE_RANGE_WRITE. What goes wrong, the sync at
// the end says.
func startWriting(file *os.File, from, n int64) {
	const write = 2
	if c, err := file.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _ = syscall.SyncFileRange(int(fd), from, n, write) })
	}
}
