package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("S%05d", i+1)
	}
	return list
}

// second makes the n trades of one second of a market: in order of arrival, a few of
// them late, each symbol around a price of its own.
func second(rng *rand.Rand, n int, symbols ...string) []candle.Trade {
	list := make([]candle.Trade, n)
	conditions := []string{"", "", "14|37|41|", "37|"}
	lots := []int64{100, 100, 200, 500, 1, 5, 37, 90}
	for i := range list {
		arrived := day.Open + int64(i)*1000/int64(n) + 70
		lag := 60 + rng.Int64N(25)
		if rng.IntN(50) == 0 {
			lag += rng.Int64N(20_000)
		}
		symbol := rng.IntN(len(symbols))
		list[i] = candle.Trade{Symbol: symbols[symbol], Time: max(day.Open, arrived-lag), Received: arrived,
			Price: candle.Decimal{Units: 1000 + int64(symbol)*7919%40_000 + rng.Int64N(9), Scale: 2},
			Size:  candle.Decimal{Units: lots[rng.IntN(len(lots))]}, Conditions: conditions[rng.IntN(4)], Dark: rng.IntN(10) == 0}
		for p := &list[i].Price; p.Units%10 == 0 && p.Scale > 0; p.Scale-- {
			p.Units /= 10
		}
	}
	return list
}

// durable opens a file that is synced as in real life.
func durable(b *testing.B) (*store.File, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "a.db")
	f, err := store.Open(path, store.Options{Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	})
	return f, path
}

// BenchmarkAppend is the cost of a trade in memory: ns/op is a trade.
func BenchmarkAppend(b *testing.B) {
	for _, symbols := range []int{1, 50, 1000, 11000} {
		b.Run(fmt.Sprintf("symbols=%d", symbols), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			batch := second(rng, 10_000, names(symbols)...)
			f, _ := durable(b)
			b.ReportAllocs()
			for done := 0; done < b.N; done += len(batch) {
				if _, err := f.Append(day, batch[:min(len(batch), b.N-done)]); err != nil {
					b.Fatal(err)
				}
				if f.Staged() > 8<<20 {
					b.StopTimer()
					if err := f.Commit(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			}
		})
	}
}

// BenchmarkCommit is one durable commit a second of market: 1 trade a second for
// one symbol, up to 500,000 of 11,000 symbols. It reports the median, the 99th
// percentile, and what is handed to the kernel to write.
func BenchmarkCommit(b *testing.B) {
	for _, c := range []struct{ symbols, trades int }{{1, 1}, {50, 500}, {1000, 10_000}, {11000, 500_000}} {
		b.Run(fmt.Sprintf("symbols=%d/trades=%d", c.symbols, c.trades), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			batch := second(rng, c.trades, names(c.symbols)...)
			heard := ledger.Span{From: day.Open, Until: day.Open, Symbols: ledger.NewSymbols(names(c.symbols)...)}
			f, _ := durable(b)
			var took []time.Duration
			before := written()
			for b.Loop() {
				b.StopTimer()
				if _, err := f.Append(day, batch); err != nil {
					b.Fatal(err)
				}
				heard.Until += 1000
				f.Enter(day, nil, []ledger.Span{heard})
				f.Count(day, ledger.Counts{ledger.Accepted: int64(len(batch))})
				b.StartTimer()
				start := time.Now()
				if err := f.Commit(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
			b.ReportMetric(float64(written()-before)/float64(len(took))/1024, "KB/commit")
		})
	}
}

// BenchmarkRecover is what a start after kill -9 does before it records again, and
// what a reader does with the tape it finds: open, join the session, fold it.
func BenchmarkRecover(b *testing.B) {
	const n = 440_000
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(b.TempDir(), "a.db")
	f, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	batch := trades(rng, day, n, names(5)...)
	for chunk := range slices.Chunk(batch, 5000) {
		if _, err := f.Append(day, chunk); err != nil {
			b.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	for _, step := range []string{"join", "fold"} {
		b.Run(fmt.Sprintf("%s/trades=%d", step, n), func(b *testing.B) {
			for b.Loop() {
				f, err := store.Open(path, store.Options{NoSync: true})
				if err != nil {
					b.Fatal(err)
				}
				if step == "join" {
					_, err = f.Append(day, nil)
				} else {
					for _, e := range f.Candles(day, nil, candle.Second, 0) {
						err = e
					}
				}
				if err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/trade")
		})
	}
}

// BenchmarkSeal is the seal of a whole market: 11,000 symbols, ns/trade from the tape to
// blocks and stored candles.
func BenchmarkSeal(b *testing.B) {
	const n = 5_000_000
	rng := rand.New(rand.NewPCG(1, 2))
	all := names(11_000)
	for b.Loop() {
		b.StopTimer()
		f, err := store.Open(filepath.Join(b.TempDir(), "a.db"), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for part := range int64(10) {
			batch := second(rng, n/10, all...)
			for i := range batch {
				batch[i].Time += part * 1000
				batch[i].Received += part * 1000
			}
			if _, err := f.Append(day, batch); err != nil {
				b.Fatal(err)
			}
			if err := f.Commit(); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if err := f.Seal(b.Context(), day, true); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/trade")
}

// BenchmarkMorningAfter is a commit of one symbol on the day after a whole session of a
// commit a second was recorded and sealed: what the pages that are free again cost.
func BenchmarkMorningAfter(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(b.TempDir(), "a.db")
	f, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	qld := ledger.NewSymbols("QLD")
	commit := func(s ledger.Session, n int64) {
		batch := second(rng, 1+rng.IntN(3), "QLD")
		for i := range batch {
			batch[i].Time, batch[i].Received = s.Open+n*1000, s.Open+n*1000+70
		}
		if _, err := f.Append(s, batch); err != nil {
			b.Fatal(err)
		}
		f.Enter(s, nil, []ledger.Span{{From: s.Open, Until: s.Open + n*1000, Symbols: qld}})
		f.Count(s, ledger.Counts{ledger.Accepted: int64(len(batch))})
		if err := f.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	before := written()
	for n := range int64(23_400) {
		commit(day, n)
	}
	session := written() - before
	if err := f.Seal(b.Context(), day, true); err != nil {
		b.Fatal(err)
	}
	next := day
	next.Open, next.Close = day.Open+86_400_000, day.Close+86_400_000
	before = written()
	n := int64(0)
	for b.Loop() {
		commit(next, n%23_000)
		n++
	}
	b.ReportMetric(float64(session)/1e6, "MB-session-before")
	b.ReportMetric(float64(written()-before)/float64(n)/1024, "KB/commit")
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
