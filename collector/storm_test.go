package collector

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/logs"
)

// hangsUp is a feed that takes everybody and hangs up at once.
type hangsUp struct {
	clock *machine
	dials map[string]int // by day in New York
}

func (h *hangsUp) dial(context.Context) (Conn, error) {
	h.dials[h.clock.Now().Format(time.DateOnly)]++
	return hungUp{}, nil
}

type hungUp struct{}

func (hungUp) Subscribe(context.Context, []string) error { return nil }
func (hungUp) Read(context.Context, *candle.Trade) (ledger.Count, error) {
	return "", errors.New("the feed hung up")
}
func (hungUp) Ping(context.Context) error { return errors.New("closed") }
func (hungUp) Close(string) error         { return nil }
func (hungUp) CloseNow() error            { return nil }

// lineCount counts the lines of a log.
type lineCount struct {
	slog.Handler
	lines *int
}

func (lineCount) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (l lineCount) Handle(context.Context, slog.Record) error {
	*l.lines++
	return nil
}

// Thirty sessions against a server that hangs up at once: it is dialled at most 900 times
// in each, the log stays readable, every second of it is down, and no memory is taken that
// is not given back.
func TestServerThatHangsUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &machine{}
		clock.set(t, "2026-09-08 00:00:00")
		h, tape, plan, lines := &hangsUp{clock, map[string]int{}}, newTape(), exchange(t), 0
		o := Options{Symbols: qld, Stated: true, OpenLead: time.Minute, CloseGrace: time.Minute, Clock: clock}
		o.Log = slog.New(logs.New(lineCount{nil, &lines}))
		ctx, cancel := context.WithCancel(t.Context())
		var early runtime.MemStats
		go func() {
			until, looked := newYork(t, "2026-10-20 00:00:00"), false
			for clock.Now().Before(until) && wait(ctx, time.Hour) {
				tape.mu.Lock()
				sessions := len(tape.begun)
				tape.mu.Unlock()
				if !looked && sessions > 3 {
					runtime.GC()
					runtime.ReadMemStats(&early)
					looked = true
				}
			}
			cancel()
		}()
		if err := New(h.dial, tape, plan, o).Run(ctx); err != nil {
			t.Fatal(err)
		}
		var late runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&late)
		most := 0
		for day, n := range h.dials {
			most = max(most, n)
			if n > 900 || n < 300 {
				t.Errorf("%d dials on %s", n, day)
			}
		}
		for _, s := range tape.begun {
			if down := tally(s, tape.spans(s))[ledger.Down]; down != s.Seconds() {
				t.Errorf("%d s of %s are down", down, s.Date())
			}
		}
		if len(h.dials) != 30 || lines > 1500*30 {
			t.Errorf("%d sessions, %d lines", len(h.dials), lines)
		}
		if grown := int64(late.HeapAlloc) - int64(early.HeapAlloc); grown > 2<<20 {
			t.Errorf("the heap has grown by %d KB", grown>>10)
		}
		t.Logf("%d sessions, at most %d dials, %d lines of log, heap %d then %d KB", len(h.dials), most, lines, early.HeapAlloc>>10, late.HeapAlloc>>10)
	})
}
