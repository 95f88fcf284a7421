package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// unwritable is an error of writing that the rights of a folder explain, with who we are, whose
// the folder is, and what gives us the right; nil when it is of another kind.
func unwritable(err error) error {
	var of *fs.PathError
	if !errors.As(err, &of) || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return nil
	}
	folder := existing(filepath.Dir(of.Path))
	if errors.Is(err, syscall.EROFS) {
		return &hinted{fmt.Errorf("%w: %s is on a disk that is mounted read-only", err, folder), "mount -o remount,rw " + folder}
	}
	return &hinted{fmt.Errorf("%w: %s", err, rightsOf(folder, os.Geteuid())), ownLine(folder, os.Geteuid())}
}

// existing is the folder itself, or the nearest above it that is there.
func existing(folder string) string {
	for {
		above := filepath.Dir(folder)
		if _, err := os.Stat(folder); err == nil || above == folder {
			return folder
		}
		folder = above
	}
}

// rightsOf says who we are and whose a folder is.
func rightsOf(folder string, uid int) string {
	text := fmt.Sprintf("we run as uid %d", uid)
	if info, err := os.Stat(folder); err == nil {
		text += fmt.Sprintf(", %s is %s's, mode %s", folder, ownerOf(info), info.Mode().Perm())
	}
	return text
}

// ownLine makes a folder ours, or us root where the folder cannot be changed: Railway's volumes
// are root's.
func ownLine(folder string, uid int) string {
	if onRailway() {
		return "railway variables --set RAILWAY_RUN_UID=0"
	}
	return fmt.Sprintf("sudo chown -R %d %s", uid, shellWord(folder))
}
