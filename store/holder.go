package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockPath is where the process that has the file open leaves its name. The
// lock itself is bbolt's, on the file: this is only to be told who has it.
func lockPath(path string) string { return path + ".lock" }

// Process is a process that has a file open for recording, as it says itself in the
// file's .lock.
type Process struct {
	PID     int
	Command string // such as "tapedeck run"
	Socket  string // where it answers, when that is not beside the file
}

// String names it for a person, such as "pid 812, tapedeck run"; empty when it is not
// known.
func (p Process) String() string {
	if p.PID == 0 || p.Command == "" {
		return ""
	}
	return fmt.Sprintf("pid %d, %s", p.PID, p.Command)
}

// Holder is who left his name beside the file, which after a crash may be nobody any
// more; zero when there is no name.
func Holder(path string) (p Process) {
	text, err := os.ReadFile(lockPath(path))
	if err != nil {
		return p
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "pid":
			p.PID, _ = strconv.Atoi(value)
		case "command":
			p.Command = value
		case "socket":
			p.Socket = value
		}
	}
	return p
}

// SetSocket says beside the file where this process answers; "" is no socket, or the
// usual place. An error is one of writing.
func (f *File) SetSocket(socket string) error {
	return leaveName(f.path, Process{os.Getpid(), f.options.Command, socket})
}

// leaveName writes who holds the file, as a whole: nobody reads half of it.
func leaveName(path string, p Process) error {
	if p.Command == "" {
		p.Command = filepath.Base(os.Args[0])
	}
	text := fmt.Sprintf("pid %d\ncommand %s\n", p.PID, p.Command)
	if p.Socket != "" {
		text += "socket " + p.Socket + "\n"
	}
	draft := fmt.Sprintf("%s.new-%d", lockPath(path), p.PID)
	err := os.WriteFile(draft, []byte(text), 0o644)
	if err == nil {
		err = os.Rename(draft, lockPath(path))
	}
	if err != nil {
		_ = os.Remove(draft)
	}
	return err
}

func removeName(path string) { _ = os.Remove(lockPath(path)) }
