package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is how a person started us, so that hints can be run as they stand: "go
// run ." builds into a folder of that kind below the temporary one.
func program() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(path), "/go-build") {
		return "go run ."
	}
	return "tapedeck"
}

// itself is the path of this program, to start it again. Linux tells it by /proc, which a bare
// chroot has not: there it is the name that it was started by.
func itself() (string, error) {
	path, err := os.Executable()
	if err == nil {
		return path, nil
	}
	if path, found := exec.LookPath(os.Args[0]); found == nil {
		return filepath.Abs(path)
	}
	return "", err
}
