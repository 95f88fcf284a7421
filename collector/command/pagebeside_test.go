package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
)

const (
	eventClients = 50 // of which half never read
	slowClients  = 10
	slowBytes    = 1 << 10 // a second
	mostExtra    = 256 << 20
)

// TestPageBeside records as fast as trades come, once by itself and once while 50 clients
// listen to events, of which half never read, and 10 download all trades at 1 KB a second: no
// trade is lost, memory has its bounds. How long an append takes with and without them
// is printed: -pairs 5 -pairtime 30s is the long form.
func TestPageBeside(t *testing.T) {
	if testing.Short() {
		t.Skip("it is about speed, of which the race detector leaves little: go test without -short")
	}
	var ratios []float64
	for range *pairs {
		without := besidePage(t, false)
		with := besidePage(t, true)
		ratios = append(ratios, float64(with.p99)/float64(without.p99))
		t.Logf("append p99: %v without, %v with; %.2f and %.2f million trades/s; heap %d and %d MB at most; %d events read, %d dropped, %d KB downloaded",
			without.p99, with.p99, without.millions, with.millions, without.heap>>20, with.heap>>20, with.events, with.dropped, with.bytes>>10)
		if with.heap > without.heap+mostExtra {
			t.Errorf("the heap takes %d MB with clients and %d without", with.heap>>20, without.heap>>20)
		}
		if with.events == 0 || with.bytes == 0 {
			t.Errorf("the clients got nothing: %+v", with)
		}
	}
	slices.Sort(ratios)
	t.Logf("median ratio of append p99: %.2f of %.2f", ratios[len(ratios)/2], ratios)
}

// besides is what was measured.
type besides struct {
	p99                    time.Duration
	millions               float64
	heap                   uint64
	events, dropped, bytes int64
}

func besidePage(t *testing.T, clients bool) (m besides) {
	t.Helper()
	var load pageLoad
	d := newDesk(t, 50, 1_000_000, 0, func(d *desk) {
		before := ledger.Day(deskSession.Open - 24*time.Hour.Milliseconds())
		appendTrades(t, d.file, before, 200_000) // 14 MB as CSV
		if err := d.file.Seal(context.Background(), before, true); err != nil {
			t.Fatal(err)
		}
		if clients {
			load.begin(t, d)
		}
	})
	begun := time.Now()
	for time.Since(begun) < *pairTime {
		time.Sleep(50 * time.Millisecond) // it records meanwhile
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		m.heap = max(m.heap, stats.HeapInuse)
	}
	took := time.Since(begun)
	load.end()
	trades := d.checkNothingLost(t)
	m.p99, m.millions = d.tape.quantile(0.99), float64(trades)/took.Seconds()/1e6
	m.events, m.bytes, m.dropped = load.events.Load(), load.bytes.Load(), load.dropped
	return m
}

// pageLoad is a page with its clients.
type pageLoad struct {
	at            string
	hub           *monitor.Hub
	stop          context.CancelFunc
	beside        sync.WaitGroup
	conns         []net.Conn
	events, bytes atomic.Int64
	dropped       int64
}

func (p *pageLoad) begin(t *testing.T, d *desk) {
	t.Helper()
	l, err := monitor.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.at = l.Addr().String()
	s := newSite(d.file, &live{file: d.file, plan: always{}, run: &runCommand{AllHours: true}, clock: collector.Clock{}}, slog.New(slog.DiscardHandler))
	p.hub = s.hub
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	p.beside.Go(func() { s.tell(ctx) })
	p.beside.Go(func() {
		if err := monitor.Serve(ctx, l, s.handler(&monitor.Access{})); err != nil {
			t.Error(err)
		}
	})
	intervals := []string{"1s", "1m", "100t"}
	for i := range eventClients {
		conn := p.ask(t, fmt.Sprintf("/api/events?symbol=S%05d&interval=%s", 1+i/3, intervals[i%len(intervals)]))
		if i%2 == 0 {
			p.beside.Go(func() { p.listen(conn) })
		}
	}
	before := time.UnixMilli(deskSession.Open).UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	for range slowClients {
		conn := p.ask(t, "/export/trades.csv?session="+before)
		n, err := io.CopyN(io.Discard, conn, slowBytes) // it has begun before trades come
		if p.bytes.Add(n); err != nil {
			t.Fatal(err)
		}
		p.beside.Go(func() { p.trickle(ctx, conn) })
	}
}

// ask sends a request, and has the system keep little of the answer.
func (p *pageLoad) ask(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.at)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	p.conns = append(p.conns, conn)
	return conn
}

// listen counts events until the connection ends.
func (p *pageLoad) listen(conn net.Conn) {
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "event: ") {
			p.events.Add(1)
		}
	}
}

// trickle reads 1 KB a second.
func (p *pageLoad) trickle(ctx context.Context, conn net.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		n, err := io.CopyN(io.Discard, conn, slowBytes)
		if p.bytes.Add(n); err != nil {
			return
		}
	}
}

func (p *pageLoad) end() {
	if p.stop == nil {
		return
	}
	p.dropped = p.hub.Dropped()
	p.stop()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.beside.Wait()
}
