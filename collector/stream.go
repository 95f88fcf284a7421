package collector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

const (
	pingEvery  = 20 * time.Second // wall time
	pongWithin = 15 * time.Second
	lastPong   = time.Second
)

// outcome is how a connection, or a try, ended.
type outcome struct {
	err       error
	cause     ledger.Cause // "" when nothing new can be said
	connected bool         // it came to a subscribe
	over      bool         // we ended it: the session is over, or we are
	stalled   bool         // the reader had to wait for room in memory
	trades    int64        // frames with a trade, echoes included
	fresh     int64        // those without suspected echoes
	lasted    time.Duration
	quiet     time.Duration // since the last sign of life, when it ended
}

// stream is one connection: it dials, subscribes and reads until the connection
// ends, the session is over, or ctx ends. It has no goroutines left when it returns.
func (r *Recorder) stream(ctx context.Context, s ledger.Session, in *inSession) (o outcome) {
	full, fulls := r.full.Load(), r.fulls.Load()
	defer func() {
		// A reader that had to wait finds the end of its connection when there is room again.
		full := full || r.full.Load() || r.fulls.Load() > fulls
		if ctx.Err() != nil {
			o.over, o.cause = true, ""
		} else if full && o.stalled && !o.over {
			o.cause = ledger.DiskFull
		}
		r.in.mark(mark{kind: ended, now: r.now(), cause: o.cause})
	}()
	conn, err := r.feed(ctx)
	if err != nil {
		return outcome{err: err, cause: refusedCause(err)}
	}
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Subscribe(ctx, r.o.Symbols); err != nil {
		return outcome{err: err, cause: brokenCause(err)}
	}
	began := r.now()
	r.in.mark(mark{kind: subscribed, now: began})
	r.activity.connect(began)
	defer func() { r.activity.disconnect(r.now()) }()
	r.in.count(ledger.Connections, 1)
	if in.connections++; in.connections > 1 {
		r.in.count(ledger.Reconnects, 1)
	}
	level := slog.LevelInfo
	if in.barren > 2 { // each of these ends in an event that says as much
		level = slog.LevelDebug
	}
	r.log.Log(ctx, level, "WebSocket connected!")

	c := &connection{r: r, conn: conn, in: in, began: began, stop: make(chan struct{}), left: make(chan error, 1), look: make(chan struct{}, 1)}
	c.sign(began)
	stalls, _ := r.in.stalled()
	c.life.stalls = stalls
	if !in.refusedCanary.Load() {
		c.canary.symbol = r.o.Canary
	}
	go c.read(context.WithoutCancel(ctx))
	stopPings, stopCanary := c.startPings(ctx), c.startCanary(ctx)
	err, over := c.attend(ctx, s, stopPings)
	stopPings()
	stopCanary()
	close(c.stop)
	_ = conn.CloseNow()
	if over || isSilent(err) {
		<-c.left
	}
	after, now := r.in.stalled()
	o = outcome{err: err, connected: true, over: over, stalled: now || after > stalls, trades: c.trades, fresh: c.fresh,
		lasted: time.Duration(r.now()-began) * time.Millisecond, quiet: time.Duration(r.now()-c.life.at.Load()) * time.Millisecond}
	switch {
	case c.mute.Load() || over || isSilent(err):
		o.cause = ledger.Mute // of what nothing vouched for until the close
	default:
		o.cause = brokenCause(err)
	}
	return o
}

// refusedCause is the cause after a dial that failed.
func refusedCause(err error) ledger.Cause {
	switch refusal(err) {
	case "":
		return ""
	case "slots":
		return ledger.Slots
	}
	return ledger.Refused
}

// brokenCause is the cause after a connection that ended by itself.
func brokenCause(err error) ledger.Cause {
	if c := refusedCause(err); c != "" {
		return c
	}
	return ledger.Drop
}

var errNoRoom = errors.New("no room for what was read")

func isSilent(err error) bool {
	var silent errSilent
	return errors.As(err, &silent)
}

// connection is what the goroutines of a connection share.
type connection struct {
	r     *Recorder
	conn  Conn
	in    *inSession
	stop  chan struct{} // the reader shall not wait for room any more
	left  chan error    // what ended the reader, which fills it once
	mute  atomic.Bool   // no pong came
	asked atomic.Bool   // for the canary
	life  life
	look  chan struct{} // the canary was heard first: a silence is shorter now
	began int64         // event time of the subscribe

	canary        canary // the reader's, until it has ended
	trades, fresh int64  // likewise
}

// read reads until the connection ends.
func (c *connection) read(ctx context.Context) {
	heard := make(map[string]struct{}, len(c.r.o.Symbols))
	all := len(c.r.o.Symbols)
	var t candle.Trade
	for {
		count, err := c.conn.Read(ctx, &t)
		if err != nil && c.refused(err) {
			continue
		}
		if err != nil {
			c.left <- err
			return
		}
		switch count {
		case ledger.Accepted:
			if t.Symbol == c.canary.symbol {
				c.sing(&t)
				continue
			}
			t.Received, t.Echo = c.r.now(), false
			if len(heard) < all {
				if _, known := heard[t.Symbol]; !known {
					heard[t.Symbol] = struct{}{}
					t.Echo = true
				}
			}
			c.trades++
			if !t.Echo {
				c.fresh++
				if c.sign(t.Received) {
					c.r.activity.sign.Store(t.Received)
				}
				c.greet(&t, c.began)
			}
			if !c.r.in.put(&t, c.stop) {
				c.r.in.count(ledger.Lost, 1) // and nothing behind it may vouch for its time
				c.left <- errNoRoom
				return
			}
		case "":
		default:
			c.r.in.count(count, 1)
		}
	}
}

// startPings sends a ping at once and then again and again. stop ends that and
// waits for it; it may be called twice.
func (c *connection) startPings(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for c.ping(ctx, pongWithin) && wait(ctx, pingEvery) {
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// ping is false when no pong came and the connection is given up. While the reader
// waits for room it cannot see a pong, so that time does not count.
func (c *connection) ping(ctx context.Context, limit time.Duration) bool {
	for {
		before, stalled := c.r.in.stalled()
		within, cancel := context.WithTimeout(ctx, limit)
		err := c.conn.Ping(within)
		late := within.Err() != nil
		cancel()
		if err == nil {
			c.ponged()
			return true
		}
		if ctx.Err() != nil || !late {
			return false // we are leaving, or the reader knows
		}
		if after, still := c.r.in.stalled(); stalled || still || after != before {
			continue
		}
		c.mute.Store(true)
		_ = c.conn.CloseNow()
		return false
	}
}

// attend waits for the end of the connection: its own, with an error; or, over, that
// of ctx or of the session with its grace, and then closes politely.
func (c *connection) attend(ctx context.Context, s ledger.Session, stopPings func()) (err error, over bool) {
	r := c.r
	next, closed := s.Close, false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case err := <-c.left:
			return err, false
		case <-ctx.Done():
			_ = c.conn.Close("the recorder stops")
			return nil, true
		case <-timer.C:
		case <-c.look:
		}
		changed := !closed && !r.stands(s)
		if !closed && !changed && r.now() >= next {
			closed, next = true, s.Close+r.o.CloseGrace.Milliseconds()
			r.log.Info("Market closed during active connection")
		}
		missAt, miss := c.missed(r.now())
		now := r.now()
		dead, limit := c.deadline(s, now)
		if now >= dead && !closed {
			_ = c.conn.CloseNow()
			return errSilent(limit), false
		}
		if changed || closed && r.now() >= next {
			stopPings()
			// A sign of life in the last second and none behind it, as where the tape ends at
			// the close. A longer silence may have been the feed's: nothing vouches for it.
			if c.life.canary.Load() && !changed && c.life.at.Load() >= s.Close-1000 {
				r.in.mark(mark{kind: closing, now: r.now(), seen: s.Close})
			}
			c.part(ctx, "the session is over")
			return nil, true
		}
		wake := r.wallUntil(next)
		if !closed {
			wake = min(wake, r.wallUntil(dead))
		}
		if miss {
			wake = min(wake, r.wallUntil(missAt))
		}
		timer.Reset(max(wake, time.Millisecond))
	}
}

// part ends the connection politely, after a last pong that vouches for the time until now.
func (c *connection) part(ctx context.Context, reason string) {
	within, cancel := context.WithTimeout(ctx, lastPong)
	defer cancel()
	if c.conn.Ping(within) == nil {
		c.ponged()
	}
	_ = c.conn.Close(reason)
}

// ponged tells the ledger of a pong, and whether it vouches for anything.
func (c *connection) ponged() {
	now := c.r.now()
	m := mark{kind: ponged, now: now, seen: now - pongLess}
	if !c.pongsVouch(now) {
		m.seen = 0
	}
	c.r.in.mark(m)
}
