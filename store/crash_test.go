package store_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var (
	crashes   = flag.Int("crashes", 16, "kills of the crash test (300 for the long form)")
	crashSeed = flag.Uint64("crashseed", 0, "seed of the crash test (0: at random)")
)

// TestCrash kills a writer again and again, half of the time inside a seal, and checks
// the whole file each time. Each file has several lives.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64() >> 1
	}
	t.Logf("seed %d: -crashseed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	strace, _ := exec.LookPath("strace")
	if strace == "" {
		t.Log("no strace: the kills inside a seal are at random moments of it")
	}
	inside, atSync := 0, 0
	for kill := 0; kill < *crashes; {
		path := filepath.Join(t.TempDir(), "a.db")
		stream, at := rng.Uint64()>>1, int64(0)
		for life := uint64(0); life < 12 && kill < *crashes; life++ {
			w := startWriter(t, path, stream, life, chooseEnd(rng, kill, strace))
			if inSeal(kill) {
				w.killInSeal(rng)
			} else {
				w.killAfter(rng.IntN(30))
			}
			w.wait(t)
			if w.inSeal {
				inside++
			}
			if w.end.sync > 0 {
				atSync++
			}
			at = max(at, w.committed)
			at = checkStream(t, path, stream, at, at+600)
			kill++
		}
	}
	t.Logf("%d kills, %d of them inside a seal, %d as it was about to sync", *crashes, inside, atSync)
	if inside*2 < *crashes {
		t.Errorf("only %d of %d kills were inside a seal", inside, *crashes)
	}
}

// end is how a process ends by itself: before a transaction of its seals, or as it is
// about to sync for that time. The zero end is to be killed.
type end struct{ transaction, sync int }

// inSeal says which kills are meant to be inside a seal: more than half, for a few miss.
func inSeal(kill int) bool { return kill%8 != 1 && kill%8 != 3 && kill%8 != 5 }

// chooseEnd lets some die by themselves, to be exact about the moment.
func chooseEnd(rng *rand.Rand, kill int, strace string) end {
	switch {
	case inSeal(kill) && rng.IntN(4) > 0:
		return end{transaction: 1 + rng.IntN(12)}
	case kill%8 == 1 && strace != "":
		return end{sync: 10 + rng.IntN(100)}
	}
	return end{}
}

// writer is a process that writes.
type writer struct {
	cmd       *exec.Cmd
	lines     *bufio.Scanner
	end       end
	committed int64
	inSeal    bool
}

func startWriter(t *testing.T, path string, seed, life uint64, end end) *writer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{cmd: exec.Command(self), end: end}
	if end.sync > 0 {
		w.cmd = exec.Command("strace", "-f", "-o", os.DevNull, "-e", "trace=fdatasync",
			"-e", fmt.Sprintf("inject=fdatasync:signal=KILL:when=%d", end.sync), self)
	}
	w.cmd.Env = append(os.Environ(), writerEntry(seed, life, 1<<30, end.transaction, path))
	w.cmd.Stderr = os.Stderr
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.lines = bufio.NewScanner(out)
	return w
}

// next reads a line of what the writer tells; false when it is dead.
func (w *writer) next() bool {
	if !w.lines.Scan() {
		return false
	}
	switch line := w.lines.Text(); {
	case line == "seal begins":
		w.inSeal = true
	case line == "seal ends":
		w.inSeal = false
	default:
		_, _ = fmt.Sscanf(line, "committed %d", &w.committed)
	}
	return true
}

// killInSeal kills it a moment after a seal began, if it does not die by itself then: a
// seal takes some milliseconds.
func (w *writer) killInSeal(rng *rand.Rand) {
	for w.next() && (w.end != end{} || !w.inSeal) {
	}
	time.Sleep(time.Duration(rng.IntN(4000)) * time.Microsecond) // of its own work
	w.kill()
}

// killAfter kills it after so many lines, if it does not die by itself before.
func (w *writer) killAfter(lines int) {
	for n := 0; (n < lines || w.end != end{}) && w.next(); n++ {
	}
	w.kill()
}

func (w *writer) kill() { _ = syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL) }

// wait reads what it told before it died.
func (w *writer) wait(t *testing.T) {
	t.Helper()
	for w.next() {
	}
	var exit *exec.ExitError
	if err := w.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
}
