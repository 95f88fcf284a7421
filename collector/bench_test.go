package collector

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// benchConn streams n trades without a pause.
type benchConn struct {
	n, i  int
	names []string
	end   func()
	ended chan struct{}
}

func (c *benchConn) Subscribe(context.Context, []string) error { return nil }
func (c *benchConn) Ping(context.Context) error                { return nil }
func (c *benchConn) Close(string) error                        { return c.CloseNow() }
func (c *benchConn) CloseNow() error {
	select {
	case <-c.ended:
	default:
		close(c.ended)
	}
	return nil
}

func (c *benchConn) Read(_ context.Context, t *candle.Trade) (ledger.Count, error) {
	if c.i == c.n {
		c.end()
		<-c.ended
		return "", errors.New("over")
	}
	*t = candle.Trade{Symbol: c.names[c.i%len(c.names)], Time: time.Now().UnixMilli(), Price: candle.Decimal{Units: 1}}
	c.i++
	return ledger.Accepted, nil
}

// countTape only counts.
type countTape struct{ trades, commits atomic.Int64 }

func (*countTape) Last() (s ledger.Session, ok bool, err error) { return s, false, nil }

func (*countTape) Begin(ledger.Session, int64) error { return nil }
func (c *countTape) Append(_ ledger.Session, t []candle.Trade) (ledger.Counts, error) {
	c.trades.Add(int64(len(t)))
	return nil, nil
}
func (*countTape) Enter(ledger.Session, []ledger.Span, []ledger.Span) {}
func (*countTape) Count(ledger.Session, ledger.Counts)                {}
func (*countTape) Unsealed(ledger.Session) int64                      { return 0 }
func (*countTape) Unfinished() ([]ledger.Session, error)              { return nil, nil }
func (*countTape) Seal(context.Context, ledger.Session, bool) error   { return nil }
func (*countTape) Staged() int                                        { return 0 }
func (c *countTape) Commit() error                                    { c.commits.Add(1); return nil }

// BenchmarkRecorder is what the recorder itself costs a trade, between a
// connection and a tape that cost nothing.
func BenchmarkRecorder(b *testing.B) {
	for _, symbols := range []int{1, 11000} {
		b.Run(fmt.Sprint(symbols), func(b *testing.B) {
			var names []string
			for i := range symbols {
				names = append(names, fmt.Sprintf("S%05d", i))
			}
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			conn := &benchConn{n: b.N, names: names, end: cancel, ended: make(chan struct{})}
			tape := new(countTape)
			r := New(func(context.Context) (Conn, error) { return conn, nil }, tape, nil,
				Options{Symbols: names, Stated: true, AllHours: true})
			b.ReportAllocs()
			b.ResetTimer()
			if err := r.Run(ctx); err != nil {
				b.Fatal(err)
			}
			if n := tape.trades.Load(); n != int64(b.N) {
				b.Fatalf("%d trades of %d", n, b.N)
			}
		})
	}
}
