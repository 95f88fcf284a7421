package command

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"tapedeck/store"
)

type versionCommand struct {
	JSON bool `name:"json" env:"-" help:"As one JSON object."`
}

// Run prints the version, the Go version and the format of the file.
func (v versionCommand) Run(c console) error {
	if v.JSON {
		return json.NewEncoder(c.out).Encode(thisBuild(debug.ReadBuildInfo()))
	}
	_, err := fmt.Fprintf(c.out, "tapedeck %s, %s %s/%s, file format %d.%d\n",
		version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, store.FormatMajor, store.FormatMinor)
	return err
}

// build is what version --json prints. All of it comes from the build itself: there is
// nothing to keep up to date, and a commit that is named is the one that was built.
type build struct {
	Version string `json:"version"` // the module's: a tag, or v0.0.0-TIME-COMMIT; "devel" where the build had no git
	Commit  string `json:"commit"`  // whole; "" where the build had no git
	Time    string `json:"time"`    // of the commit, RFC 3339, UTC; "" likewise
	Dirty   bool   `json:"dirty"`   // the tree differed from the commit
	Go      string `json:"go"`      // such as go1.26.8
	OS      string `json:"os"`      // as Go calls it, such as linux
	Arch    string `json:"arch"`    // likewise, such as amd64
	Format  string `json:"format"`  // of the file that it writes, such as 1.0
}

// thisBuild reads what the linker left.
func thisBuild(info *debug.BuildInfo, ok bool) build {
	b := build{Version: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Format: fmt.Sprintf("%d.%d", store.FormatMajor, store.FormatMinor)}
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// version is the module's, with the commit where the build knows it.
func version() string {
	b := thisBuild(debug.ReadBuildInfo())
	if len(b.Commit) >= 12 {
		return b.Version + " " + b.Commit[:12]
	}
	return b.Version
}
