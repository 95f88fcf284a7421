package store_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"

	"tapedeck/collector/candle"
)

// streamStep is the time between two trades of a stream, in ms.
const streamStep = 20

// streamClock is when trade i of a stream arrives.
func streamClock(i int) int64 { return min(day.Open+streamStep*int64(i), day.Close-1) }

// streamTrade is trade i of the stream of a seed, as it is found in the file: some are
// late by a minute, and there is a new symbol now and then.
func streamTrade(seed uint64, i int) candle.Trade {
	rng := rand.New(rand.NewPCG(seed, uint64(i)))
	at, conditions := streamClock(i), []string{"", "14|37|41|", "12|", "37|"}
	t := candle.Trade{
		Symbol: "SPY", Time: at - rng.Int64N(8), Received: at + rng.Int64N(900),
		Price:      decimal(600_00+int64(i/7)%900+rng.Int64N(9), 2),
		Size:       decimal(rng.Int64N(500), 0),
		Conditions: conditions[rng.IntN(len(conditions))], Dark: rng.IntN(10) == 0,
	}
	switch pick := rng.IntN(1000); {
	case pick < 3:
		t.Symbol = fmt.Sprintf("N%d", i/4096)
	case pick < 10:
		t.Symbol, t.Price = "BRK.B", decimal(480_0000+rng.Int64N(90_000), 4)
	case pick < 80:
		t.Symbol = "QQQ"
	case pick < 250:
		t.Symbol, t.Size = "QLD", decimal(rng.Int64N(100_000), 3)
	}
	if rng.IntN(50) == 0 {
		t.Time -= 60_000
	}
	if fresh(i) {
		t.Size = decimal(1_000_000+int64(i), 0) // like no other
	}
	t.Time = max(t.Time, day.Open)
	return t
}

// decimal is units x 10^-scale without trailing zeros.
func decimal(units int64, scale uint8) candle.Decimal {
	for ; scale > 0 && units%10 == 0; scale-- {
		units /= 10
	}
	return candle.Decimal{Units: units, Scale: scale}
}

// fresh says whether trade i comes under suspicion of being an echo, and is none.
func fresh(i int) bool { return i%701 == 300 }

// streamFrames are the trades of a stream from one to before another, as they are
// handed over, and how many of them repeat an old one.
func streamFrames(seed uint64, from, until int) (frames []candle.Trade, repeated int) {
	for i := from; i < until; i++ {
		if i%499 == 250 {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			echo := streamTrade(seed, i-1-rng.IntN(min(i, 1<<rng.IntN(16)))) // of a late one, most often
			echo.Echo, echo.Conditions, echo.Received = true, "", streamClock(i)
			frames = append(frames, echo)
			repeated++
		}
		t := streamTrade(seed, i)
		t.Echo = fresh(i)
		frames = append(frames, t)
	}
	return frames, repeated
}

// stream is what the file should hold, as far as it was asked for. It may be used from
// any goroutine.
type stream struct {
	seed     uint64
	mu       sync.Mutex
	n        int
	bySymbol map[string]*tradesOf
	folds    map[foldKey][]candle.Candle
}

// tradesOf are the trades of one symbol, and which of the stream they are.
type tradesOf struct {
	trades []candle.Trade
	index  []int
}

type foldKey struct {
	symbol   string
	interval candle.Interval
	trades   int
}

func newStream(seed uint64) *stream {
	return &stream{seed: seed, bySymbol: make(map[string]*tradesOf), folds: make(map[foldKey][]candle.Candle)}
}

// first are the first n trades of the stream, by symbol.
func (s *stream) first(n int) map[string][]candle.Trade {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; s.n < n; s.n++ {
		t := streamTrade(s.seed, s.n)
		of := s.bySymbol[t.Symbol]
		if of == nil {
			of = new(tradesOf)
			s.bySymbol[t.Symbol] = of
		}
		of.trades, of.index = append(of.trades, t), append(of.index, s.n)
	}
	list := make(map[string][]candle.Trade)
	for symbol, of := range s.bySymbol {
		if k := sort.SearchInts(of.index, n); k > 0 {
			list[symbol] = of.trades[:k:k]
		}
	}
	return list
}

// candles are those of a symbol's first trades. The last few answers are remembered.
func (s *stream) candles(symbol string, v candle.Interval, trades []candle.Trade) []candle.Candle {
	key := foldKey{symbol, v, len(trades)}
	s.mu.Lock()
	list, ok := s.folds[key]
	s.mu.Unlock()
	if ok {
		return list
	}
	fold := candle.NewFold(v, 0)
	for i := range trades {
		fold.Add(&trades[i])
	}
	list = fold.Candles()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.folds) > 50 {
		clear(s.folds)
	}
	s.folds[key] = list
	return list
}
