package command

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
	"tapedeck/schedule"
	"tapedeck/store"
)

// BenchmarkPipeline is the whole way of a trade: a loopback WebSocket, decoded,
// appended, committed with fsync. The server runs in the same process, on the same
// cores. The last commit is inside the time; trades/s counts all that were committed.
func BenchmarkPipeline(b *testing.B) {
	for _, symbols := range []int{1, 50, 1000, 11000} {
		b.Run(fmt.Sprintf("symbols=%d", symbols), func(b *testing.B) { pipeline(b, symbols) })
	}
}

func pipeline(b *testing.B, symbols int) {
	session := ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000}
	market := playback.NewMarket(playback.MarketOptions{Seed: 1, Count: symbols, Session: session, Rate: 1_000_000})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- playback.NewServer(market, playback.ServerOptions{}).Serve(ctx, l) }()
	file, err := store.Open(filepath.Join(b.TempDir(), "a.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	feed := feedOf(eodhd.Options{URL: "ws://" + l.Addr().String(), Token: "x", Market: eodhd.US})
	recorder := collector.New(feed, file, schedule.EveryDay{}, collector.Options{Symbols: market.Symbols(), AllHours: true})
	recorded := make(chan error, 1)
	go func() { recorded <- recorder.Run(ctx) }()
	for n, _ := recorder.Totals(); n == 0; n, _ = recorder.Totals() {
		time.Sleep(time.Millisecond) // a benchmark waits for a real socket
	}
	first, _ := recorder.Totals()
	b.ReportAllocs()
	b.ResetTimer()
	for n, _ := recorder.Totals(); n < first+int64(b.N); n, _ = recorder.Totals() {
		time.Sleep(100 * time.Microsecond)
	}
	stop()
	if err := <-recorded; err != nil { // it has committed all that it had appended
		b.Fatal(err)
	}
	b.StopTimer()
	last, _ := recorder.Totals()
	b.ReportMetric(float64(last-first)/b.Elapsed().Seconds(), "trades/s")
	if err := <-served; err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}
