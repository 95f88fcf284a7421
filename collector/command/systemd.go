package command

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"
)

type systemdCommand struct {
	Binary string `name:"binary" env:"-" help:"Where the program is installed (default where this one is; /usr/local/bin/tapedeck when go run started it)." placeholder:"PATH"`
}

// installed is where the program is put by hand.
const installed = "/usr/local/bin/tapedeck"

//go:embed tapedeck.service
var unit string

// Run prints a unit for systemd, and nothing else, so that it can be redirected.
func (s *systemdCommand) Run(c console) error {
	path, err := s.binary()
	if err != nil {
		return err
	}
	if hiddenFromUnit(path) {
		fmt.Fprintf(c.err, "Note: the unit sees neither home nor temporary folders, where %s is. Before it is started: sudo install %s %s\n", path, path, installed)
		path = installed
	}
	filled, err := template.New("unit").Parse(unit)
	if err != nil {
		return err
	}
	return filled.Execute(c.out, quoteForUnit(path))
}

// binary is the path of the program, which systemd wants whole.
func (s *systemdCommand) binary() (string, error) {
	switch path, err := os.Executable(); {
	case s.Binary != "" && (!strings.HasPrefix(s.Binary, "/") || strings.ContainsAny(s.Binary, "\r\n\"'\\")): // which systemd does not take
		return "", &usage{problem: fmt.Sprintf("--binary %q: a unit wants a whole path without quotes; right is for example --binary %s", s.Binary, installed)}
	case s.Binary != "":
		return s.Binary, nil
	case err != nil || program() != "tapedeck" || runtime.GOOS != "linux": // go run's is gone when it ends
		return installed, nil
	default:
		return path, nil
	}
}

// hiddenFromUnit says whether ProtectHome and PrivateTmp of the unit hide a path from it.
func hiddenFromUnit(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"}, func(folder string) bool {
		return strings.HasPrefix(filepath.Clean(path), folder)
	})
}

// quoteForUnit writes a path so that systemd reads it back as one word. In the first word of a
// command it looks for no variables.
func quoteForUnit(path string) string {
	path = strings.ReplaceAll(path, "%", "%%")
	if strings.ContainsAny(path, " \t;") {
		return `"` + path + `"`
	}
	return path
}
