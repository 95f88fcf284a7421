// Package rss reads feeds, RSS, Atom and JSON, for as long as it is let: politely, and
// without a word about those that do not answer.
package rss

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"tapedeck/collector/news"
)

// Options are what a Poller needs. All functions are called from the goroutine of Run.
type Options struct {
	Feeds []news.Feed
	// States are those on file, of any feeds.
	States []news.State
	// Known says which articles are on file. It may wait for the disk.
	Known func(ids []news.ID) ([]bool, error)
	// Save keeps articles and states, all or nothing. It may wait for the disk. What it
	// fails to keep it gets again, with what has come since.
	Save func(articles []news.Article, states []news.State) error
	// Open says whether the market is open: feeds are asked more often then.
	Open func(t time.Time) bool
	// Recorded says whether a symbol is recorded; nil is none. It is called from other
	// goroutines, too.
	Recorded func(symbol string) bool
	// Agent is the User-Agent.
	Agent string
	// Transport is how requests are made; nil is NewTransport.
	Transport http.RoundTripper
	// Log hears one line a day. At debug level it hears of what is unusual.
	Log *slog.Logger
}

const (
	// atOnce is how many requests are under way at most. A document is parsed by one at a
	// time, because gofeed takes many times its size for that.
	atOnce = 6
	// waiting is how many articles may wait to be saved before no more are asked for.
	waiting = 20_000
	// saved is how often they are saved: the market's data goes first, and while it is
	// closed nobody hurries.
	savedOpen, savedClosed = 10 * time.Second, 30 * time.Second
	// In the first minute somebody may be waiting to see one.
	savedFirst, first = 2 * time.Second, time.Minute
	// look is how long it sleeps at most: clocks step, and machines sleep.
	look = time.Minute
)

// Poller asks feeds for their articles.
type Poller struct {
	Options
	feeds    []*feed
	hosts    map[string]*host
	fetcher  *fetcher
	results  chan result
	active   int
	pending  []news.Article   // not yet saved
	known    map[news.ID]bool // of pending
	changed  map[*feed]bool   // whose state is not yet saved
	begun    time.Time
	saved    time.Time // when it last was tried
	unsaved  bool      // the last try failed
	reported time.Time
	found    int64 // articles since then
}

// feed is a feed with its place in time.
type feed struct {
	news.State
	due  time.Time
	busy bool
}

// host is who serves feeds: asked one thing at a time, with a pause between.
type host struct {
	busy bool
	free time.Time // not before
}

// result is an answer with what it was asked for.
type result struct {
	feed   *feed
	host   *host
	answer answer
}

// New makes a Poller. It asks nobody: that does Run.
func New(o Options) *Poller {
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	p := &Poller{Options: o, hosts: make(map[string]*host), results: make(chan result, atOnce),
		known: make(map[news.ID]bool), changed: make(map[*feed]bool), fetcher: newFetcher(o)}
	states := make(map[string]news.State)
	for _, s := range o.States {
		states[s.URL] = s
	}
	for _, f := range o.Feeds {
		s := states[f.URL]
		delete(states, f.URL)
		back := &feed{State: s}
		back.URL, back.Source, back.Left = f.URL, f.Source, false
		p.feeds = append(p.feeds, back)
		if s.Left {
			p.changed[back] = true
		}
	}
	for _, s := range states {
		if !s.Left {
			s.Left = true
			p.changed[&feed{State: s}] = true
		}
	}
	return p
}

// Run asks feeds until ctx ends, saves what it has, and returns.
func (p *Poller) Run(ctx context.Context) {
	now := time.Now()
	p.begun, p.saved, p.reported = now, now, now.Add(firstReport-reportEvery)
	for _, f := range p.feeds {
		f.begin(now, len(p.feeds))
		if spare := time.UnixMilli(f.Spare); !astrayClock(now, spare) {
			h := p.hostOf(f)
			h.free = latest(h.free, spare)
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		next := p.dispatch(ctx, now)
		p.saveEvery(now)
		p.report(now)
		timer.Reset(min(look, max(0, next.Round(0).Sub(now.Round(0)))))
		select {
		case r := <-p.results:
			p.take(r, time.Now())
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	for ; p.active > 0; p.active-- { // their requests have ended with ctx
		<-p.results
	}
	p.save(time.Now())
}

// begin finds when a feed is to be asked first. The first requests of many feeds are spread
// over some seconds.
func (f *feed) begin(now time.Time, feeds int) {
	if f.Since == 0 {
		f.Since = now.UnixMilli()
	}
	spread := min(time.Duration(feeds)*50*time.Millisecond, look)
	f.due = now.Round(0).Add(rand.N(spread))
	if next := time.UnixMilli(f.Next); next.After(f.due) && !astrayClock(now, next) {
		f.due = next
	}
}

// astrayClock says whether a time is further away than any that was asked for: the clock was
// set back since.
func astrayClock(now, t time.Time) bool { return t.Sub(now.Round(0)) > longest+longest/8 }

// dispatch asks the feeds whose time has come, and returns when it is to be looked again.
func (p *Poller) dispatch(ctx context.Context, now time.Time) (next time.Time) {
	next = now.Add(look)
	for _, f := range p.feeds {
		if f.busy || f.Retired {
			continue
		}
		h := p.hostOf(f)
		if astrayClock(now, f.due) || astrayClock(now, h.free) {
			f.due, h.free = now.Round(0), now.Round(0)
		}
		at := f.spared(latest(now, f.due, h.free))
		switch {
		case at.After(now):
			if at.Before(next) {
				next = at
			}
		case h.busy || p.active >= atOnce || len(p.pending) > waiting: // a result wakes it
		default:
			p.ask(ctx, f, h)
		}
	}
	if t := p.saved.Add(p.saveAfter(now)); (len(p.changed) > 0) && t.Before(next) {
		next = t
	}
	return next
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

func (p *Poller) hostOf(f *feed) *host {
	name := hostName(f.asked())
	h := p.hosts[name]
	if h == nil {
		h = new(host)
		p.hosts[name] = h
	}
	return h
}

// asked is the address that is asked.
func (f *feed) asked() string {
	if f.Moved != "" {
		return f.Moved
	}
	return f.URL
}

func (p *Poller) ask(ctx context.Context, f *feed, h *host) {
	f.busy, h.busy = true, true
	p.active++
	state := f.State // a copy: Outcomes is not read by the fetcher
	go func() { p.results <- result{f, h, p.fetcher.fetch(ctx, &state)} }()
}

// take enters what a request came to.
func (p *Poller) take(r result, now time.Time) {
	p.active--
	now = now.Round(0) // without the monotonic clock, which stands still while a machine sleeps
	f, h, a := r.feed, r.host, &r.answer
	f.busy, h.busy = false, false
	h.free = now.Add(pause)
	if a.after > 0 { // it holds for all that the host serves
		h.free = now.Add(min(a.after, longest))
		f.Spare = h.free.UnixMilli() + 1 // no part of a millisecond early
	}
	if a.unusual() && f.Last != a.outcome {
		p.Log.Debug(fmt.Sprintf("News from %s: %s: %v", f.Source, a.outcome, a.err))
	}
	fresh, err := p.unknown(a.articles)
	if err != nil { // the next time: as if it had not been asked
		p.troubled(fmt.Errorf("look for articles: %w", err))
		f.due = now.Add(shortest)
		return
	}
	for i := range fresh {
		p.known[fresh[i].ID] = true
	}
	p.pending = append(p.pending, fresh...)
	p.found += int64(len(fresh))
	f.Articles += int64(len(fresh))
	f.settle(a, now, p.Open(now))
	p.changed[f] = true
}
