package command_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/monitor"
)

// BenchmarkStart starts the real program with one symbol, as an evening does: from the
// start of the process until it answers on its socket, and its memory of its own when it has
// been idle for 5 s.
func BenchmarkStart(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("needs /proc")
	}
	folder := b.TempDir()
	program := binary(b)
	var listening, memory float64
	for i := range b.N {
		db := filepath.Join(folder, strconv.Itoa(i)+".db")
		cmd := exec.Command(program, "run", "--symbols", "QLD", "--api-key", "x", "--no-preflight", "--db", db)
		cmd.Env = environment()
		begun := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for {
			_, err := monitor.Ask(context.Background(), monitor.SocketPath(db), "news", nil, io.Discard)
			if err == nil {
				break
			}
			if time.Since(begun) > 10*time.Second {
				b.Fatal(err)
			}
			time.Sleep(time.Millisecond) // a real process
		}
		listening += float64(time.Since(begun).Microseconds()) / 1000
		time.Sleep(5 * time.Second)
		text, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "RssAnon:")
		kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		memory += kb / 1024
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(listening/float64(b.N), "ms-to-listening")
	b.ReportMetric(memory/float64(b.N), "MB-RssAnon")
}
