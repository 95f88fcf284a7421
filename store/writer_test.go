package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// The process that TestCrash kills and that TestPowerLoss watches is this test
// binary, started again with writerRole in its environment: "stream" writes until it
// is killed, "program" writes something short and ends.
const writerRole = "TAPEDECK_TEST_WRITER"

func TestMain(m *testing.M) {
	if role := os.Getenv(writerRole); role != "" {
		if err := write(role, os.Args[1:]); err != nil {
			say("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writerCommand starts this binary as a writer, under wrapper if there is one.
func writerCommand(t testing.TB, wrapper []string, role string, args ...any) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := slices.Concat(wrapper, []string{self})
	for _, a := range args {
		line = append(line, fmt.Sprint(a))
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), writerRole+"="+role)
	return cmd
}

func write(role string, args []string) error {
	var numbers [4]uint64
	for i, a := range args[1:] {
		n, err := strconv.ParseUint(a, 10, 64)
		if err != nil {
			return err
		}
		numbers[i] = n
	}
	w := &writer{path: args[0], seed: numbers[0], loud: true}
	switch role {
	case "stream":
		return w.stream(rand.New(rand.NewPCG(numbers[1], 0)), int(numbers[2]), int(numbers[3]))
	case "program":
		return w.program()
	}
	return fmt.Errorf("no writer is called %s", role)
}

// say writes a line to standard output, in one write and at once.
func say(what ...any) { _, _ = os.Stdout.WriteString(fmt.Sprintln(what...)) }

// writer records the stream of a seed into a file. Before what it hands over can
// be durable it says "handed N", and after it must be "committed N": the first N
// trades of the stream.
type writer struct {
	path string
	seed uint64
	f    *store.File
	n    int   // trades of the stream handed over
	from int64 // where the open entry of the ledger begins
	loud bool
}

// say says something, if anybody listens.
func (w *writer) say(what ...any) {
	if w.loud {
		say(what...)
	}
}

// open opens the file and finds out how much of the stream it holds. What comes next
// in the ledger is why the record stopped: it begins half a trade on.
func (w *writer) open(sync bool) error {
	f, err := store.Open(w.path, store.Options{Command: "test", Source: "stream", NoSync: !sync})
	if err != nil {
		return err
	}
	w.f, w.n, w.from = f, 0, day.Open
	for _, err := range f.Trades(day, nil) {
		if err != nil {
			return err
		}
		w.n++
	}
	w.say("opened", w.n)
	if w.n == 0 {
		return nil
	}
	w.from = streamClock(w.n) + streamStep/2
	return f.Begin(day, w.from)
}

// batch records the next count trades in one commit.
func (w *writer) batch(count int) error {
	frames, repeated := streamFrames(w.seed, w.n, w.n+count)
	for len(frames) > 0 { // as they come, in more than one piece
		n := (len(frames) + 1) / 2
		left, err := w.f.Append(day, frames[:n])
		if err != nil {
			return err
		}
		repeated -= int(left[ledger.RejectedEcho])
		frames = frames[n:]
	}
	if repeated != 0 {
		return fmt.Errorf("of the echoes from trade %d on, %d too few were left out of %d trades", w.n, repeated, count)
	}
	w.n += count
	w.f.Count(day, ledger.Counts{ledger.Accepted: int64(count)})
	w.enter()
	w.say("handed", w.n)
	if err := w.f.Commit(); err != nil {
		return err
	}
	w.say("committed", w.n)
	return nil
}

// enter says in the ledger that the feed was heard up to here; now and then for good.
func (w *writer) enter() {
	span := []ledger.Span{{From: w.from, Until: streamClock(w.n), Symbols: heardSymbols}}
	if w.n%8 == 0 {
		w.f.Enter(day, span, nil)
		w.from = streamClock(w.n)
		return
	}
	w.f.Enter(day, nil, span)
}

var heardSymbols = ledger.NewSymbols("SPY", "QLD", "QQQ", "BRK.B")

// stream writes until it is killed. The largest commits are of 1<<size trades. aim is
// 0, or which fdatasync of a seal it is to be killed at by strace.
func (w *writer) stream(rng *rand.Rand, size, aim int) error {
	a, err := newAimer(w.path, aim)
	if err != nil {
		return err
	}
	err = a.apart(func() error { return w.open(true) })
	for err == nil {
		switch pick := rng.IntN(100); {
		case pick < 1:
			err = a.apart(w.reopen)
		case pick < 2 && aim == 0: // it seals what nobody aims at
			err = w.compact()
		case pick < 10:
			err = a.apart(func() error { return w.batch(1 + rng.IntN(1<<(size-rng.IntN(6)))) })
		case pick < 25:
			err = w.sealAside(a, rng)
		default:
			err = a.apart(func() error { return w.batch(1 + rng.IntN(400)) })
		}
	}
	return err
}

func (w *writer) reopen() error {
	if err := w.f.Close(); err != nil {
		return err
	}
	return w.open(true)
}

// compact writes the file anew in between, as if its session had ended.
func (w *writer) compact() error {
	if err := w.f.Close(); err != nil {
		return err
	}
	o := store.Options{Command: "test", Source: "stream"}
	if _, _, err := store.Compact(context.Background(), w.path, o, day.Close+1); err != nil {
		return err
	}
	return w.open(true)
}

// sealAside seals, and half of the time records on meanwhile, as a recorder does. Then
// now and then it stops the seal before it is done.
func (w *writer) sealAside(a *aimer, rng *rand.Rand) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended, done := rng.IntN(2) == 0, make(chan error, 1)
	go func() { done <- a.aimed(func() error { return w.seal(ctx, ended) }) }()
	if rng.IntN(2) == 0 {
		return <-done
	}
	for range 40 {
		select {
		case err := <-done:
			return err
		default:
		}
		if rng.IntN(80) == 0 {
			cancel()
		}
		if err := a.apart(func() error { return w.batch(1 + rng.IntN(100)) }); err != nil {
			return err
		}
	}
	return <-done
}

// seal says when it begins and ends. Told to stop, it is no less right.
func (w *writer) seal(ctx context.Context, ended bool) error {
	w.say("seal begin", ended)
	if err := w.f.Seal(ctx, day, ended); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	w.say("seal end")
	return nil
}

// aimer lets strace hit inside a seal. strace counts the calls of each thread by
// itself. So everything is done on a thread of its own; that of a seal begins with
// calls that do nothing, so many that the kill comes at the right one; and everything
// else makes fewer calls than that.
type aimer struct {
	idle *bolt.DB // nil when nobody aims
	aim  int      // the seal's call that is to be hit, counted from 1
	left int      // the same for the next seal: they get closer until one is hit
}

// aimedBase is more than the fdatasyncs of anything but a seal. The most are those of
// creating and opening a file: 5.
const aimedBase = 12

func newAimer(path string, aim int) (*aimer, error) {
	a := &aimer{aim: aim, left: aim}
	if aim == 0 {
		return a, nil
	}
	return a, a.apart(func() (err error) {
		a.idle, err = bolt.Open(path+".idle", 0o600, nil)
		return err
	})
}

// apart runs f on a thread that ends with it.
func (a *aimer) apart(f func() error) error {
	if a.aim == 0 {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: that ends the thread
		done <- f()
	}()
	return <-done
}

// aimed runs a seal where strace will hit it.
func (a *aimer) aimed(seal func() error) error {
	return a.apart(func() error {
		if a.aim > 0 {
			for range aimedBase + a.aim - a.left {
				if err := a.idle.Sync(); err != nil {
					return err
				}
			}
			a.left = max(1, a.left/2)
		}
		return seal()
	})
}

// program records, seals and opens again, in everything that a file goes through, and
// ends.
func (w *writer) program() error {
	steps := []func() error{
		func() error { return w.open(true) },
		w.batches(1, 40, 6000, 300),
		w.sealing(false, 20),
		w.batches(5000, 20),
		w.reopen,
		w.batches(7000, 500),
		w.sealing(false, 60),
		w.batches(4000),
		w.sealing(true, 30),
		w.batches(1),
		w.reopen,
		w.sealing(true, 0),
		w.batches(1000),
		w.compact,
		w.batches(3),
		func() error { return w.f.Close() },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	w.say("closed")
	return nil
}

func (w *writer) batches(counts ...int) func() error {
	return func() error {
		for _, n := range counts {
			if err := w.batch(n); err != nil {
				return err
			}
		}
		return nil
	}
}

// sealing seals while some small commits go on.
func (w *writer) sealing(ended bool, trades int) func() error {
	return func() error {
		done := make(chan error, 1)
		go func() { done <- w.seal(context.Background(), ended) }()
		for range trades / 10 {
			if err := w.batch(10); err != nil {
				return err
			}
		}
		return <-done
	}
}
