package command

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/collector/playback"
	"tapedeck/schedule"
	"tapedeck/store"
)

var (
	pairs    = flag.Int("pairs", 1, "how many pairs of runs TestReadersBeside and TestStalledReaders make")
	pairTime = flag.Duration("pairtime", 1500*time.Millisecond, "how long each of their runs takes")
)

// appends measures how long the recorder waits for the tape.
type appends struct {
	*store.File
	mu   sync.Mutex
	took []time.Duration
}

func (a *appends) Append(s ledger.Session, trades []candle.Trade) (ledger.Counts, error) {
	begun := time.Now()
	left, err := a.File.Append(s, trades)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.took = append(a.took, time.Since(begun))
	return left, err
}

// quantile is how long the part q of the appends took at most.
func (a *appends) quantile(q float64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.took)
	return a.took[int(float64(len(a.took)-1)*q)]
}

// desk is a recorder in this process that records as fast as a market comes, with its
// socket. The server is a process of its own, as in life.
type desk struct {
	file     *store.File
	tape     *appends
	recorder *collector.Recorder
	market   *playback.Market
	socket   string
	stop     func()
}

var deskSession = ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000} // 2025-11-21

// newDesk records a market of so many trades a second of market time; speed is the server's.
// before is done when the file and the socket are there and nobody records yet.
func newDesk(tb testing.TB, symbols int, rate, speed float64, before ...func(*desk)) *desk {
	tb.Helper()
	d := &desk{market: playback.NewMarket(playback.MarketOptions{Seed: 1, Count: symbols, Session: deskSession, Rate: rate})}
	url := simulate(tb, "--count", fmt.Sprint(symbols), "--rate", fmt.Sprint(rate), "--speed", fmt.Sprint(speed), "--limit", "0", "--lead", "1s", "--date", deskSession.Date())
	var err error
	d.file, err = store.Open(filepath.Join(tb.TempDir(), "a.db"), store.Options{Command: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	d.tape = &appends{File: d.file}
	ctx, cancel := context.WithCancel(context.Background())
	socket, err := monitor.Listen(d.file.Path(), "")
	if err != nil {
		tb.Fatal(err)
	}
	d.socket = socket.Path
	answering := make(chan error, 1)
	reading := &live{file: d.file, plan: always{}, run: new(runCommand), clock: collector.Clock{}}
	go func() { answering <- monitor.Serve(ctx, socket, monitor.Handler(reading.answers(), failure)) }()
	for _, each := range before {
		each(d)
	}
	feed := feedOf(eodhd.Options{URL: url, Token: "x", Market: eodhd.US})
	d.recorder = collector.New(feed, d.tape, schedule.EveryDay{}, collector.Options{Symbols: d.market.Symbols(), AllHours: true})
	recorded := make(chan error, 1)
	go func() { recorded <- d.recorder.Run(ctx) }()
	for ok := false; !ok; _, ok, err = d.file.Last() { // until the first commit
		if err != nil {
			tb.Fatal(err)
		}
		time.Sleep(time.Millisecond) // a real socket
	}
	d.stop = sync.OnceFunc(func() {
		cancel()
		for _, c := range []chan error{recorded, answering} {
			if err := <-c; err != nil {
				tb.Error(err)
			}
		}
		_ = socket.Close()
	})
	tb.Cleanup(func() {
		d.stop()
		if err := d.file.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// simulate serves a market in a process of its own until the test ends, and returns its
// address.
func simulate(tb testing.TB, args ...string) (url string) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	server := exec.Command(self, append([]string{"simulate", "--listen", "127.0.0.1:0"}, args...)...)
	server.Env = append(os.Environ(), asProgram+"=1")
	out, err := server.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := server.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	})
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		url = regexp.MustCompile(`ws://[0-9.:]+`).FindString(lines.Text())
	}
	if url == "" {
		tb.Fatal("the server did not begin")
	}
	return url
}

// checkNothingLost stops the recorder and compares what is on file with what the market
// has sent by then: by symbol, how many trades, and the sum of their times.
func (d *desk) checkNothingLost(t *testing.T) (trades int64) {
	t.Helper()
	d.stop()
	type sum struct{ trades, times int64 }
	got := make(map[string]sum)
	day := ledger.Day(deskSession.Open)
	if err := d.file.Seal(context.Background(), day, false); err != nil { // blocks are read faster than a long tape
		t.Fatal(err)
	}
	for row, err := range d.file.Trades(day, nil) {
		if err != nil {
			t.Fatal(err)
		}
		s := got[row.Symbol]
		got[row.Symbol] = sum{s.trades + 1, s.times + row.Time}
		trades++
	}
	want, left := make(map[string]sum), trades
	for e, err := range d.market.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		s := want[e.Symbol]
		want[e.Symbol] = sum{s.trades + 1, s.times + e.Time}
		left--
	}
	for symbol, w := range want {
		if got[symbol] != w {
			t.Errorf("%s: %v on file, %v were sent", symbol, got[symbol], w)
		}
	}
	if trades == 0 || len(got) != len(want) {
		t.Errorf("%d trades of %d symbols on file, want %d symbols", trades, len(got), len(want))
	}
	return trades
}

// TestReadersBeside exports everything, again and again, while trades come as fast as the
// socket and the file take them: none is lost. How long an append takes with and without
// that is printed: -pairs 5 -pairtime 30s is the long form.
func TestReadersBeside(t *testing.T) {
	var ratios []float64
	for range *pairs {
		without, rate1, _ := fullRate(t, false)
		with, rate2, exports := fullRate(t, true)
		ratios = append(ratios, float64(with)/float64(without))
		t.Logf("append p99: %v without, %v with %d exports; %.2f and %.2f million trades/s", without, with, exports, rate1, rate2)
	}
	slices.Sort(ratios)
	t.Logf("median ratio of append p99: %.2f of %.2f", ratios[len(ratios)/2], ratios)
}

func fullRate(t *testing.T, reading bool) (p99 time.Duration, millions float64, exports int) {
	t.Helper()
	d := newDesk(t, 50, 1_000_000, 0)
	ctx, cancel := context.WithTimeout(context.Background(), *pairTime)
	defer cancel()
	begun := time.Now()
	for _, what := range exportsFor(reading) {
		for ctx.Err() == nil {
			asked := url.Values{"what": {what}, "session": {"all"}}
			if _, err := monitor.Ask(ctx, d.socket, "export", asked, io.Discard); err != nil && ctx.Err() == nil {
				t.Fatal(err)
			}
			exports++
			if what != "trades" {
				break
			}
		}
	}
	<-ctx.Done()
	took := time.Since(begun)
	trades := d.checkNothingLost(t)
	return d.tape.quantile(0.99), float64(trades) / took.Seconds() / 1e6, exports
}

// exportsFor is everything there is to export, the trades last and again and again.
func exportsFor(reading bool) []string {
	if !reading {
		return nil
	}
	return []string{"coverage", "1s", "100t", "trades"}
}

// TestStalledReaders lets 20 clients ask for everything, read a random part and then
// nothing any more. Then trades come as fast as they are taken: the file grows for each
// trade as it does without them. The latencies are printed.
func TestStalledReaders(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range *pairs {
		var p99 [2]time.Duration
		var each [2]float64
		for i, clients := range []int{0, 20} {
			d := newDesk(t, 50, 1_000_000, 0, func(d *desk) {
				before := ledger.Day(deskSession.Open - 24*time.Hour.Milliseconds())
				appendTrades(t, d.file, before, 200_000) // 14 MB as CSV
				var asking sync.WaitGroup
				for range clients {
					bytes := random.IntN(8 << 20)
					asking.Go(func() { stall(t, d.socket, bytes) })
				}
				asking.Wait()
			})
			time.Sleep(*pairTime)
			p99[i] = d.tape.quantile(0.99)
			trades := d.checkNothingLost(t)
			space, err := d.file.Space()
			if err != nil {
				t.Fatal(err)
			}
			each[i] = float64(space.Pages*space.PageSize) / float64(trades)
		}
		t.Logf("without and with 20 stalled clients: append p99 %v and %v, ratio %.2f; %.1f and %.1f bytes of file a trade", p99[0], p99[1], float64(p99[1])/float64(p99[0]), each[0], each[1])
		// A read transaction that is held keeps each freed page: the file would be many times as large.
		if each[1] > 1.5*each[0]+4 {
			t.Errorf("the file grows by %.1f bytes a trade, without readers by %.1f", each[1], each[0])
		}
	}
}

// stall asks for all trades, reads so many bytes, and holds the connection until the end of
// the test.
func stall(t *testing.T, socket string, bytes int) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprint(conn, "GET /export?what=trades&session=all HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Error(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.CopyN(io.Discard, conn, int64(bytes)); err != nil {
		t.Errorf("a client that was to stall: %v", err)
	}
}
