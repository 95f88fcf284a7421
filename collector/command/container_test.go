//go:build linux

package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var cold = flag.Bool("cold", false, "compile all anew for the second build of TestReproducible")

// mostBytes is what the program may weigh.
const mostBytes = 30_000_000

// imageBinary is the program as the Dockerfile builds it, in a folder of its own.
func imageBinary(t *testing.T, folder string, env ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a build of its own: go test without -short")
	}
	if exec.Command("git", "-C", "../..", "rev-parse", "HEAD").Run() != nil {
		t.Skip("not a git checkout")
	}
	build, _ := ourStages(t)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := buildAsImage(dockerRuns(build), folder, env...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// buildAsImage runs the commands of the Dockerfile in a clone of the last commit, with what is
// /out there in the folder, and returns the program that they make.
func buildAsImage(commands []string, folder string, env ...string) (string, error) {
	source, out := filepath.Join(folder, "source"), filepath.Join(folder, "out")
	if text, err := exec.Command("git", "clone", "--quiet", "../..", source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("git clone: %w\n%s", err, text)
	}
	proxy, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		return "", err
	}
	for _, line := range commands {
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/out/", out+"/"))
		cmd.Dir = source
		// As in an image, where nobody has set anything up for go but the proxy.
		cmd.Env = append(append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOOS=", "GOARCH=", "GOPROXY="+strings.TrimSpace(string(proxy))), env...)
		if text, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", line, err, text)
		}
	}
	return filepath.Join(out, "tapedeck"), nil
}

// TestContainer builds the program as the Dockerfile does, and starts it where there is nothing
// but itself and /data: no /proc, no /dev, no /etc, no time zones.
func TestContainer(t *testing.T) {
	t.Parallel()
	program := imageBinary(t, t.TempDir())
	checkBuild(t, program)
	if os.Geteuid() != 0 {
		t.Skip("it is built; only root may change the root folder, where it would be started")
	}
	root := t.TempDir()
	for _, folder := range []string{"data", "usr/local/bin"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(program, filepath.Join(root, "usr/local/bin/tapedeck")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"version", "tapedeck "},
		{"calendar next", ":30:00 AM E"},
		{"calendar at 2026-07-06T12:45:00Z", "08:45:00 AM EDT"},
		{"demo --db data/demo.db", "bbolt's own check: no error"},
		{"verify data/demo.db", "bbolt's own check: no error"},
		{"export 100t --symbols QLD --db /data/demo.db", "time,symbol,open"},
		{"backup --db data/demo.db /data/tapedeck.db", ""},
		{"status", "/tapedeck.db"}, // by the working folder / the default is /data/tapedeck.db
	} {
		cmd := exec.Command("/usr/local/bin/tapedeck", strings.Fields(c.line)...)
		cmd.Env, cmd.Dir = []string{"PATH=/usr/local/bin", "PORT=8080"}, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("tapedeck %s: %v, want %q\n%s", c.line, err, c.want, out)
		}
	}
}

// checkBuild looks at the program: its size, its libraries, the commit it names.
func checkBuild(t *testing.T, program string) {
	t.Helper()
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > mostBytes {
		t.Errorf("it has %d bytes, more than %d", info.Size(), mostBytes)
	}
	var b build
	if err := json.Unmarshal([]byte(run(t, exec.Command(program, "version", "--json"))), &b); err != nil {
		t.Fatal(err)
	}
	head := strings.TrimSpace(run(t, exec.Command("git", "-C", "../..", "rev-parse", "HEAD")))
	if b.Commit != head || b.Dirty || b.Time == "" || b.Go == "" || b.Format == "" {
		t.Errorf("at commit %s it says %+v", head, b)
	}
	t.Logf("%+v", b)
}

// TestReproducible builds the same commit in another folder: the bytes are the same, and
// name no folder. With -cold the second build takes nothing from the cache.
func TestReproducible(t *testing.T) {
	t.Parallel()
	here, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "quite", "another", "place")
	var env []string
	if *cold {
		env = []string{"GOCACHE=" + t.TempDir()}
	}
	first, second := imageBinary(t, here), imageBinary(t, elsewhere, env...)
	a, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("sha256 %x", sha256.Sum256(a))
	if sha256.Sum256(a) != sha256.Sum256(b) {
		t.Errorf("built elsewhere it is another: %x", sha256.Sum256(b))
	}
	modules := strings.TrimSpace(run(t, exec.Command("go", "env", "GOMODCACHE")))
	for _, place := range []string{here, elsewhere, modules} {
		if bytes.Contains(a, []byte(place)) {
			t.Errorf("%s is in it", place)
		}
	}
}
