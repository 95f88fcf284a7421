//go:build linux

package command

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

var (
	exportSessions = flag.Int("exportsessions", 25, "how many sessions of one symbol BenchmarkExport reads; a year has 252")
	exportSymbols  = flag.Int("exportsymbols", 500, "how many symbols of one session it reads; a whole market has 11000")
	exportPeers    = flag.Bool("exportpeers", false, "have DuckDB (npm install --prefix .ci) and sqlite3 write the same rows")
)

// BenchmarkExport is the program, as a process on one core, writing sealed sessions to a
// file: rows a second and the most RssAnon.
//
//	go test -run '^$' -bench 'Export$' -benchtime 3x ./collector/command -exportsessions 252 -exportsymbols 11000
func BenchmarkExport(b *testing.B) {
	year := newLibrary(b, *exportSessions, 1, 40_000)
	market := newLibrary(b, 1, *exportSymbols, 2000)
	for _, c := range []struct {
		name string
		l    *library
		args []string
	}{
		{"year/1s/csv", year, []string{"1s"}},
		{"year/trades/csv", year, []string{"trades"}},
		{"year/trades4/csv", year, []string{"trades", "--columns", "time,symbol,price,size"}},
		{"year/100t/csv", year, []string{"100t"}},
		{"year/1m/csv", year, []string{"1m"}},
		{"year/1s/jsonl", year, []string{"1s", "--format", "jsonl"}},
		{"year/1s/parquet", year, []string{"1s", "--format", "parquet"}},
		{"year/trades/parquet", year, []string{"trades", "--format", "parquet"}},
		{"market/1s/csv", market, []string{"1s"}},
		{"market/trades/csv", market, []string{"trades"}},
		{"market/trades/parquet", market, []string{"trades", "--format", "parquet"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			out := filepath.Join(b.TempDir(), "out")
			rows, anon := int64(0), 0
			for b.Loop() {
				b.StopTimer()
				_ = os.Remove(out) // the time of a first export: to free the one before takes its own
				b.StartTimer()
				n, kb := c.l.export(b, out, c.args...)
				rows += n
				anon = max(anon, kb)
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
			b.ReportMetric(float64(anon)/1024, "anon-MB")
		})
	}
	if *exportPeers {
		year.peers(b)
	}
}

// library is a file of sealed sessions.
type library struct {
	path string
	rows map[string]int64
}

var libraryOpen = time.Date(2025, 11, 20, 14, 30, 0, 0, time.UTC)

// newLibrary records sessions of a price that walks, some trades a second, and seals them.
func newLibrary(b *testing.B, sessions, symbols, trades int) *library {
	b.Helper()
	path := filepath.Join(b.TempDir(), "library.db")
	f, err := store.Open(path, store.Options{Command: "bench", Source: "simulated, seed 1", NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var names []string
	for i := range symbols {
		names = append(names, fmt.Sprintf("S%05d", i+1))
	}
	all := ledger.NewSymbols(names...)
	for day := range sessions {
		open := libraryOpen.AddDate(0, 0, day).UnixMilli()
		s := ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 23_400_000, Stated: true}
		if err := f.Begin(s, s.Open); err != nil {
			b.Fatal(err)
		}
		f.Enter(s, []ledger.Span{{From: s.Open, Until: s.Close, Symbols: all}}, nil)
		for _, name := range names {
			if _, err := f.Append(s, walk(r, s, name, trades)); err != nil {
				b.Fatal(err)
			}
			if f.Staged() > 4<<20 {
				if err := f.Commit(); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := f.Commit(); err != nil {
			b.Fatal(err)
		}
		if err := f.Seal(context.Background(), s, true); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return &library{path, make(map[string]int64)}
}

// walk is a day of trades of one symbol.
func walk(r *rand.Rand, s ledger.Session, name string, n int) []candle.Trade {
	list := make([]candle.Trade, n)
	price := int64(7044)
	for i := range list {
		at := s.Open + (s.Close-s.Open)*int64(i)/int64(n) + r.Int64N(300)
		price = max(100, price+r.Int64N(5)-2)
		d := candle.Decimal{Units: price, Scale: 2}
		if r.IntN(10) == 0 {
			d = candle.Decimal{Units: price*100 + 1 + 2*r.Int64N(49), Scale: 4}
		}
		if d, err := candle.ParseDecimal([]byte(d.String())); err == nil { // without zeros at the end
			list[i].Price = d
		}
		list[i].Symbol, list[i].Time, list[i].Received = name, min(at, s.Close-1), at+40+r.Int64N(80)
		list[i].Size, list[i].Conditions, list[i].Dark = candle.Decimal{Units: 1 + r.Int64N(300)}, "14|37|"[:3*r.IntN(3)], r.IntN(3) == 0
	}
	return list
}

// export runs the program on one core; it returns the rows and the most RssAnon in KB.
func (l *library) export(b *testing.B, out string, args ...string) (rows int64, anon int) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command("taskset", append([]string{"-c", "1", self, "export", "--db", l.path, "--session", "all", "-o", out}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "GOMAXPROCS=1")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				b.Fatalf("%v: %s", err, said.String())
			}
			text, _, _ := strings.Cut(said.String(), " ")
			rows, err = strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
			if err != nil {
				b.Fatal(said.String())
			}
			return rows, anon
		case <-time.After(10 * time.Millisecond):
			anon = max(anon, anonOf(cmd.Process.Pid))
		}
	}
}

// anonOf is a process's RssAnon in KB.
func anonOf(pid int) (kb int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, text, _ := strings.Cut(string(status), "RssAnon:")
	_, _ = fmt.Sscan(text, &kb)
	return kb
}

// peers has DuckDB and sqlite3 write what the program wrote, from tables of their own.
func (l *library) peers(b *testing.B) {
	folder := b.TempDir()
	for _, what := range []string{"1s", "trades"} {
		l.export(b, filepath.Join(folder, what+".parquet"), what)
		l.export(b, filepath.Join(folder, what+".csv"), what)
	}
	for _, cores := range []string{"1", "0,1"} {
		script, err := filepath.Abs("../../.ci/peers.cjs")
		if err != nil {
			b.Fatal(err)
		}
		peers := exec.Command("taskset", "-c", cores, "node", script, folder, fmt.Sprint(1+len(cores)/2))
		peers.Env = node(b, folder).Env
		out, err := peers.CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		fmt.Printf("on cores %s:\n%s", cores, out)
	}
}
