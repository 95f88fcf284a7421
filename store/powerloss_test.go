package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var (
	powerLosses   = flag.Int("powerloss", 1, "how many random states TestPowerLoss tries at each sync")
	powerLossSeed = flag.Uint64("powerlossseed", 0, "what TestPowerLoss draws from (0: a random seed)")
)

// TestPowerLoss cuts the power of a process that records. strace notes what it writes.
// At each sync the folder is built as a disk may hold it if the power goes just before:
// all that was synced earlier, and of what was written since none, all or any part,
// whole or torn at 512 bytes, in a file as long as it was or is; and of the names given
// since any. Each time the file must be there, once its creator was told so, and open,
// with all that was committed, and take more. -powerloss 50 is the long form.
func TestPowerLoss(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("no strace, which is how writes are seen")
	}
	seed := *powerLossSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-powerlossseed %d", seed)
	root := t.TempDir()
	path := filepath.Join(root, "new", "folder", "tape.db")
	log := filepath.Join(t.TempDir(), "strace")
	cmd := writerCommand(t, []string{"strace", "-f", "-y", "-xx", "-s", "16777216", "-o", log, "-e", "trace=" + tracedCalls}, "program", path, seed)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "closed\n") {
		t.Fatalf("the writer under strace: %v\n%s", err, out)
	}
	calls := readTrace(t, log)
	l := &losses{T: t, path: path, stream: newStream(seed), rng: rand.New(rand.NewPCG(seed, 1)), slots: make(chan string, runtime.GOMAXPROCS(0))}
	for range cap(l.slots) {
		l.slots <- t.TempDir()
	}
	l.replay(newDisk(root), calls)
	t.Logf("%d syncs, %d states of the disk, %d of them without a file yet; %d writes, %d bytes; %d trades",
		l.syncs, l.states, l.absent, l.writes, l.bytes, l.handed)
}

// losses are the power cuts of a trace.
type losses struct {
	*testing.T
	path   string
	stream *stream
	rng    *rand.Rand
	slots  chan string // folders to build states in

	handed, committed int
	exists            bool // the process was told that the file is there

	syncs, states, writes int
	bytes                 int64

	wait   sync.WaitGroup
	mu     sync.Mutex
	absent int
	failed bool
}

func (l *losses) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// cut tries one state of the disk, in the background.
func (l *losses) cut(d *disk, c chance) {
	state, atLeast, atMost, exists := d.state(c), l.committed, l.handed, l.exists
	l.states++
	what := fmt.Sprintf("state %d, at sync %d", l.states, l.syncs+1)
	folder, more := <-l.slots, l.rng.IntN(3) == 0
	l.wait.Go(func() {
		err := l.try(d.root, folder, state, atLeast, atMost, exists, more)
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil && !l.failed {
			l.failed = true
			l.Errorf("%s: %v; the disk is kept as %s", what, err, keepFolder(folder))
		}
		l.slots <- folder
	})
}

// try checks a state; with more, also how it goes on from there.
func (l *losses) try(root, folder string, state map[string][]byte, atLeast, atMost int, exists, more bool) error {
	if err := build(root, folder, state); err != nil {
		return err
	}
	path, err := moved(l.path, root, folder)
	if err != nil {
		return err
	}
	if _, there := state[l.path]; !there {
		if exists {
			return errors.New("the file is gone")
		}
		l.mu.Lock()
		l.absent++
		l.mu.Unlock()
	} else if _, err := checkFile(path, l.stream, atLeast, atMost); err != nil {
		return err
	}
	return goOn(path, l.stream, more)
}

// moved is the place of a path of one folder in another.
func moved(path, from, to string) (string, error) {
	relative, err := filepath.Rel(from, path)
	return filepath.Join(to, relative), err
}

// build puts a state into a folder and nothing else.
func build(root, folder string, state map[string][]byte) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for path, data := range state {
		path, err := moved(path, root, folder)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// goOn opens a file to record on where it was left; with more it does that, and seals.
func goOn(path string, s *stream, more bool) error {
	w := &writer{path: path, seed: s.seed}
	if err := w.open(false); err != nil {
		return err
	}
	if !more {
		return w.f.Close()
	}
	err := errors.Join(w.batch(30), w.seal(context.Background(), true), w.f.Close())
	if err != nil {
		return err
	}
	if _, err := checkFile(path, s, w.n, w.n); err != nil {
		return fmt.Errorf("when it was recorded on: %w", err)
	}
	return nil
}

// keepFolder saves a folder for whoever looks into what went wrong.
func keepFolder(folder string) string {
	kept, err := os.MkdirTemp("", "tapedeck-powerloss-*")
	if err == nil {
		err = os.CopyFS(kept, os.DirFS(folder))
	}
	if err != nil {
		return err.Error()
	}
	return kept
}

// replay goes through a trace and cuts the power before each sync, and at the end.
func (l *losses) replay(d *disk, calls []call) {
	defer l.wait.Wait()
	for _, c := range calls {
		switch c.name {
		case "write":
			l.said(c)
		case "fsync", "fdatasync":
			if n, _ := fd(c.args[0]); d.open[n] == nil {
				continue
			}
			if testing.Short() && l.rng.IntN(4) > 0 { // as under the race detector in CI
				d.sync(c)
				l.syncs++
				continue
			}
			if *powerLosses > 1 || l.rng.IntN(3) == 0 {
				l.cut(d, chance{not: true})
			}
			for range l.tries(d) {
				l.cut(d, chance{rng: l.rng})
			}
			d.sync(c)
			l.syncs++
		default:
			if c.name == "pwrite64" {
				l.writes++
				l.bytes += int64(len(c.args[1]))
			}
			d.do(l.T, c)
		}
		if l.over() {
			return
		}
	}
	l.cut(d, chance{not: true})
	l.cut(d, chance{})
}

// tries is how many random states to try: more while the name of the file is not sure.
func (l *losses) tries(d *disk) int {
	if d.names[l.path] != d.durable[l.path] {
		return *powerLosses + 8
	}
	return *powerLosses
}

// said follows what the writer says.
func (l *losses) said(c call) {
	if n, _ := fd(c.args[0]); n != 1 {
		return
	}
	switch word, rest, _ := strings.Cut(strings.TrimSpace(c.args[1]), " "); word {
	case "opened":
		l.exists = true
	case "handed":
		l.handed = int(number(l.T, rest))
	case "committed":
		l.committed = int(number(l.T, rest))
	}
}
