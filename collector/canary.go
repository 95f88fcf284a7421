package collector

import (
	"context"
	"fmt"
	"time"

	"tapedeck/collector/candle"
)

const (
	canaryAfter = 2 * time.Second        // event time, behind the symbols' subscribe
	canaryEvery = 100 * time.Millisecond // event time: how often its trades are told to the ledger
)

// canary is a liquid symbol on the same connection that is not recorded: while it trades
// the feed lives, however quiet the others are.
type canary struct {
	symbol string // "" is none
	heard  int64  // frames
	told   int64  // event time of the last one that the ledger knows
}

// canaryAnswers is how long a canary that was never heard may take, event time: after that
// the feed is taken not to know it.
const canaryAnswers = 60 * time.Second

// pongsVouch says whether a pong at now is all there is to vouch for quiet: without a
// canary, or with one that the feed does not know.
func (c *connection) pongsVouch(now int64) bool {
	switch {
	case c.canary.symbol == "":
		return true
	case c.r.canaryKnown.Load() || c.life.canary.Load():
		return false
	}
	return c.in.refusedCanary.Load() || now > c.began+canaryAnswers.Milliseconds()
}

// startCanary subscribes to the canary a moment after the symbols, so that a refusal of it
// is not one of them. stop waits for the end of that.
func (c *connection) startCanary(ctx context.Context) (stop func()) {
	if c.canary.symbol == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r := c.r; r.waitEvent(ctx, r.now()+canaryAfter.Milliseconds()) {
			c.asked.Store(true)
			_ = c.conn.Subscribe(ctx, []string{c.canary.symbol}) // the reader sees what comes of it
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// sing takes a frame of the canary. Its first one is a suspected echo.
func (c *connection) sing(t *candle.Trade) {
	c.canary.heard++
	c.life.canary.Store(true)
	c.r.canaryKnown.Store(true)
	if c.canary.heard == 1 {
		poke(c.look)
		return
	}
	now := c.r.now()
	if c.sign(now) {
		c.r.activity.sign.Store(now)
	}
	c.r.activity.canary.Store(now)
	c.r.activity.songs.Add(1)
	c.fresh++
	if seen := min(t.Time, now); seen >= c.canary.told+canaryEvery.Milliseconds() {
		c.canary.told = seen
		c.r.in.mark(mark{kind: sang, now: now, seen: seen})
	}
}

// refused says whether what the feed would not have was the canary: then the session goes
// on without one.
func (c *connection) refused(err error) bool {
	if !c.asked.Load() || c.canary.heard > 0 || c.in.refusedCanary.Load() {
		return false
	}
	switch refusal(err) {
	case "slots", "key", "request":
		c.in.refusedCanary.Store(true)
		c.r.activity.canaryRefused.Store(true)
		c.r.log.Warn(fmt.Sprintf("The canary %s was refused, the session goes on without one: %v", c.canary.symbol, err))
		return true
	}
	return false
}
