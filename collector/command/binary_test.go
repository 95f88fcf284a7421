package command_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"tapedeck/collector/playback"
)

// The tests of this file's kind run the real program as a process: what they hold
// is what a person sees.

var built struct {
	once sync.Once
	path string
	err  error
}

// binary builds the program once and returns its path.
func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		folder, err := os.MkdirTemp("", "tapedeck-test-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(folder, "tapedeck")
		out, err := exec.Command("go", "build", "-o", built.path, "tapedeck").CombinedOutput()
		if err != nil {
			t.Logf("%s", out)
			built.err = err
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// environment is this process's without what would steer the program.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !bytes.HasPrefix([]byte(e), []byte("TAPEDECK_")) && !bytes.HasPrefix([]byte(e), []byte("EODHD_")) && !bytes.HasPrefix([]byte(e), []byte("SYMBOLS=")) {
			env = append(env, e)
		}
	}
	return env
}

// export runs an export and returns the rows below the header.
func export(t testing.TB, db string, args ...string) [][]string {
	t.Helper()
	out := exportRaw(t, db, args...)
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func exportRaw(t testing.TB, db string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(binary(t), append(append([]string{"export"}, args...), "--db", db)...)
	cmd.Env = environment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("export %v: %v\n%s", args, err, stderr.Bytes())
	}
	return out
}

// serve plays a source on a loopback port until the test ends, and returns the
// address for --feed-url.
func serve(t testing.TB, source playback.Source, o playback.ServerOptions) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- playback.NewServer(source, o).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "ws://" + l.Addr().String()
}
