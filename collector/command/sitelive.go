package command

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
	"tapedeck/store/export"
)

const (
	liveLook    = followLook       // how often it is looked for trades: the most that a forming candle is told of
	statusEvery = 4                // looks
	stillEvery  = 15 * time.Second // a status where nothing is recorded
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
	if len(symbol) > 32 {
		return nil, &usage{problem: "symbol: that is no symbol; right is for example symbol=QLD"}
	}
	v1, err := candle.ParseInterval(v.Get("interval"))
	if err != nil {
		return nil, &usage{problem: fmt.Sprintf("interval: %v; right is for example interval=1m", err)}
	}
	return append(list, candleTopic(symbol, v1)), nil
}

// tell hands the hub what happens until ctx ends, as long as somebody listens.
func (s *site) tell(ctx context.Context) {
	look := time.NewTicker(liveLook)
	defer look.Stop()
	candles := &liveCandles{site: s, topics: make(map[string]*liveTopic)}
	every := statusEvery
	if s.live == nil {
		every = int(stillEvery / liveLook)
	}
	for n := 0; ; n++ {
		topics := s.hub.Topics()
		if len(topics) == 0 { // nobody: sleep until somebody comes
			candles.forget()
			select {
			case <-ctx.Done():
				return
			case <-s.hub.Came():
				n = -1
				continue
			}
		}
		if s.live != nil {
			if err := candles.look(ctx, topics); err != nil && ctx.Err() == nil {
				s.log.Warn(fmt.Sprintf("The page is told of no candles: %v", err))
				candles.forget()
			}
		}
		if n%every == 0 {
			s.hub.Publish(statusTopic, monitor.Event{Name: "status", Key: "status", Data: s.statusEvent(ctx)})
		}
		select {
		case <-ctx.Done():
			return
		case <-s.hub.Came():
			n = -1 // whoever came knows nothing yet
		case <-look.C:
		}
	}
}

// liveCandles folds the trades of the running session, as they are committed, into the
// candles that somebody looks at. Each trade is read once, however many look.
type liveCandles struct {
	site    *site
	session ledger.Session
	tail    *store.Tail
	topics  map[string]*liveTopic
}

// liveTopic is a symbol and an interval.
type liveTopic struct {
	follower
	symbol   string
	interval candle.Interval
	events   *candleEvents
}

// forget lets go of everything: what is asked for next is begun anew.
func (l *liveCandles) forget() { l.tail, l.topics = nil, make(map[string]*liveTopic) }

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
		if l.tail, err = l.site.file.Read().Tail(last); err != nil {
			return err
		}
		l.session = last
		clear(l.topics)
	}
	for _, name := range names {
		if l.topics[name] == nil && name != statusTopic {
			if err := l.begin(name); err != nil {
				return err
			}
		}
	}
	return nil
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
			err = t.publish(l.site.hub, name, ended)
		}
	}
	return err
}

// begin begins a topic with what is on file of its symbol.
func (l *liveCandles) begin(name string) error {
	words := strings.Fields(name)
	v, err := candle.ParseInterval(words[2])
	if err != nil {
		return err
	}
	t := &liveTopic{follower: follower{book: l.site.book(), names: words[1:2]}, symbol: words[1], interval: v, events: &candleEvents{interval: words[2], quiet: true}}
	if t.rows, err = t.events.rows(v); err != nil {
		return err
	}
	t.enter(l.session)
	if err := t.rows.begin(&t.follower, l.site.file.Read()); err != nil {
		return err
	}
	t.events.quiet = false
	l.topics[name] = t
	return t.publish(l.site.hub, name, false)
}

// publish hands over the candles that have closed or changed, and the one that forms.
func (t *liveTopic) publish(hub *monitor.Hub, name string, ended bool) error {
	if err := t.show(ended); err != nil {
		return err
	}
	if err := t.forming(); err != nil {
		return err
	}
	hub.Publish(name, t.events.pending...)
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

// candleEvents makes events of candles: the columns of an export, the interval, and whether
// it is closed.
type candleEvents struct {
	interval string
	quiet    bool // what is on file already is no news
	open     bool // what comes is not closed
	pending  []monitor.Event

	text  bytes.Buffer
	time  *export.TimeCandles
	count *export.CountCandles
}

// rows are the candles of an interval that go into the events.
func (e *candleEvents) rows(v candle.Interval) (followed, error) {
	o := export.Options{Format: export.JSONLines, Time: export.Milliseconds, Follow: true}
	var err error
	if v.ByTime() {
		e.time, err = export.NewTimeCandles(&e.text, o, export.Decimals{})
		return &followedTime{timeSink: timeEvents{e}, interval: v, settle: (2 * time.Second).Milliseconds()}, err
	}
	e.count, err = export.NewCountCandles(&e.text, o, export.Decimals{})
	return &followedCount{countSink: e, interval: v}, err
}

// timeEvents is candleEvents as a sink of candles of time.
type timeEvents struct{ *candleEvents }

func (e timeEvents) Encode(symbol string, c *candle.Candle, state ledger.State) error {
	if e.quiet {
		return nil
	}
	return e.add(c.Start, e.time, e.time.Encode(symbol, c, state))
}

func (e timeEvents) Amend(symbol string, c *candle.Candle, state ledger.State) error {
	if e.quiet {
		return nil
	}
	return e.add(c.Start, e.time, e.time.Amend(symbol, c, state))
}

// Encode takes a candle of a number of trades.
func (e *candleEvents) Encode(symbol string, c *candle.Candle) error {
	if e.quiet {
		return nil
	}
	return e.add(c.Number, e.count, e.count.Encode(symbol, c))
}

// Flush does nothing: events are handed over by whoever asks for them.
func (e *candleEvents) Flush() error { return nil }

// add makes the event of the row that was written last.
func (e *candleEvents) add(key int64, rows interface{ Flush() error }, err error) error {
	if err == nil {
		err = rows.Flush()
	}
	if err != nil {
		return err
	}
	data := bytes.Clone(bytes.TrimSuffix(e.text.Bytes(), []byte("}\n")))
	e.text.Reset()
	data = fmt.Appendf(data, `,"interval":%q,"closed":%t}`, e.interval, !e.open)
	e.pending = append(e.pending, monitor.Event{Name: "candle", Key: strconv.FormatInt(key, 10), Data: data})
	return nil
}
