package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// writerVariable makes the test binary a writer: seed, life, how many rounds, before
// which transaction of its seals it kills itself (0: none), path.
const writerVariable = "TAPEDECK_TEST_WRITER"

func writerEntry(seed, life uint64, rounds, dieBefore int, path string) string {
	return fmt.Sprintf("%s=%d %d %d %d %s", writerVariable, seed, life, rounds, dieBefore, path)
}

func TestMain(m *testing.M) {
	if os.Getenv(writerVariable) == "" {
		os.Exit(m.Run())
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// streamTrade is the i-th trade of the stream that a seed stands for: anybody can tell
// what a file should hold from how many trades it has.
func streamTrade(seed uint64, i int64) candle.Trade {
	rng := rand.New(rand.NewPCG(seed, uint64(i)))
	received := day.Open + 60_000 + i*20
	t := candle.Trade{
		Symbol: fmt.Sprintf("S%d", int(rng.ExpFloat64()*1.5)), Time: received - 50 - rng.Int64N(20), Received: received,
		Price:      candle.Decimal{Units: 10_001 + rng.Int64N(200)*10, Scale: 2},
		Size:       candle.Decimal{Units: 1 + rng.Int64N(500)},
		Conditions: []string{"", "14|37|41|"}[rng.IntN(2)],
	}
	if rng.IntN(10) == 0 { // late
		t.Time -= rng.Int64N(60_000)
	}
	t.Time = min(t.Time, day.Close-1)
	return t
}

// stream is trades from to before until.
func stream(seed uint64, from, until int64) []candle.Trade {
	list := make([]candle.Trade, 0, until-from)
	for i := from; i < until; i++ {
		list = append(list, streamTrade(seed, i))
	}
	return list
}

// write is the writer's life: it goes on where the file stands, and tells on stdout, a
// line each, what is durable and when it seals.
func write() error {
	var seed, life uint64
	var rounds, dieBefore int
	var path string
	if _, err := fmt.Sscan(os.Getenv(writerVariable), &seed, &life, &rounds, &dieBefore, &path); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(seed, life))
	f, err := store.Open(path, store.Options{Command: "writer", Source: "simulated"})
	if err != nil {
		return err
	}
	at, err := streamed(f)
	if err != nil {
		return err
	}
	f.StopSealAfter(dieBefore, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	heard := ledger.Span{From: day.Open, Until: day.Open, Symbols: ledger.NewSymbols("S0", "S1")}
	sealing := make(chan error, 1)
	busy := false
	for range rounds {
		n := 1 + rng.Int64N(600)
		if _, err := f.Append(day, stream(seed, at, at+n)); err != nil {
			return err
		}
		at += n
		heard.Until = day.Open + at
		f.Enter(day, nil, []ledger.Span{heard})
		f.Count(day, ledger.Counts{ledger.Accepted: n})
		if err := f.Commit(); err != nil {
			return err
		}
		fmt.Println("committed", at)
		if !busy && f.Unsealed(day) > 64<<10 {
			busy = true
			fmt.Println("seal begins")
			go func() { sealing <- f.Seal(context.Background(), day, life%3 == 0) }()
		}
		if wait := rng.IntN(4) == 0; busy {
			select {
			case err := <-sealing:
				if err != nil {
					return err
				}
				busy = false
				fmt.Println("seal ends")
			default:
				if wait {
					err := <-sealing
					sealing <- err
				}
			}
		}
	}
	if busy {
		if err := <-sealing; err != nil {
			return err
		}
	}
	if err := f.Seal(context.Background(), day, true); err != nil {
		return err
	}
	fmt.Println("closing")
	return f.Close()
}

// streamed is how many trades of the stream the file has.
func streamed(f *store.File) (n int64, err error) {
	for _, err := range f.Trades(day, nil) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// checkStream checks that the file holds the stream up to some trade, at least that
// many and at most so many, and their candles; and the whole file. It returns how many.
func checkStream(t *testing.T, path string, seed uint64, atLeast, atMost int64) int64 {
	t.Helper()
	recheck(t, path)
	f, err := store.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := streamed(f)
	if err != nil {
		t.Fatal(err)
	}
	if n < atLeast || n > atMost {
		t.Fatalf("%d trades, want %d to %d", n, atLeast, atMost)
	}
	holds(t, f, day, stream(seed, 0, n))
	spans, err := f.Spans(day)
	if err != nil || n > 0 && (len(spans) == 0 || spans[len(spans)-1].Until != day.Open+n) {
		t.Fatalf("ledger %v, %v: want it to end at trade %d", spans, err, n)
	}
	if slices.ContainsFunc(spans, func(p ledger.Span) bool { return p.Cause != ledger.Heard }) {
		t.Fatalf("ledger %v", spans)
	}
	return n
}
