package command

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unitFor is what tapedeck systemd prints.
func unitFor(t *testing.T, binary string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := dispatch(context.Background(), []string{"systemd", "--binary", binary}, console{&out, &errs}); code != 0 || errs.Len() > 0 {
		t.Fatalf("systemd: exit %d, %s", code, errs.String())
	}
	return out.String()
}

// systemd reads the unit without a word, also where the program is at an odd place.
func TestSystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze: apt-get install systemd")
	}
	for _, place := range []string{"bin", "odd 100% $place;"} {
		folder := filepath.Join(t.TempDir(), place)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		binary := filepath.Join(folder, "tapedeck")
		if err := os.Symlink("/bin/true", binary); err != nil {
			t.Fatal(err)
		}
		// The program does not print a unit for a temporary folder, but systemd reads one.
		text := strings.Replace(unitFor(t, "/odd/tapedeck"), "/odd/tapedeck", quoteForUnit(binary), 1)
		unit := filepath.Join(folder, "tapedeck.service")
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("systemd-analyze verify: %v\n%s", err, out)
		}
		out, err = exec.Command(analyze, "security", "--offline=true", "--no-pager", unit).CombinedOutput()
		t.Logf("%v %s", err, regexp.MustCompile(`(?m)^.*Overall exposure.*$`).Find(out))
	}
}

// TestSystemdStarts holds the command of the unit against the program, and its path against
// systemd's rules of quoting.
func TestSystemdStarts(t *testing.T) {
	for path, want := range map[string]string{
		installed:           installed,
		"/opt/my tapes/t":   `"/opt/my tapes/t"`,
		"/opt/100%/$HOME/t": "/opt/100%%/$HOME/t",
	} {
		_, line, _ := strings.Cut(unitFor(t, path), "\nExecStart=")
		line, _, _ = strings.Cut(line, "\n")
		words, ok := strings.CutPrefix(line, want+" ")
		if !ok {
			t.Errorf("%s: ExecStart=%s, want %s", path, line, want)
			continue
		}
		parser, err := newParser(console{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(words)); err != nil {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func TestSystemdWrong(t *testing.T) {
	for _, path := range []string{"bin/tapedeck", `/opt/"quoted"/tapedeck`} {
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), []string{"systemd", "--binary", path}, console{&out, &errs}); code != exitUsage || out.Len() > 0 ||
			!strings.Contains(errs.String(), "right is for example --binary /usr/local/bin/tapedeck") {
			t.Errorf("%s: exit %d, %q %q", path, code, out.String(), errs.String())
		}
	}
}

// A program that the unit's own rules would hide is to be installed first, which is said beside it.
func TestSystemdHidden(t *testing.T) {
	for _, path := range []string{"/home/me/tapedeck", "/tmp/../root/tapedeck", "/var/tmp/tapedeck"} {
		var out, errs bytes.Buffer
		code := dispatch(context.Background(), []string{"systemd", "--binary", path}, console{&out, &errs})
		if code != 0 || !strings.Contains(out.String(), "\nExecStart="+installed+" ") || !strings.Contains(errs.String(), "sudo install "+path+" "+installed) {
			t.Errorf("%s: exit %d, %s%s", path, code, errs.String(), out.String())
		}
	}
}
