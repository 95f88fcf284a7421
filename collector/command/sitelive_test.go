package command

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// toldCandle is a candle as an event has it.
type toldCandle struct {
	Symbol, Interval       string
	Time, Trades, Number   int64
	Open, High, Low, Close json.Number
	Volume                 json.Number
	State                  string
	Closed, Amended        bool
}

func (c *toldCandle) String() string {
	return fmt.Sprintf("%s %d/%d: %s %s %s %s, %s of %d trades", c.Symbol, c.Time, c.Number, c.Open, c.High, c.Low, c.Close, c.Volume, c.Trades)
}

// TestLiveCandles has trades come in random pieces, late and out of order, sealed now and then,
// while topics begin at any time: what was told of each candle last is the fold of its trades,
// no candle is told of with fewer trades than before, none changes after it was closed without
// being amended, and who listens from the start is told of every one.
func TestLiveCandles(t *testing.T) {
	r := seededHere(t)
	session := ledger.Session{Hours: ledger.Regular, Open: 1795185000000, Close: 1795185000000 + 3_600_000, Stated: true}
	file, err := store.Open(filepath.Join(t.TempDir(), "a.db"), store.Options{Command: "test", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Begin(session, session.Open); err != nil {
		t.Fatal(err)
	}
	symbols := []string{"QLD", "SPY"}
	file.Enter(session, []ledger.Span{{From: session.Open, Until: session.Close, Symbols: ledger.NewSymbols(symbols...)}}, nil)
	if err := file.Commit(); err != nil {
		t.Fatal(err)
	}

	clock := new(hand)
	clock.put(session, 0)
	told := make(map[string]map[int64]toldCandle)
	l := &liveCandles{site: newSite(file, &live{file: file, plan: always{}, run: new(runCommand), clock: clock}, slog.New(slog.DiscardHandler)), topics: make(map[string]*liveTopic)}
	l.publish = func(topic string, events ...monitor.Event) {
		for _, e := range events {
			note(t, told, topic, e)
		}
	}
	early := []string{"candle QLD 1s", "candle QLD 1m", "candle SPY 5s", "candle SPY 100t", "candle QLD 7t", "candle NONE 1m"}
	late := []string{"candle SPY 1m", "candle QLD 15s", "candle QLD 100t", "candle SPY 1h"}
	topics := append([]string{statusTopic}, early...)
	look := func() {
		if err := l.look(context.Background(), topics); err != nil {
			t.Fatal(err)
		}
	}
	look()

	all := make(map[string][]candle.Trade)
	for at := session.Open; at < session.Close; at += 1 + r.Int64N(20_000) {
		clock.put(session, time.Duration(at-session.Open)*time.Millisecond)
		var piece []candle.Trade
		for range r.IntN(40) {
			piece = append(piece, candle.Trade{Symbol: symbols[r.IntN(2)], Time: max(session.Open, at-r.Int64N(2000)), Received: at,
				Price: candle.Decimal{Units: 70_001 + 2*r.Int64N(300), Scale: 3}, Size: candle.Decimal{Units: 1 + r.Int64N(500)}})
			if r.IntN(50) == 0 { // late, by up to ten minutes
				piece[len(piece)-1].Time = max(session.Open, at-r.Int64N(600_000))
			}
		}
		if _, err := file.Append(session, piece); err != nil {
			t.Fatal(err)
		}
		for _, trade := range piece {
			all[trade.Symbol] = append(all[trade.Symbol], trade)
		}
		if err := file.Commit(); err != nil {
			t.Fatal(err)
		}
		if r.IntN(40) == 0 {
			if err := file.Seal(context.Background(), session, false); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(60) == 0 && len(late) > 0 {
			topics, late = append(topics, late[0]), late[1:]
		}
		if r.IntN(3) > 0 {
			look()
		}
	}
	topics = append(topics, late...)
	look()
	clock.put(session, time.Hour+time.Minute)
	look()
	if len(told["candle NONE 1m"]) > 0 {
		t.Error("a symbol that is not recorded has candles")
	}
	for _, topic := range topics[1:] {
		words := strings.Fields(topic)
		checkTold(t, topic, told[topic], all[words[1]], slices.Contains(early, topic))
	}
}

// note keeps what was told, and holds it against what was told before.
func note(t *testing.T, told map[string]map[int64]toldCandle, topic string, e monitor.Event) {
	t.Helper()
	if e.Name == monitor.ResetEvent { // a page reads again what was there before
		return
	}
	var c toldCandle
	if err := json.Unmarshal(e.Data, &c); err != nil || e.Name != "candle" || topic != "candle "+c.Symbol+" "+c.Interval {
		t.Fatalf("%s: %s %v", topic, e.Data, err)
	}
	key := c.Time
	if c.Number > 0 {
		key = c.Number
	}
	if e.Key != fmt.Sprint(key) {
		t.Errorf("%s: the key %s of %s", topic, e.Key, e.Data)
	}
	if told[topic] == nil {
		told[topic] = make(map[int64]toldCandle)
	}
	before, known := told[topic][key]
	switch {
	case known && c.Trades < before.Trades:
		t.Errorf("%s: %v after %v", topic, &c, &before)
	case known && before.Closed && !c.Amended:
		t.Errorf("%s: %v was closed, and is told of again: %v", topic, &before, &c)
	case c.Amended && !c.Closed:
		t.Errorf("%s: amended and not closed: %v", topic, &c)
	}
	told[topic][key] = c
}

// checkTold compares what was told last with the fold of the trades.
func checkTold(t *testing.T, topic string, told map[int64]toldCandle, trades []candle.Trade, fromStart bool) {
	t.Helper()
	v, err := candle.ParseInterval(strings.Fields(topic)[2])
	if err != nil {
		t.Fatal(err)
	}
	fold := candle.NewFold(v, 0)
	for i := range trades {
		fold.Add(&trades[i])
	}
	want := make(map[int64]string)
	for _, c := range fold.Candles() {
		key, start := c.Number, c.Start
		if v.ByTime() {
			key = c.Start
		}
		one := toldCandle{Symbol: strings.Fields(topic)[1], Time: start, Number: c.Number, Open: json.Number(plainNumber(c.Open.String())), High: json.Number(plainNumber(c.High.String())),
			Low: json.Number(plainNumber(c.Low.String())), Close: json.Number(plainNumber(c.Close.String())), Volume: json.Number(c.Volume.String()), Trades: c.Trades}
		want[key] = one.String()
	}
	for key, c := range told {
		c.Open, c.High, c.Low, c.Close = json.Number(plainNumber(string(c.Open))), json.Number(plainNumber(string(c.High))), json.Number(plainNumber(string(c.Low))), json.Number(plainNumber(string(c.Close)))
		if c.String() != want[key] {
			t.Errorf("%s: told last of %v (closed %t), it is %s", topic, &c, c.Closed, want[key])
		}
		if !c.Closed {
			t.Errorf("%s: %v is still not closed", topic, &c)
		}
	}
	if fromStart && len(told) != len(want) {
		for key := range told {
			delete(want, key)
		}
		t.Errorf("%s: these were not told of: %v", topic, want)
	}
	if len(want) > 0 && len(told) == 0 && fromStart {
		t.Errorf("%s: nothing was told; there is %v", topic, slices.Sorted(maps.Keys(want)))
	}
}

// plainNumber is a number without zeros at its end.
func plainNumber(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
