package collector

import (
	"context"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// keeper appends what comes in to the tape and keeps its ledger. It lives in one
// goroutine.
type keeper struct {
	r        *Recorder
	accounts []*account
	current  *account      // that of the last trade, or of the clock
	cover    *cover        // of the connection that lives
	gap      gap           // while none is heard
	counts   ledger.Counts // of no session yet
	joinedAt int64         // event time
	days     bool          // sessions are UTC days, found by the trades
	stated   bool
	stopped  bool
	live     signs
	written  int64 // lines of the log that are counted, and
	folded   int64 // events of it
	health   health
	silent   silences
	up       int64         // event time until which the connection that lives is in Uptime; 0: none lives
	skewTold time.Time     // wall time
	lag      int64         // how far the feed was seen to be ahead of our clock
	mostLag  int64         // a second of ours: beyond that it is the trade that is wrong
	spans    []ledger.Span // scratch
	commits
}

func newKeeper(r *Recorder) *keeper {
	k := &keeper{r: r, days: r.o.AllHours, stated: r.o.Stated, counts: ledger.Counts{}, mostLag: r.eventTime(time.Second).Milliseconds()}
	k.commits.init(r)
	return k
}

// run takes what comes in until the mark that nothing more will, and commits it.
func (k *keeper) run(ctx context.Context) error {
	defer k.commits.stop()
	in := k.r.in
	timer := time.NewTimer(schedule.Look)
	defer timer.Stop()
	leaving := ctx.Done()
	var b batch
	var last time.Time // when a batch was worked off
	for !k.stopped {
		wake := in.wake
		sleep, known := k.nextCommit(wall())
		// A stream that does not pause is taken a millisecond at a time: to wake up
		// for every single trade would cost more than the trade.
		if pause := last.Add(time.Millisecond).Sub(wall()); len(b.trades) > 0 && pause > 0 {
			wake = nil
			sleep, known = min(sleep, pause), true
		}
		if !known {
			sleep = schedule.Look
		}
		timer.Reset(sleep)
		select {
		case <-wake:
		case <-timer.C:
		case err := <-k.done:
			if err := k.finished(err); err != nil {
				return err
			}
		case <-leaving:
			leaving = nil
			k.hurry()
		}
		if err := k.days24(k.r.now()); err != nil {
			return err
		}
		b = in.take(b)
		if err := k.work(b); err != nil {
			return err
		}
		in.settle()
		k.beat(k.r.now())
		k.r.beats.Add(1)
		last = wall()
		k.commitIfDue(last)
	}
	return k.finish()
}

// work goes through a batch.
func (k *keeper) work(b batch) error {
	for c, n := range b.counts {
		k.count(c, n)
	}
	from := 0
	for _, m := range b.marks {
		if err := k.take(b.trades[from:m.at]); err != nil {
			return err
		}
		from = m.at
		if err := k.happen(m); err != nil {
			return err
		}
	}
	return k.take(b.trades[from:])
}

// take records trades of one connection. It writes over the slice.
func (k *keeper) take(trades []candle.Trade) error {
	if len(trades) == 0 {
		return nil
	}
	begin, end := 0, 0 // the run of trades of one session, moved together
	var in *account
	for i := range trades {
		t := &trades[i]
		if t.Time > t.Received+future {
			if t.Echo { // no sign of life, but its symbol is heard
				k.hear(t)
			}
			k.count(ledger.RejectedFuture, 1)
			continue
		}
		k.hear(t)
		a := k.current
		if a == nil || !a.s.Contains(t.Time) {
			var err error
			if a, err = k.accountOf(t); err != nil {
				return err
			}
			if a == nil {
				reason := ledger.RejectedSession
				if t.Echo {
					reason = ledger.RejectedEcho
				}
				k.count(reason, 1)
				continue
			}
		}
		if a != in {
			if err := k.append(in, trades[begin:end]); err != nil {
				return err
			}
			begin, in = end, a
		}
		if !t.Echo {
			a.stats.note(t, &k.live)
			k.health.note(t)
			if k.silent.last != nil {
				k.silent.last[t.Symbol] = t.Received
			}
			k.live.greatest = max(k.live.greatest, t.Time)
		}
		if end != i {
			trades[end] = *t
		}
		end++
	}
	return k.append(in, trades[begin:end])
}

func (k *keeper) append(a *account, trades []candle.Trade) error {
	if len(trades) == 0 {
		return nil
	}
	left, err := k.r.tape.Append(a.s, trades)
	if err != nil {
		return err
	}
	kept := int64(len(trades))
	for reason, n := range left {
		a.counts[reason] += n
		kept -= n
	}
	a.heard = wall()
	if kept > 0 {
		a.counts[ledger.Accepted] += kept
		k.r.trades.Add(kept)
		latest := k.r.latest.Load()
		for i := range trades {
			latest = max(latest, trades[i].Time)
		}
		k.r.latest.Store(latest)
		k.dirty(a.heard)
	}
	return nil
}

func (k *keeper) count(c ledger.Count, n int64) {
	if k.current != nil {
		k.current.counts.Add(c, n)
		return
	}
	k.counts.Add(c, n)
}

// hear tells the cover of a trade.
func (k *keeper) hear(t *candle.Trade) {
	if k.cover == nil {
		return
	}
	if ahead := t.Time - t.Received; ahead > k.lag && !t.Echo {
		k.lag = min(ahead, k.mostLag)
	}
	if !t.Echo {
		k.sign(t.Received)
	}
	began := k.cover.began
	k.cover.frame(t)
	if !began && k.cover.began {
		k.closeGap(k.cover.from)
	}
}

// happen works off a mark.
func (k *keeper) happen(m mark) error {
	switch m.kind {
	case joined:
		k.silent.begin(k.r.o.Symbols, m.now)
		k.joinedAt = m.now
		if k.stated {
			k.gap = gap{open: true, from: m.now, cause: ledger.Connect}
		}
		if !k.days {
			return k.begin(m.session, m.now)
		}
		return k.days24(m.now)
	case subscribed:
		k.live = signs{last: m.now}
		if k.health.since == 0 {
			k.health.since = m.now
		}
		k.up = m.now
		k.cover = newCover(k.r.o.Symbols, k.r.all, k.stated, k.lag)
	case ponged, sang, closing:
		if m.kind == sang {
			k.sign(m.now)
			k.health.songs++
		}
		if c := k.cover; c != nil {
			began := c.began
			c.alive(m.now, m.seen)
			if !began && c.began {
				k.closeGap(c.from)
			}
		}
	case ended:
		k.live = signs{}
		k.stayUp(m.now)
		k.up = 0
		k.ended(m)
	case left:
		k.health = health{}
		k.loseGap(m.now)
		k.leave(func(*account) bool { return true })
		k.hurry()
	case stopped:
		k.ended(mark{})
		k.loseGap(m.now)
		k.stopped = true
	}
	return nil
}
