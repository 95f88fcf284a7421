package command

import (
	"os"
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
