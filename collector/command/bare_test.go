//go:build linux

package command_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Where there is nothing but the binary, no time zone data either, New York's clocks are
// right: the program brings its own.
func TestNoTimeZoneData(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may change the root folder")
	}
	root := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(root, "tapedeck"), "tapedeck")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for at, want := range map[string]string{
		"2026-07-06T12:45:00Z": "Mon Jul 6 2026 08:45:00 AM EDT",
		"2026-12-11T13:45:00Z": "Fri Dec 11 2026 08:45:00 AM EST",
	} {
		bare := exec.Command("/tapedeck", "calendar", "at", at, "--close-cron", "CRON_TZ=Europe/London 0 20 * * *")
		bare.Env, bare.Dir = []string{"TZ=Asia/Tokyo"}, "/"
		bare.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		out, err := bare.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "(45 minutes; dialling from 09:29:00)") {
			t.Errorf("at %s: %v\n%s", at, err, out)
		}
	}
}
