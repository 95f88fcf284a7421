package command_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/candle"
	"tapedeck/collector/command"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

var scale = flag.Int64("scale", 20_000_000, "trades of BenchmarkScale")

// scaleVariable makes the test binary the recorder of BenchmarkScale: trades, address,
// list of symbols, file.
const scaleVariable = "TAPEDECK_TEST_SCALE"

// scaleResult is what the recorder measured of itself.
type scaleResult struct {
	Trades                        int64
	Seconds                       float64
	CommitP50, CommitP99          float64 // ms
	RssAnon                       int64   // KB, the most
	Wchar                         int64
	EarlySeals                    int
	EarlySealSeconds, SealSeconds float64
	WorstAppend, WorstAppendSeal  float64 // ms
	FileBytes                     int64
}

// BenchmarkScale is a whole market recorded at full speed: simulate in one process, the
// recorder in another, on the same cores. It seals as it goes and when it is over.
func BenchmarkScale(b *testing.B) {
	folder := b.TempDir()
	names := make([]string, 11_000)
	for i := range names {
		names[i] = fmt.Sprintf("S%05d", i+1)
	}
	list := filepath.Join(folder, "symbols")
	if err := os.WriteFile(list, []byte(strings.Join(names, "\n")), 0o600); err != nil {
		b.Fatal(err)
	}
	market := exec.Command(binary(b), "simulate", "--count", "11000", "--limit", "0", "--rate", "500000", "--listen", "127.0.0.1:0", "--speed", "0")
	market.Env = environment()
	out, err := market.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := market.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = market.Process.Signal(syscall.SIGTERM)
		_ = market.Wait()
	}()
	url := ""
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		url = regexp.MustCompile(`ws://[0-9.:]+`).FindString(lines.Text())
	}
	b.ResetTimer()
	for range b.N {
		r := scaleRun(b, url, list, filepath.Join(folder, "scale.db"))
		b.ReportMetric(float64(r.Trades)/r.Seconds, "trades/s")
		b.ReportMetric(r.CommitP50, "ms-commit-p50")
		b.ReportMetric(r.CommitP99, "ms-commit-p99")
		b.ReportMetric(float64(r.RssAnon)/1024, "MB-RssAnon")
		b.ReportMetric(float64(r.Wchar)/float64(r.Trades), "wchar/trade")
		b.ReportMetric(float64(r.EarlySeals), "seals")
		b.ReportMetric(r.EarlySealSeconds, "s-sealing-meanwhile")
		b.ReportMetric(r.SealSeconds, "s-seal-at-the-end")
		b.ReportMetric(r.WorstAppendSeal, "ms-worst-append-sealing")
		b.ReportMetric(r.WorstAppend, "ms-worst-append-else")
		b.ReportMetric(float64(r.FileBytes)/float64(r.Trades), "file-bytes/trade")
	}
}

func scaleRun(b *testing.B, url, list, path string) (r scaleResult) {
	b.Helper()
	_ = os.Remove(path)
	recorder := exec.Command(os.Args[0])
	recorder.Env = append(environment(), fmt.Sprintf("%s=%d %s %s %s", scaleVariable, *scale, url, list, path))
	recorder.Stderr = os.Stderr
	told, err := recorder.Output()
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(told, &r); err != nil {
		b.Fatalf("%v: %s", err, told)
	}
	return r
}

// recordAtScale is the recorder of BenchmarkScale.
func recordAtScale() error {
	var trades int64
	var url, list, path string
	if _, err := fmt.Sscan(os.Getenv(scaleVariable), &trades, &url, &list, &path); err != nil {
		return err
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	file, err := store.Open(path, store.Options{Command: "scale", Source: "simulated"})
	if err != nil {
		return err
	}
	tape := &timedTape{File: file}
	feed := command.FeedOf(eodhd.Options{URL: url, Token: "x", Market: eodhd.US})
	recorder := collector.New(feed, tape, schedule.EveryDay{}, collector.Options{Symbols: strings.Fields(string(text)), AllHours: true})
	ctx, stop := context.WithCancel(context.Background())
	recorded := make(chan error, 1)
	go func() { recorded <- recorder.Run(ctx) }()
	n, _ := recorder.Totals()
	for ; n == 0; n, _ = recorder.Totals() {
		time.Sleep(time.Millisecond) // a real socket
	}
	begun := time.Now()
	r := scaleResult{}
	for ; n < trades; n, _ = recorder.Totals() {
		time.Sleep(50 * time.Millisecond)
		r.RssAnon = max(r.RssAnon, ofProc("status", "RssAnon:"))
	}
	stop()
	if err := <-recorded; err != nil {
		return err
	}
	r.Seconds = time.Since(begun).Seconds()
	r.Trades, _ = recorder.Totals()
	tape.into(&r)
	sealed := time.Now()
	done := make(chan error, 1)
	go func() { done <- sealAll(file) }()
	for sealing := true; sealing; {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			sealing = false
		case <-time.After(50 * time.Millisecond):
			r.RssAnon = max(r.RssAnon, ofProc("status", "RssAnon:"))
		}
	}
	r.SealSeconds = time.Since(sealed).Seconds()
	r.Wchar = ofProc("io", "wchar:")
	if err := file.Close(); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r.FileBytes = info.Size()
	return json.NewEncoder(os.Stdout).Encode(r)
}

func sealAll(file *store.File) error {
	sessions, err := file.Sessions()
	for _, s := range sessions {
		err = errors.Join(err, file.Seal(context.Background(), s.Session, true))
	}
	return err
}

// ofProc is a number of this process's, as the kernel counts: KB for sizes.
func ofProc(file, name string) (n int64) {
	text, err := os.ReadFile("/proc/self/" + file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			_, _ = fmt.Sscan(rest, &n)
		}
	}
	return n
}

// timedTape measures what the recorder asks of the file.
type timedTape struct {
	*store.File
	sealing atomic.Bool

	mu                sync.Mutex
	commits, seals    []time.Duration
	worst, worstSeals time.Duration
}

func (t *timedTape) Append(s ledger.Session, trades []candle.Trade) (ledger.Counts, error) {
	begun, during := time.Now(), t.sealing.Load()
	left, err := t.File.Append(s, trades)
	took := time.Since(begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	if during || t.sealing.Load() {
		t.worstSeals = max(t.worstSeals, took)
	} else {
		t.worst = max(t.worst, took)
	}
	return left, err
}

func (t *timedTape) Commit() error {
	begun := time.Now()
	err := t.File.Commit()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commits = append(t.commits, time.Since(begun))
	return err
}

func (t *timedTape) Seal(ctx context.Context, s ledger.Session, ended bool) error {
	begun := time.Now()
	t.sealing.Store(true)
	defer t.sealing.Store(false)
	err := t.File.Seal(ctx, s, ended)
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() == nil {
		t.seals = append(t.seals, time.Since(begun))
	}
	return err
}

func (t *timedTape) into(r *scaleResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	slices.Sort(t.commits)
	r.CommitP50, r.CommitP99 = ms(t.commits[len(t.commits)/2]), ms(t.commits[len(t.commits)*99/100])
	r.WorstAppend, r.WorstAppendSeal = ms(t.worst), ms(t.worstSeals)
	r.EarlySeals = len(t.seals)
	for _, d := range t.seals {
		r.EarlySealSeconds += d.Seconds()
	}
}
