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
	words, fix := rightsOf(folder, os.Geteuid())
	return &hinted{fmt.Errorf("%w: %s", err, words), fix}
}

// existing is the folder itself, or the nearest above it that is there.
func existing(folder string) string {
	for {
		_, err := os.Stat(folder)
		if above := filepath.Dir(folder); err != nil && above != folder {
			folder = above
			continue
		}
		return folder
	}
}

// rightsOf says whose a folder is, and what makes it ours.
func rightsOf(folder string, uid int) (words, fix string) {
	info, err := os.Stat(folder)
	if err != nil {
		return fmt.Sprintf("we run as uid %d", uid), program() + " doctor"
	}
	owner := "another user"
	if n, ok := ownerOf(info); ok {
		owner = fmt.Sprintf("uid %d", n)
	}
	words = fmt.Sprintf("we run as uid %d, %s belongs to %s (mode %s)", uid, folder, owner, info.Mode().Perm())
	if onRailway() {
		return words, "railway variables --set RAILWAY_RUN_UID=0   # Railway's volumes belong to root"
	}
	return words, fmt.Sprintf("sudo chown -R %d %s", uid, folder)
}
