package command

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"tapedeck/store"
)

type versionCommand struct{}

// Run prints the version, the Go version and the format of the file.
func (versionCommand) Run(c console) error {
	_, err := fmt.Fprintf(c.out, "tapedeck %s, %s %s/%s, file format %d.%d\n",
		version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, store.FormatMajor, store.FormatMinor)
	return err
}

// version is the module's, with the commit where the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	if text == "" || text == "(devel)" {
		text = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			text += " " + s.Value[:12]
		}
	}
	return text
}
