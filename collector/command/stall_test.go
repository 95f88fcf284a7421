package command

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// TestStallForAnHour records a trade a second for an hour of fake time, once by itself and
// once with clients that ask for everything and stop reading: the file is as large.
func TestStallForAnHour(t *testing.T) {
	var size [2]int64
	for i, clients := range []int{0, 5} {
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) { size[i] = hourBeside(t, filepath.Join(folder, "a.db"), clients) })
	}
	t.Logf("pages in use and free: %d bytes without, %d with clients that stall", size[0], size[1])
	if size[1] > size[0]+size[0]/50 {
		t.Errorf("the file takes %d bytes, without clients %d", size[1], size[0])
	}
}

func hourBeside(t *testing.T, db string, clients int) int64 {
	file, err := store.Open(db, store.Options{Command: "test", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := ledger.Day(time.Now().UnixMilli())
	appendTrades(t, file, s, 20_000) // more than a pipe and its buffers take
	ctx, stop := context.WithCancel(context.Background())
	l := &pipes{make(chan net.Conn, clients), make(chan struct{})}
	beside := &live{file: file, plan: always{}, run: new(runCommand), clock: collector.Clock{}}
	done := make(chan error, 1)
	go func() { done <- monitor.Serve(ctx, l, monitor.Handler(beside.answers(), failure)) }()
	var open []net.Conn
	for i := range clients {
		mine, theirs := net.Pipe()
		open = append(open, mine)
		l.conns <- theirs
		fmt.Fprint(mine, "GET /export?what=trades HTTP/1.1\r\nHost: x\r\n\r\n")
		_, _ = io.CopyN(io.Discard, mine, int64(1+i*100_000))
	}
	for range 3600 {
		time.Sleep(time.Second)
		appendTrades(t, file, s, 1)
	}
	space, err := file.Space()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range open {
		_ = c.Close()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	synctest.Wait()
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	return space.Pages * space.PageSize
}

func appendTrades(t *testing.T, file *store.File, s ledger.Session, n int) {
	t.Helper()
	now := time.Now().UnixMilli()
	trades := make([]candle.Trade, n)
	for i := range trades {
		trades[i] = candle.Trade{Symbol: "QLD", Time: now, Received: now + 80, Price: candle.Decimal{Units: int64(70_001 + i%1000*10), Scale: 3}, Size: candle.Decimal{Units: 100}}
	}
	if _, err := file.Append(s, trades); err != nil {
		t.Fatal(err)
	}
	if err := file.Commit(); err != nil {
		t.Fatal(err)
	}
}
