package collector

import (
	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

const (
	hearing   = 60_000  // ms: who is heard later than this was unheard before
	pongLess  = 10_000  // ms: what a pong vouches for is this much older
	future    = 600_000 // ms: a trade further ahead of the clock is none
	mostLates = 64      // symbols with a span of their own
)

// cover is the account of what one connection heard: the spans that it vouches
// for. It is pure: it is handed what comes, in order, with the event time.
type cover struct {
	names  []string
	all    *ledger.Symbols
	stated bool // the clock of the feed is known
	lag    int64

	began, framed bool
	start         int64 // the connection vouches from here
	from, until   int64 // of the spans not settled yet
	decided       bool  // the time to be heard is over
	told          bool  // and who is unheard has been said
	settled       bool  // a piece has been settled

	heard   map[string]bool // true: in main, false: in late
	late    []lateSymbol
	fresh   bool            // main and missing agree with heard
	main    *ledger.Symbols // heard from the start
	missing *ledger.Symbols // not heard in time
}

// lateSymbol is a symbol first heard when it was unheard already.
type lateSymbol struct {
	from int64
	set  *ledger.Symbols
}

// newCover begins the account of a connection. lag is how far the server's clock is
// known to be ahead of ours, in ms: what it has read by our time now, it may have
// read at now + lag.
func newCover(names []string, all *ledger.Symbols, stated bool, lag int64) *cover {
	return &cover{names: names, all: all, stated: stated, lag: lag, heard: make(map[string]bool, len(names))}
}

// begin is the latest moment at which the subscribe may have been read.
func (c *cover) begin(now int64) {
	if c.began && now >= c.start {
		return
	}
	if !c.began {
		c.until = now
	}
	c.began = true
	c.start, c.from = now, now
}

// alive tells of a sign that came now and is no trade: a pong, or the canary's. It vouches
// for the time until seen.
func (c *cover) alive(now, seen int64) {
	if !c.stated {
		return
	}
	if !c.began {
		c.begin(now + c.lag)
	}
	c.until = max(c.until, seen)
}

// frame tells of a trade, accepted or not, that came at its Received.
func (c *cover) frame(t *candle.Trade) {
	seen := min(t.Time, t.Received) // nothing vouches for what is still to come
	if !c.stated {
		if !t.Echo {
			if !c.began {
				c.begin(seen)
			}
			c.until = max(c.until, seen)
		}
		return
	}
	if !c.framed {
		c.framed = true
		if !c.settled {
			c.begin(t.Received + c.lag)
		}
	}
	if !t.Echo {
		c.until = max(c.until, seen)
		return
	}
	if _, known := c.heard[t.Symbol]; known {
		return
	}
	c.decide(t.Received)
	if !c.decided {
		c.heard[t.Symbol] = true
		c.fresh = false
		return
	}
	if seen < c.start {
		seen = t.Received // an echo of a trade from before: down until now
	}
	c.heard[t.Symbol] = false
	c.late = append(c.late, lateSymbol{seen, ledger.NewSymbols(t.Symbol)})
}

// decide fixes who is unheard, when the time to be heard is over.
func (c *cover) decide(now int64) {
	if c.stated && !c.decided && c.began && now-c.start > hearing {
		c.sets()
		c.decided = true
	}
}

// sets brings main and missing up to date. Before the decision whoever has not
// been heard is missing; after it, who is heard late goes on being missing
// beside the span of its own, for what was heard wins.
func (c *cover) sets() {
	if c.fresh {
		return
	}
	c.fresh = true
	main := make([]string, 0, len(c.names))
	var missing []string
	for _, name := range c.names {
		if in, heard := c.heard[name]; in {
			main = append(main, name)
		} else if !heard || c.decided {
			missing = append(missing, name)
		}
	}
	c.missing = ledger.NewSymbols(missing...)
	if len(missing) == 0 && len(main) == len(c.names) {
		c.main = c.all
		return
	}
	c.main = ledger.NewSymbols(main...)
}

// spans appends what the connection vouches for, as far as it is not settled, and
// what it did not hear although it was asked for.
func (c *cover) spans(dst []ledger.Span) []ledger.Span {
	if !c.began || c.until <= c.from {
		return dst
	}
	if !c.stated {
		return append(dst, ledger.Span{From: c.from, Until: c.until, Symbols: c.all})
	}
	c.sets()
	if c.missing.Len() > 0 {
		dst = append(dst, ledger.Span{From: c.from, Until: c.until, Symbols: c.missing, Cause: ledger.Unheard})
	}
	if c.main.Len() > 0 {
		dst = append(dst, ledger.Span{From: c.from, Until: c.until, Symbols: c.main})
	}
	for _, l := range c.late {
		if l.from < c.until {
			dst = append(dst, ledger.Span{From: l.from, Until: c.until, Symbols: l.set})
		}
	}
	return dst
}

// cut appends the spans so far as settled ones, and goes on from their end, when
// there are so many that to write them again and again would cost.
func (c *cover) cut(dst []ledger.Span) []ledger.Span {
	if len(c.late) < mostLates || c.until <= c.from {
		return dst
	}
	dst = c.spans(dst)
	kept := c.late[:0]
	for _, l := range c.late {
		if l.from > c.until {
			kept = append(kept, l)
			continue
		}
		c.heard[l.set.Names()[0]] = true
	}
	c.late = kept
	c.from, c.settled, c.fresh = c.until, true, false
	return dst
}

// end is where the next gap begins.
func (c *cover) end() int64 { return max(c.from, c.until) }
