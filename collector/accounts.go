package collector

import (
	"fmt"
	"slices"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// account is a session being recorded.
type account struct {
	s       ledger.Session
	settled []ledger.Span // not entered yet
	open    []ledger.Span // as entered last
	counts  ledger.Counts // not handed over yet
	heard   time.Time     // wall time of its last trade
	stats   statistics
}

// gap is a stretch in which nothing is heard. The zero gap is none.
type gap struct {
	open  bool
	from  int64
	cause ledger.Cause
}

// ended settles what a connection heard, and begins the gap behind it.
func (k *keeper) ended(m mark) {
	from, heard := m.now, false
	if c := k.cover; c != nil && c.began {
		heard = true
		k.spans = c.spans(k.spans[:0])
		k.settle(k.spans)
		from = c.end()
		k.gap = gap{}
	}
	k.cover = nil
	switch {
	case m.cause == "":
	case heard: // there is no gap
		k.gap = gap{open: true, from: from, cause: m.cause}
	case k.stated && k.gap.cause != m.cause: // without a clock nothing is known of a moment without trades
		k.closeGap(from)
		k.gap = gap{open: true, from: from, cause: m.cause}
	}
}

// closeGap settles the gap, which ended at now.
func (k *keeper) closeGap(now int64) {
	if k.gap.open && k.gap.from < now {
		k.settle([]ledger.Span{{From: k.gap.from, Until: now, Symbols: k.r.all, Cause: k.gap.cause}})
	}
	k.gap = gap{}
}

// loseGap ends the account of a gap that nothing was heard behind. Without a clock
// nothing can be said of it.
func (k *keeper) loseGap(now int64) {
	if k.stated {
		k.closeGap(now)
	}
	k.gap = gap{}
}

// settle adds the parts of the spans to the sessions that they lie in.
func (k *keeper) settle(spans []ledger.Span) {
	for _, a := range k.accounts {
		for _, p := range spans {
			if clipped, ok := p.Clip(a.s); ok {
				a.settled = append(a.settled, clipped)
				k.dirty(wall())
			}
		}
	}
}

// accountOf is the session that a trade goes to, nil when it is not being recorded.
func (k *keeper) accountOf(t *candle.Trade) (*account, error) {
	for _, a := range k.accounts {
		if a.s.Contains(t.Time) {
			k.current = a
			return a, nil
		}
	}
	if !k.days {
		return nil, nil
	}
	s := ledger.Day(t.Time)
	s.Stated = k.stated
	if k.stated && s.Open <= k.joinedAt { // a day that was over, or we would have it
		return nil, nil
	}
	if k.stated && t.Received >= s.Close+k.r.o.CloseGrace.Milliseconds() {
		return nil, nil
	}
	return k.current, k.begin(s, t.Received)
}

// begin makes an account for the session, which is recorded from now on.
func (k *keeper) begin(s ledger.Session, now int64) error {
	if k.days && k.stated && s.Open > k.joinedAt {
		now = s.Open // we were here when it opened, or before
	}
	if err := k.r.tape.Begin(s, now); err != nil {
		return fmt.Errorf("beginning the session of %s: %w", s.Date(), err)
	}
	if len(k.accounts) == 0 {
		k.commits.at = wall() // there was nothing to look at before
	}
	a := &account{s: s, counts: ledger.Counts{}}
	for c, n := range k.counts {
		a.counts.Add(c, n)
	}
	clear(k.counts)
	k.accounts = append(k.accounts, a)
	k.current = a
	return nil
}

// dayQuiet is wall time: after that long without a trade a day is taken to be over,
// when the feed has no clock to say so.
const dayQuiet = 10 * time.Minute

// days24 goes to the next day when sessions are days and the clock of the feed says
// so, and leaves those whose grace is over.
func (k *keeper) days24(now int64) error {
	if !k.days || k.joinedAt == 0 || k.stopped {
		return nil
	}
	if !k.stated {
		// A day that is not the one of the last trade, and long without one. Should a
		// trade of it come after all, it is begun again.
		k.leave(func(a *account) bool { return a != k.current && !a.heard.IsZero() && wall().Sub(a.heard) > dayQuiet })
		return nil
	}
	today := ledger.Day(now)
	today.Stated = true
	if i := slices.IndexFunc(k.accounts, func(a *account) bool { return a.s == today }); i < 0 {
		if err := k.begin(today, now); err != nil {
			return err
		}
	}
	grace := k.r.o.CloseGrace.Milliseconds()
	k.leave(func(a *account) bool { return now >= a.s.Close+grace })
	return nil
}

// leave enters all that is known of the sessions that are over, and forgets them.
func (k *keeper) leave(over func(*account) bool) {
	if !slices.ContainsFunc(k.accounts, over) {
		return
	}
	spans := k.openSpans(k.r.now())
	k.accounts = slices.DeleteFunc(k.accounts, func(a *account) bool {
		if !over(a) {
			return false
		}
		a.settled = clip(a.settled, spans, a.s)
		k.enter(a, nil)
		k.dirty(wall())
		k.over = append(k.over, a.s)
		if k.current == a {
			k.current = nil
		}
		return true
	})
	if k.current == nil && len(k.accounts) > 0 {
		k.current = k.accounts[len(k.accounts)-1]
	}
}

// openSpans is what is not settled at now. It is overwritten by the next call.
func (k *keeper) openSpans(now int64) []ledger.Span {
	k.spans = k.spans[:0]
	if k.stated && k.gap.open && k.gap.from < now {
		k.spans = append(k.spans, ledger.Span{From: k.gap.from, Until: now, Symbols: k.r.all, Cause: k.gap.cause})
	}
	if k.cover != nil {
		k.spans = k.cover.spans(k.spans)
	}
	return k.spans
}

// clip appends the parts of the spans that lie in the session.
func clip(dst, spans []ledger.Span, s ledger.Session) []ledger.Span {
	for _, p := range spans {
		if c, ok := p.Clip(s); ok {
			dst = append(dst, c)
		}
	}
	return dst
}

// enter hands an account's part of the ledger and its counts to the tape. It says
// whether there was anything new.
func (k *keeper) enter(a *account, open []ledger.Span) bool {
	moved := len(a.settled) > 0 || !slices.Equal(a.open, open)
	if moved {
		k.r.tape.Enter(a.s, a.settled, open)
		a.settled, a.open = nil, open
	}
	k.warnOfSkew(a)
	a.stats.addTo(a.counts)
	if a == k.current && (moved || len(a.counts) > 0) {
		k.countLog(a)
	}
	if (moved || len(a.counts) > 0) && a.stats.uptime > 0 {
		a.counts.Add(ledger.Uptime, a.stats.uptime)
		a.stats.uptime = 0
	}
	if len(a.counts) > 0 {
		k.r.tape.Count(a.s, a.counts)
		k.r.activity.count(a.counts, a.stats.lagSum)
		a.stats.lagSum = 0
		a.counts = ledger.Counts{}
		moved = true
	}
	return moved
}

// enterAll brings the ledger on the tape up to date.
func (k *keeper) enterAll() (moved bool) {
	now := k.r.now()
	if c := k.cover; c != nil {
		if c.decide(now); c.decided && !c.told {
			c.told = true
			if n := len(c.names) - len(c.heard); n > 0 {
				k.r.log.Warn(fmt.Sprintf("%d of %d symbols unheard: neither an echo nor a trade in 60 s", n, len(c.names)))
			}
		}
		if settled := c.cut(nil); settled != nil {
			k.settle(settled)
		}
	}
	k.stayUp(now)
	spans := k.openSpans(now)
	for _, a := range k.accounts {
		moved = k.enter(a, clip(nil, spans, a.s)) || moved
	}
	return moved
}
