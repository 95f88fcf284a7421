package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
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

// streamStep is the time between two trades of a stream, in ms.
const streamStep = 20

// streamClock is when trade i of a stream arrives.
func streamClock(i int) int64 { return min(day.Open+streamStep*int64(i), day.Close-1) }

// streamTrade is trade i of the stream of a seed, as it is found in the file: some are
// late by a minute, and there is a new symbol now and then.
func streamTrade(seed uint64, i int) candle.Trade {
	rng := rand.New(rand.NewPCG(seed, uint64(i)))
	at, conditions := streamClock(i), []string{"", "14|37|41|", "12|", "37|"}
	t := candle.Trade{
		Symbol: "SPY", Time: at - rng.Int64N(8), Received: at + rng.Int64N(900),
		Price:      decimal(600_00+int64(i/7)%900+rng.Int64N(9), 2),
		Size:       decimal(rng.Int64N(500), 0),
		Conditions: conditions[rng.IntN(len(conditions))], Dark: rng.IntN(10) == 0,
	}
	switch pick := rng.IntN(1000); {
	case pick < 3:
		t.Symbol = fmt.Sprintf("N%d", i/4096)
	case pick < 10:
		t.Symbol, t.Price = "BRK.B", decimal(480_0000+rng.Int64N(90_000), 4)
	case pick < 80:
		t.Symbol = "QQQ"
	case pick < 250:
		t.Symbol, t.Size = "QLD", decimal(rng.Int64N(100_000), 3)
	}
	if rng.IntN(50) == 0 {
		t.Time -= 60_000
	}
	if fresh(i) {
		t.Size = decimal(1_000_000+int64(i), 0) // like no other
	}
	t.Time = max(t.Time, day.Open)
	return t
}

// decimal is units x 10^-scale without trailing zeros.
func decimal(units int64, scale uint8) candle.Decimal {
	for ; scale > 0 && units%10 == 0; scale-- {
		units /= 10
	}
	return candle.Decimal{Units: units, Scale: scale}
}

// fresh says whether trade i comes under suspicion of being an echo, and is none.
func fresh(i int) bool { return i%701 == 300 }

// streamFrames are the trades of a stream from one to before another, as they are
// handed over, and how many of them repeat an old one.
func streamFrames(seed uint64, from, until int) (frames []candle.Trade, repeated int) {
	for i := from; i < until; i++ {
		if i%499 == 250 {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			echo := streamTrade(seed, i-1-rng.IntN(min(i, 1<<rng.IntN(16)))) // of a late one, most often
			echo.Echo, echo.Conditions, echo.Received = true, "", streamClock(i)
			frames = append(frames, echo)
			repeated++
		}
		t := streamTrade(seed, i)
		t.Echo = fresh(i)
		frames = append(frames, t)
	}
	return frames, repeated
}

// stream is what the file should hold, as far as it was asked for. It may be used from
// any goroutine.
type stream struct {
	seed     uint64
	mu       sync.Mutex
	n        int
	bySymbol map[string]*tradesOf
	folds    map[foldKey][]candle.Candle
}

// tradesOf are the trades of one symbol, and which of the stream they are.
type tradesOf struct {
	trades []candle.Trade
	index  []int
}

type foldKey struct {
	symbol   string
	interval candle.Interval
	trades   int
}

func newStream(seed uint64) *stream {
	return &stream{seed: seed, bySymbol: make(map[string]*tradesOf), folds: make(map[foldKey][]candle.Candle)}
}

// first are the first n trades of the stream, by symbol.
func (s *stream) first(n int) map[string][]candle.Trade {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.n < n; s.n++ {
		t := streamTrade(s.seed, s.n)
		of := s.bySymbol[t.Symbol]
		if of == nil {
			of = new(tradesOf)
			s.bySymbol[t.Symbol] = of
		}
		of.trades, of.index = append(of.trades, t), append(of.index, s.n)
	}
	list := make(map[string][]candle.Trade)
	for symbol, of := range s.bySymbol {
		if k := sort.SearchInts(of.index, n); k > 0 {
			list[symbol] = of.trades[:k:k]
		}
	}
	return list
}

// candles are those of a symbol's first trades. The last few answers are remembered.
func (s *stream) candles(symbol string, v candle.Interval, trades []candle.Trade) []candle.Candle {
	key := foldKey{symbol, v, len(trades)}
	s.mu.Lock()
	list, ok := s.folds[key]
	s.mu.Unlock()
	if ok {
		return list
	}
	fold := candle.NewFold(v, 0)
	for i := range trades {
		fold.Add(&trades[i])
	}
	list = fold.Candles()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.folds) > 50 {
		clear(s.folds)
	}
	s.folds[key] = list
	return list
}

// checkFile checks a whole file: that it holds the first n trades of the stream, n at
// least and at most so many, and nothing else; that candles, ledger and counts are those
// of just these trades; and what bbolt checks.
func checkFile(path string, s *stream, atLeast, atMost int) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	f, err := store.OpenReadOnly(path)
	if err != nil {
		return 0, err
	}
	n, err = checkRows(f, s, atLeast, atMost)
	return n, errors.Join(err, f.Close(), checkPages(path), verify(path))
}

func verify(path string) error {
	report, err := store.Verify(context.Background(), path)
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("verify: %d problems, the first: %w", len(report.Problems), report.Problems[0])
	}
	return err
}

// checkPages is bbolt's own check.
func checkPages(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bolt.Tx) (all error) {
		for err := range tx.Check() {
			all = errors.Join(all, fmt.Errorf("bbolt's check: %w", err))
		}
		return all
	})
	return errors.Join(err, db.Close())
}

func checkRows(f *store.File, s *stream, atLeast, atMost int) (n int, err error) {
	got := make(map[string][]candle.Trade)
	for row, err := range f.Trades(day, nil) {
		if err != nil {
			return 0, err
		}
		n++
		if got[row.Symbol] = append(got[row.Symbol], row.Trade); row.Seq != int64(len(got[row.Symbol])) {
			return n, fmt.Errorf("trade %d of %s has number %d", len(got[row.Symbol]), row.Symbol, row.Seq)
		}
	}
	if n < atLeast || n > atMost {
		return n, fmt.Errorf("%d trades, but %d were committed and %d handed over", n, atLeast, atMost)
	}
	want := s.first(n)
	if err := checkTrades(got, want); err != nil {
		return n, err
	}
	if n == 0 {
		return 0, nil
	}
	return n, errors.Join(checkOne(f, n, want), checkFolds(f, s, want), checkSizes(f, want), checkAccount(f, n))
}

func checkTrades(got, want map[string][]candle.Trade) error {
	for symbol, list := range want {
		for i, t := range list {
			if have := got[symbol]; i >= len(have) {
				return fmt.Errorf("%s has %d trades, should have %d", symbol, len(have), len(list))
			} else if have[i] != t {
				return fmt.Errorf("trade %d of %s is %+v, should be %+v", i, symbol, have[i], t)
			}
		}
	}
	return nil // none is too many: the sum is right
}

// checkOne reads one symbol by itself, another one each time.
func checkOne(f *store.File, n int, want map[string][]candle.Trade) error {
	symbol := heardSymbols.Names()[n%heardSymbols.Len()]
	var got []candle.Trade
	for row, err := range f.Trades(day, []string{symbol}) {
		if err != nil {
			return err
		}
		got = append(got, row.Trade)
	}
	if !slices.Equal(got, want[symbol]) {
		return fmt.Errorf("%s read alone: %d trades, should be %d", symbol, len(got), len(want[symbol]))
	}
	return nil
}

func checkFolds(f *store.File, s *stream, want map[string][]candle.Trade) error {
	for _, v := range []candle.Interval{candle.Second, candle.HundredTrades} {
		got := make(map[string][]candle.Candle)
		for row, err := range f.Candles(day, nil, v, 0) {
			if err != nil {
				return err
			}
			got[row.Symbol] = append(got[row.Symbol], row.Candle)
		}
		for symbol, trades := range want {
			if err := sameCandles(got[symbol], s.candles(symbol, v, trades)); err != nil {
				return fmt.Errorf("%v candles of %s: %w", v, symbol, err)
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("%v candles of %d symbols, should be %d", v, len(got), len(want))
		}
	}
	return nil
}

// sameCandles compares all but First and Last: of a stored candle those are not kept.
func sameCandles(got, want []candle.Candle) error {
	if len(got) != len(want) {
		return fmt.Errorf("there are %d, should be %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.Volume.Cmp(w.Volume) != 0 || g.Turnover.Cmp(w.Turnover) != 0 {
			return fmt.Errorf("candle %d has volume %v and turnover %v, should have %v and %v", i, g.Volume, g.Turnover, w.Volume, w.Turnover)
		}
		g.First, g.Last, g.Volume, g.Turnover = w.First, w.Last, w.Volume, w.Turnover
		if g != w {
			return fmt.Errorf("candle %d is %+v, should be %+v", i, g, w)
		}
	}
	return nil
}

func checkSizes(f *store.File, want map[string][]candle.Trade) error {
	sizes, err := f.Sizes(day)
	if err != nil {
		return err
	}
	for symbol, trades := range want {
		if sizes[symbol].Trades != int64(len(trades)) {
			return fmt.Errorf("Sizes says %d trades of %s, should be %d", sizes[symbol].Trades, symbol, len(trades))
		}
	}
	return nil
}

// checkAccount checks the ledger and the counts: they are committed with the trades, so
// they go just as far, without a hole.
func checkAccount(f *store.File, n int) error {
	sessions, err := f.Sessions()
	if err != nil {
		return err
	}
	if len(sessions) != 1 || sessions[0].Session != day || sessions[0].Counts[ledger.Accepted] != int64(n) {
		return fmt.Errorf("with %d trades there is the account %+v", n, sessions)
	}
	spans, err := f.Spans(day)
	if err != nil {
		return err
	}
	at := day.Open
	for i, p := range spans {
		if p.From != at || p.Until < at {
			return fmt.Errorf("entry %d of the ledger is from %d until %d, should begin at %d", i, p.From, p.Until, at)
		}
		at = p.Until
	}
	// A process that closes before its first commit has entered why the one before stopped.
	if end := streamClock(n); at != end && at != end+streamStep/2 {
		return fmt.Errorf("the ledger ends at %d, the trades at %d", at, end)
	}
	return nil
}
