package command_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

// TestService listens where systemd does, while the program records: ready, alive every few
// seconds, how it is, and the end.
func TestService(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes the seconds until the watchdog is fed")
	}
	folder := t.TempDir()
	place := filepath.Join(folder, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: place, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	session := ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000}
	feed := serve(t, playback.NewMarket(playback.MarketOptions{Seed: 1, Symbols: []string{"QLD"}, Session: session, Rate: 1}), playback.ServerOptions{Speed: 60})
	cmd := exec.Command(binary(t), "run", "--db", filepath.Join(folder, "a.db"), "--feed-url", feed, "--no-news", "--listen", "")
	cmd.Env = append(environment(), "NOTIFY_SOCKET="+place)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	read := func(want string) {
		t.Helper()
		text := make([]byte, 4096)
		if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		for got := ""; !strings.HasPrefix(got, want); {
			n, err := socket.Read(text)
			if err != nil {
				t.Fatalf("systemd waits for %q: %v", want, err)
			}
			if got = string(text[:n]); !strings.HasPrefix(got, want) && !strings.HasPrefix(got, "STATUS=") {
				t.Fatalf("systemd reads %q, want %q", got, want)
			}
		}
	}
	read("READY=1\nSTATUS=")
	read("WATCHDOG=1")
	read("WATCHDOG=1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	read("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
