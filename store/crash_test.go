package store_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	crashes   = flag.Int("crashes", 24, "how often TestCrash kills the writer")
	crashSeed = flag.Uint64("crashseed", 0, "what TestCrash draws from (0: a random seed)")
)

// TestCrash kills a process that records, every second time inside a seal, and checks
// the whole file each time. The next one goes on with the file as it was left. Inside a
// seal strace aims at any of its fdatasyncs; a third of these kills, or all where there
// is no strace, and those outside come at any moment. -crashes 300 is the long form.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-crashseed %d", seed)
	c := &crashing{rng: rand.New(rand.NewPCG(seed, 0)), sealTime: 5 * time.Millisecond, size: 14}
	if *crashes >= 100 {
		c.size = 17 // seals of many transactions
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Log("no strace: kills inside a seal come at any moment of it, and none is aimed at an fdatasync")
	} else {
		c.strace = true
	}
	kills := fewer(*crashes)
	for c.kills < kills || 2*c.inside < kills {
		if c.kills > 4*kills+20 {
			t.Fatalf("of %d kills only %d were inside a seal", c.kills, c.inside)
		}
		if c.fileKills == 0 {
			c.newFile(t)
		}
		if err := c.life(t); err != nil {
			t.Fatalf("kill %d, of the stream of seed %d: %v; the file is kept as %s", c.kills, c.stream.seed, err, c.keep())
		}
	}
	t.Logf("%d kills, %d inside a seal (%d at an fdatasync chosen by strace); %d files, %d trades",
		c.kills, c.inside, c.aimed, c.files, c.trades)
}

// crashing is a run of TestCrash.
type crashing struct {
	rng      *rand.Rand
	strace   bool
	size     int           // of the largest commits: 1<<size trades
	sealTime time.Duration // of the last seal that was seen whole

	kills, inside, aimed, files, trades int

	// Of the file in use. Damage would add up in it.
	path      string
	stream    *stream
	durable   int // trades seen in it
	fileKills int // to come
}

func (c *crashing) newFile(t *testing.T) {
	c.path = filepath.Join(t.TempDir(), "crash.db")
	c.stream = newStream(c.rng.Uint64())
	c.durable, c.fileKills = 0, 4+c.rng.IntN(12)
	c.files++
}

// keep saves the file for whoever looks into what went wrong.
func (c *crashing) keep() string {
	data, err := os.ReadFile(c.path)
	if err != nil {
		return err.Error()
	}
	file, err := os.CreateTemp("", "tapedeck-crash-*.db")
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if _, err := file.Write(data); err != nil {
		return err.Error()
	}
	return file.Name()
}

// aim is how a life is to end.
type aim struct {
	inside bool          // a seal
	call   int           // by strace at this fdatasync of a seal; or, where 0,
	line   int           // after this line of what the writer says, or this seal's beginning,
	delay  time.Duration // so much later
}

func (c *crashing) aim() aim {
	a := aim{inside: c.kills%2 == 0}
	switch {
	case a.inside && c.strace && c.rng.IntN(3) > 0:
		a.call = 1 + c.rng.IntN(1<<c.rng.IntN(6))
	case a.inside:
		a.line = 1 + c.rng.IntN(2)
		a.delay = time.Duration(c.rng.Int64N(int64(c.sealTime)))
	default:
		a.line = c.rng.IntN(40)
		a.delay = time.Duration(c.rng.IntN(5000)) * time.Microsecond
	}
	return a
}

// lifeTime is after how long a writer that nobody managed to kill is given up.
const lifeTime = 2 * time.Minute

// life starts a writer, kills it and checks what it leaves.
func (c *crashing) life(t *testing.T) error {
	a := c.aim()
	var wrapper []string
	if a.call > 0 {
		wrapper = []string{"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
			"-e", fmt.Sprintf("inject=fdatasync:signal=KILL:when=%d", aimedBase+a.call)}
	}
	cmd := writerCommand(t, wrapper, "stream", c.path, c.stream.seed, c.rng.Uint64(), c.size, a.call)
	said, err := c.run(cmd, a)
	if err != nil {
		return fmt.Errorf("%w; it said %q", err, said.tail)
	}
	c.kills++
	c.fileKills--
	if said.sealing {
		c.inside++
	}
	if a.call > 0 {
		c.aimed++
		if !said.sealing {
			return fmt.Errorf("strace missed the seal: the writer had said %q", said.tail)
		}
	}
	return c.check(max(c.durable, said.committed), max(c.durable, said.handed))
}

// run runs a writer to its end.
func (c *crashing) run(cmd *exec.Cmd, a aim) (*transcript, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return new(transcript), err
	}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		return new(transcript), err
	}
	said := new(transcript)
	late := time.AfterFunc(lifeTime, func() { _ = cmd.Process.Kill() })
	c.follow(out, said, a, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait() // mostly that it was killed
	inTime := late.Stop()
	switch {
	case said.err != "" || complaint.Len() > 0:
		return said, fmt.Errorf("the writer failed: %s%s", said.err, complaint.String())
	case !inTime:
		return said, fmt.Errorf("the writer was not killed as it should within %v", lifeTime)
	case err == nil:
		return said, errors.New("the writer ended by itself")
	}
	var killed *exec.ExitError
	if !errors.As(err, &killed) {
		return said, err
	}
	return said, nil
}

// follow reads what a writer says until its end, and kills it when it is time, unless
// strace does.
func (c *crashing) follow(out io.Reader, said *transcript, a aim, kill func()) {
	var timer *time.Timer
	if a.call == 0 && !a.inside && a.line == 0 {
		timer = time.AfterFunc(a.delay, kill)
	}
	lines, begun := bufio.NewScanner(out), time.Time{}
	for n := 1; lines.Scan(); n++ {
		said.note(lines.Text())
		switch {
		case strings.HasPrefix(lines.Text(), "seal begin"):
			begun = time.Now()
			if a.call == 0 && a.inside && said.seals >= a.line {
				timer = time.AfterFunc(a.delay, kill)
			}
		case lines.Text() == "seal end":
			c.sealTime = max(time.Since(begun), 100*time.Microsecond)
			if a.inside && timer != nil {
				timer.Stop() // too late for this seal: the next
			}
		}
		if a.call == 0 && !a.inside && n == a.line {
			timer = time.AfterFunc(a.delay, kill)
		}
	}
}

// transcript is what a writer said.
type transcript struct {
	handed, committed int
	seals             int
	sealing           bool
	err               string
	tail              []string // the last few lines
}

func (s *transcript) note(line string) {
	if s.tail = append(s.tail, line); len(s.tail) > 6 {
		s.tail = s.tail[1:]
	}
	switch word, rest, _ := strings.Cut(line, " "); word {
	case "handed":
		_, _ = fmt.Sscan(rest, &s.handed)
	case "committed":
		_, _ = fmt.Sscan(rest, &s.committed)
	case "seal":
		s.sealing = strings.HasPrefix(rest, "begin")
		if s.sealing {
			s.seals++
		}
	case "error":
		s.err = rest
	}
}

// check checks the file that a killed writer left.
func (c *crashing) check(atLeast, atMost int) error {
	if _, err := os.Stat(c.path); os.IsNotExist(err) && atLeast == 0 {
		return nil // killed before it had made one
	}
	n, err := checkFile(c.path, c.stream, atLeast, atMost)
	if err != nil {
		return err
	}
	c.trades += n - c.durable
	c.durable = n
	return nil
}
