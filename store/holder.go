package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// lockPath is where the process that has the file open leaves its name. The
// lock itself is bbolt's, on the file: this is only for people.
func lockPath(path string) string { return path + ".lock" }

// leaveName writes who holds the file. An error is no reason not to record.
func leaveName(path, command string) {
	if command == "" {
		command = filepath.Base(os.Args[0])
	}
	text := fmt.Sprintf("pid %d\ncommand %s\n", os.Getpid(), command)
	_ = os.WriteFile(lockPath(path), []byte(text), 0o644)
}

func removeName(path string) { _ = os.Remove(lockPath(path)) }

// holder reads the name left beside the file: "pid 812, tapedeck run".
func holder(path string) string {
	text, err := os.ReadFile(lockPath(path))
	if err != nil {
		return ""
	}
	var pid, command string
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "pid":
			pid = value
		case "command":
			command = value
		}
	}
	if pid == "" || command == "" {
		return ""
	}
	return "pid " + pid + ", " + command
}
