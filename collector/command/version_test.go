package command

import (
	"runtime/debug"
	"testing"
)

func TestThisBuild(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	for _, c := range []struct {
		name string
		info debug.BuildInfo
		ok   bool
		want build
	}{
		{"a tag", debug.BuildInfo{Main: debug.Module{Version: "v1.2.0"}, Settings: []debug.BuildSetting{
			setting("vcs", "git"), setting("vcs.revision", "904722d"), setting("vcs.time", "2026-11-29T10:02:54Z"), setting("vcs.modified", "false")}}, true,
			build{Version: "v1.2.0", Commit: "904722d", Time: "2026-11-29T10:02:54Z"}},
		{"a changed tree", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{setting("vcs.modified", "true")}}, true,
			build{Version: "devel", Dirty: true}},
		{"no git", debug.BuildInfo{}, true, build{Version: "devel"}},
		{"no module", debug.BuildInfo{}, false, build{Version: "unknown"}},
	} {
		got := thisBuild(&c.info, c.ok)
		if got.Go == "" || got.OS == "" || got.Arch == "" || got.Format == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
		got.Go, got.OS, got.Arch, got.Format = "", "", "", ""
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
