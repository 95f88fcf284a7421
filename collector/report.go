package collector

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// firstWithin is how long after the open the first trade may take without a warning.
const firstWithin = 30 * time.Second

// inSession is what is known of a session from one of its connections to the next.
type inSession struct {
	session       ledger.Session
	joined        int64 // event time
	connections   int
	barren        int // connections in a row that brought no fresh trade
	refusedCanary atomic.Bool
	first         atomic.Bool // a fresh trade of the session has come
	warned        bool        // that none has
}

// report is the one event of a connection or a try that ended, with everything in it. It
// returns what it said.
func (r *Recorder) report(o outcome, in *inSession, pause time.Duration) string {
	next := slog.Duration("next_try", pause.Round(time.Millisecond))
	if !o.connected {
		words := fmt.Sprintf("Connecting failed: %v. Next try in %s", o.err, pause.Round(time.Millisecond))
		r.log.Warn(words, next)
		return words
	}
	err := o.err
	if o.cause == ledger.Mute && !isSilent(err) {
		err = errors.New("no pong within 15 s")
	}
	what := string(o.cause)
	attrs := []any{slog.String("cause", what)}
	var categorized interface{ Category() string }
	if errors.As(o.err, &categorized) && o.cause != ledger.Mute { // then it was us who closed
		what += ", " + categorized.Category()
		attrs = append(attrs, slog.String("category", categorized.Category()))
	}
	var coded interface{ CloseCode() int }
	if errors.As(o.err, &coded) && coded.CloseCode() != 0 {
		attrs = append(attrs, slog.Int("code", coded.CloseCode()))
	}
	rate := float64(o.trades) / max(o.lasted.Seconds(), 1e-3)
	last := "no fresh trade"
	if o.fresh > 0 {
		last = "the last " + o.quiet.Round(time.Millisecond).String() + " before"
		attrs = append(attrs, slog.Duration("last_trade_age", o.quiet.Round(time.Millisecond)))
	}
	words := fmt.Sprintf("Disconnected (%s): %v. It lasted %s: %d trades, %.1f/s, %s. Connection %d of the session, %d trades recorded in all. Next try in %s",
		what, err, schedule.Span(o.lasted), o.trades, rate, last, in.connections, r.trades.Load(), pause.Round(time.Millisecond))
	r.log.Warn(words, append(attrs, slog.Duration("lasted", o.lasted.Round(time.Millisecond)), slog.Int64("trades", o.trades),
		slog.Int("connection", in.connections), slog.Int64("total", r.trades.Load()), next)...)
	return words
}

// greet says when the first fresh trade of a session came, once.
func (c *connection) greet(t *candle.Trade, began int64) {
	s := c.in.session
	if c.in.first.Load() || !s.Contains(t.Time) || s.Hours == ledger.WholeDay {
		return
	}
	c.in.first.Store(true)
	from, what := s.Open, "the open"
	if began > from {
		from, what = began, "the subscribe"
	}
	delay := max(t.Received-from, 0)
	c.r.in.count(ledger.FirstTrade, delay)
	c.r.log.Info(fmt.Sprintf("First trade: %s %s, %.1f s after %s", t.Symbol, t.Price, float64(delay)/1000, what))
}

// missed warns, once a session, that its first trade has not come. It returns when to look
// again, false when there is no need to.
func (c *connection) missed(now int64) (at int64, again bool) {
	s := c.in.session
	if c.in.warned || c.in.first.Load() || s.Hours == ledger.WholeDay {
		return 0, false
	}
	from, what := s.Open, "the open"
	if c.in.joined > from {
		from, what = c.in.joined, "the start"
	}
	if at = from + firstWithin.Milliseconds(); now < at {
		return at, true
	}
	c.in.warned = true
	c.r.log.Warn(fmt.Sprintf("No trade yet, %s after %s", schedule.Span(time.Duration(now-from)*time.Millisecond), what))
	return 0, false
}
