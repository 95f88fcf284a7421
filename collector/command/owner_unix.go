//go:build unix

package command

import (
	"fmt"
	"io/fs"
	"syscall"
)

// ownerOf is who owns a file, as uid 1000.
func ownerOf(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("uid %d", s.Uid)
	}
	return "somebody else"
}
