package command

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
)

const (
	liveLook    = followLook       // how often it is looked for trades: the most that a forming candle is told of
	statusEvery = time.Second      // where something is recorded
	stillEvery  = 15 * time.Second // where nothing is
	liveSettle  = 2 * time.Second  // of the market, behind the end of a candle that is shown as closed
	statusTopic = "status"
)

// candleTopic is the topic of the candles of a symbol: "candle QLD 1m".
func candleTopic(symbol string, v candle.Interval) string {
	return "candle " + symbol + " " + v.String()
}

// topics are those that a client asks for.
func (s *site) topics(v url.Values) ([]string, error) {
	list := []string{statusTopic}
	symbol := strings.ToUpper(v.Get("symbol"))
	if symbol == "" {
		return list, nil
	}
	if len(symbol) > 32 || len(strings.Fields(symbol)) != 1 {
		return nil, &usage{problem: "symbol: that is no symbol; right is for example symbol=QLD"}
	}
	v1, err := candle.ParseInterval(v.Get("interval"))
	if err != nil {
		return nil, &usage{problem: fmt.Sprintf("interval: %v; right is for example interval=1m", err)}
	}
	return append(list, candleTopic(symbol, v1)), nil
}

// tell hands the hub what happens until ctx ends, as long as somebody listens. The status does
// not wait for candles, which of a busy market take their time.
func (s *site) tell(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	candles, numbers := make(chan struct{}, 1), make(chan struct{}, 1) // somebody listens
	beside.Go(func() { s.tellNumbers(ctx, numbers) })
	if s.live != nil {
		beside.Go(func() { s.tellCandles(ctx, candles) })
	}
	every := statusEvery
	if s.live == nil {
		every = stillEvery
	}
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		if len(s.hub.Topics()) > 0 {
			s.hub.Publish(statusTopic, monitor.Event{Name: "status", Key: "status", Data: s.statusEvent(ctx)})
			for _, other := range []chan struct{}{candles, numbers} {
				select {
				case other <- struct{}{}:
				default:
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.hub.Came(): // whoever came knows nothing yet
		case <-look.C:
		}
	}
}

// tellCandles publishes candles while somebody listens, which it is told each statusEvery. At
// most half of the time goes into the reading: beside a recording that is as fast as it can
// be, candles come late.
func (s *site) tellCandles(ctx context.Context, listened <-chan struct{}) {
	look := time.NewTimer(0)
	defer look.Stop()
	candles := &liveCandles{site: s, publish: s.hub.Publish, topics: make(map[string]*liveTopic)}
	for {
		topics := s.hub.Topics()
		if len(topics) == 0 {
			candles.forget()
			select {
			case <-ctx.Done():
				return
			case <-listened:
				continue
			}
		}
		begun := time.Now()
		if err := candles.look(ctx, topics); err != nil && ctx.Err() == nil {
			s.log.Warn(fmt.Sprintf("The page is told of no candles: %v", err))
			candles.lose()
		}
		look.Reset(max(liveLook, time.Since(begun)))
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// tellNumbers counts the seconds of the running session while somebody listens.
func (s *site) tellNumbers(ctx context.Context, listened <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-listened:
		}
		last, ok, err := s.lastSession()
		if err == nil && ok {
			_, err = s.numbers.of(ctx, s.book(), last)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn(fmt.Sprintf("The seconds of the session cannot be counted: %v", err))
		}
	}
}

// liveCandles folds the trades of the running session, as they are committed, into the
// candles that somebody looks at. Each trade is read once, however many look.
type liveCandles struct {
	site    *site
	publish func(topic string, events ...monitor.Event)
	session ledger.Session
	tail    *store.Tail
	topics  map[string]*liveTopic
}

// liveTopic is a symbol and an interval.
type liveTopic struct {
	follower
	symbol string
	events *candleEvents
}

// forget lets go of everything: what is asked for next is begun anew.
func (l *liveCandles) forget() { l.tail, l.topics = nil, make(map[string]*liveTopic) }

// lose is forget where something may be missing in what was told: whoever listens has to look
// anew.
func (l *liveCandles) lose() {
	for name := range l.topics {
		l.publish(name, lookAnew)
	}
	l.forget()
}

// lookAnew is the event that a page answers by reading its candles again.
var lookAnew = monitor.Event{Name: monitor.ResetEvent, Key: monitor.ResetEvent, Data: []byte("{}")}

// look brings every topic up to date.
func (l *liveCandles) look(ctx context.Context, names []string) error {
	last, ok, err := l.site.file.Last()
	if err != nil || !ok {
		return err
	}
	maps.DeleteFunc(l.topics, func(name string, _ *liveTopic) bool { return !slices.Contains(names, name) })
	if l.tail != nil {
		if err := l.follow(ctx, last != l.session); err != nil {
			return err
		}
	}
	if last != l.session || l.tail == nil {
		if l.tail, err = l.site.file.Read().Within(ctx).Tail(last); err != nil {
			return err
		}
		l.session = last
		clear(l.topics)
	}
	return l.beginAll(ctx, names)
}

// follow reads what has been committed since the last look, and publishes what comes of it.
func (l *liveCandles) follow(ctx context.Context, ended bool) error {
	of := make(map[string][]*liveTopic)
	for _, t := range l.topics {
		of[t.symbol] = append(of[t.symbol], t)
	}
	var failed error
	latest := int64(math.MinInt64)
	err := l.tail.Next(func(seq int64, trade *candle.Trade) {
		latest = max(latest, trade.Time)
		for _, t := range of[trade.Symbol] {
			if seq > t.seq && failed == nil {
				failed = t.rows.add(&t.follower, seq, trade)
			}
		}
	})
	if err == nil {
		err = failed
	}
	for name, t := range l.topics {
		t.latest = max(t.latest, latest)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = l.tell(t, name, ended)
		}
	}
	return err
}

// beginAll begins the topics that are new with what is on file of their symbols, which is read
// once for all of them.
func (l *liveCandles) beginAll(ctx context.Context, names []string) error {
	fresh := make(map[string]*liveTopic)
	of := make(map[string][]*liveTopic)
	for _, name := range names {
		if l.topics[name] != nil || name == statusTopic {
			continue
		}
		t, err := l.newTopic(name)
		if err != nil {
			return err
		}
		fresh[name], of[t.symbol] = t, append(of[t.symbol], t)
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := l.readAll(ctx, of); err != nil {
		return err
	}
	for name, t := range fresh {
		t.events.quiet = false
		l.topics[name] = t
		l.tellBegun(t, name)
		if err := l.tell(t, name, false); err != nil {
			return err
		}
	}
	return nil
}

// tellBegun makes up for what closed since whoever listens has read the file, which may have
// been a moment before the topic was begun.
func (l *liveCandles) tellBegun(t *liveTopic, name string) {
	switch rows := t.rows.(type) {
	case *followedTime:
		rows.repeat(t.symbol)
	case *followedCount:
		if t.seq > 0 {
			l.publish(name, lookAnew)
		}
	}
}

// newTopic is a topic that knows of nothing yet.
func (l *liveCandles) newTopic(name string) (*liveTopic, error) {
	words := strings.Fields(name)
	v, err := candle.ParseInterval(words[2])
	if err != nil {
		return nil, err
	}
	t := &liveTopic{follower: follower{book: l.site.book(), names: words[1:2]}, symbol: words[1], events: &candleEvents{interval: words[2], quiet: true}}
	if t.rows, err = t.events.rows(v); err != nil {
		return nil, err
	}
	t.enter(l.session)
	return t, nil
}

// readAll hands new topics the trades on file, symbol by symbol: so that of one at a time all
// candles are in memory.
func (l *liveCandles) readAll(ctx context.Context, of map[string][]*liveTopic) error {
	r := l.site.file.Read().Within(ctx)
	there, err := r.Symbols(l.session)
	if err != nil {
		return err
	}
	symbols := slices.DeleteFunc(slices.Sorted(maps.Keys(of)), func(name string) bool { return !slices.Contains(there, name) })
	if len(symbols) == 0 {
		return nil
	}
	at := ""
	settle := func() error {
		for _, t := range of[at] {
			if err := t.show(false); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	for row, err := range r.Trades(l.session, symbols) {
		if err == nil && row.Symbol != at {
			err = settle()
			at = row.Symbol
		}
		if err != nil {
			return err
		}
		for _, t := range of[at] {
			t.note(&row)
			if err := t.rows.add(&t.follower, row.Seq, &row.Trade); err != nil {
				return err
			}
		}
	}
	return settle()
}

// tell hands over the candles that have closed or changed, and the one that forms.
func (l *liveCandles) tell(t *liveTopic, name string, ended bool) error {
	if err := t.show(ended); err != nil {
		return err
	}
	if err := t.forming(); err != nil {
		return err
	}
	l.publish(name, t.events.pending...)
	t.events.pending = t.events.pending[:0]
	return nil
}

// forming tells of candles that are not closed, where they have changed.
func (t *liveTopic) forming() error {
	t.events.open = true
	defer func() { t.events.open = false }()
	switch rows := t.rows.(type) {
	case *followedTime:
		return rows.forming(&t.follower, t.symbol)
	case *followedCount:
		return rows.forming(t.symbol)
	}
	return nil
}

// repeat has the candles of a symbol that are still in memory shown once more.
func (c *followedTime) repeat(symbol string) {
	o := c.symbols[symbol]
	if o == nil {
		return
	}
	for _, k := range o.candles {
		k.shown, k.changed, k.fresh = false, false, true
	}
	c.busy[symbol] = len(o.candles) > 0
}

// forming tells of the candles of a symbol that are not closed and have changed since.
func (c *followedTime) forming(f *follower, symbol string) error {
	o := c.symbols[symbol]
	if o == nil || !c.busy[symbol] {
		return nil
	}
	spans, err := f.book.Spans(f.session)
	if err != nil {
		return err
	}
	line := ledger.NewTimeline(f.session, spans, symbol, ledger.Heard)
	for _, start := range slices.Sorted(maps.Keys(o.candles)) {
		k := o.candles[start]
		if k.shown || !k.fresh {
			continue
		}
		k.fresh = false
		state, _ := line.State(start, c.end(f.session, start), true)
		if err := c.Encode(symbol, &k.Candle, state); err != nil {
			return err
		}
	}
	return nil
}

// forming tells of the candle of a symbol that is not complete, where it has changed.
func (c *followedCount) forming(symbol string) error {
	fold := c.folds[symbol]
	if fold == nil {
		return nil
	}
	list := fold.Candles()
	if len(list) == 0 || list[len(list)-1].Trades == c.told {
		return nil
	}
	one := list[len(list)-1]
	c.told = one.Trades
	one.Number = c.shown[symbol] + 1
	return c.Encode(symbol, &one)
}
