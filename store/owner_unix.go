//go:build unix

package store

import (
	"os"
	"syscall"
)

// keepOwner gives the new file to whom the old one belongs: what root wrote anew the recorder's
// user could not open any more. Only root may, and only for root is there something to do.
func keepOwner(old, fresh string) error {
	was, err := os.Stat(old)
	if err != nil {
		return err
	}
	is, err := os.Stat(fresh)
	if err != nil {
		return err
	}
	from, ok := was.Sys().(*syscall.Stat_t)
	to, also := is.Sys().(*syscall.Stat_t)
	if !ok || !also || from.Uid == to.Uid && from.Gid == to.Gid || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(fresh, int(from.Uid), int(from.Gid))
}
