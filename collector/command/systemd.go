package command

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
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
	filled, err := template.New("unit").Parse(unit)
	if err != nil {
		return err
	}
	return filled.Execute(c.out, quoteForUnit(path))
}

// binary is the path that the unit starts, which systemd wants whole.
func (s *systemdCommand) binary() (string, error) {
	switch path, err := os.Executable(); {
	case s.Binary != "" && (!strings.HasPrefix(s.Binary, "/") || strings.ContainsAny(s.Binary, "\r\n\"'\\")): // which systemd does not take
		return "", &usage{problem: fmt.Sprintf("--binary %q: a unit wants a whole path without quotes; right is for example --binary %s", s.Binary, installed)}
	case s.Binary != "":
		return s.Binary, nil
	case err != nil || program() != "tapedeck": // go run's is gone when it ends
		return installed, nil
	default:
		return filepath.ToSlash(path), nil
	}
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
