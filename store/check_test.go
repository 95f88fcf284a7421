package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// checkFile checks a whole file: that it holds the first n trades of the stream, n at
// least and at most so many, and nothing else; that candles, ledger and counts are those
// of just these trades; and what bbolt checks.
func checkFile(path string, s *stream, atLeast, atMost int) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	f, err := store.OpenReadOnly(path)
	if err != nil {
		return 0, err
	}
	n, err = checkRows(f, s, atLeast, atMost)
	return n, errors.Join(err, f.Close(), checkPages(path), verify(path))
}

func verify(path string) error {
	report, err := store.Verify(context.Background(), path)
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("verify: %d problems, the first: %w", len(report.Problems), report.Problems[0])
	}
	return err
}

// checkPages is bbolt's own check.
func checkPages(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bolt.Tx) (all error) {
		for err := range tx.Check() {
			all = errors.Join(all, fmt.Errorf("bbolt's check: %w", err))
		}
		return all
	})
	return errors.Join(err, db.Close())
}

func checkRows(f *store.File, s *stream, atLeast, atMost int) (n int, err error) {
	got := make(map[string][]candle.Trade)
	for row, err := range f.Trades(day, nil) {
		if err != nil {
			return 0, err
		}
		n++
		if got[row.Symbol] = append(got[row.Symbol], row.Trade); row.Seq != int64(len(got[row.Symbol])) {
			return n, fmt.Errorf("trade %d of %s has number %d", len(got[row.Symbol]), row.Symbol, row.Seq)
		}
	}
	if n < atLeast || n > atMost {
		return n, fmt.Errorf("%d trades, but %d were committed and %d handed over", n, atLeast, atMost)
	}
	want := s.first(n)
	if err := checkTrades(got, want); err != nil {
		return n, err
	}
	if n == 0 {
		return 0, nil
	}
	return n, errors.Join(checkOne(f, n, want), checkFolds(f, s, want), checkSizes(f, want), checkAccount(f, n))
}

func checkTrades(got, want map[string][]candle.Trade) error {
	for symbol, list := range want {
		for i, t := range list {
			if have := got[symbol]; i >= len(have) {
				return fmt.Errorf("%s has %d trades, should have %d", symbol, len(have), len(list))
			} else if have[i] != t {
				return fmt.Errorf("trade %d of %s is %+v, should be %+v", i, symbol, have[i], t)
			}
		}
	}
	return nil // none is too many: the sum is right
}

// checkOne reads one symbol by itself, another one each time.
func checkOne(f *store.File, n int, want map[string][]candle.Trade) error {
	symbol := heardSymbols.Names()[n%heardSymbols.Len()]
	var got []candle.Trade
	for row, err := range f.Trades(day, []string{symbol}) {
		if err != nil {
			return err
		}
		got = append(got, row.Trade)
	}
	if !slices.Equal(got, want[symbol]) {
		return fmt.Errorf("%s read alone: %d trades, should be %d", symbol, len(got), len(want[symbol]))
	}
	return nil
}

func checkFolds(f *store.File, s *stream, want map[string][]candle.Trade) error {
	for _, v := range []candle.Interval{candle.Second, candle.HundredTrades} {
		got := make(map[string][]candle.Candle)
		for row, err := range f.Candles(day, nil, v, 0) {
			if err != nil {
				return err
			}
			got[row.Symbol] = append(got[row.Symbol], row.Candle)
		}
		for symbol, trades := range want {
			if err := sameCandles(got[symbol], s.candles(symbol, v, trades)); err != nil {
				return fmt.Errorf("%v candles of %s: %w", v, symbol, err)
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("%v candles of %d symbols, should be %d", v, len(got), len(want))
		}
	}
	return nil
}

// sameCandles compares all but First and Last: of a stored candle those are not kept.
func sameCandles(got, want []candle.Candle) error {
	if len(got) != len(want) {
		return fmt.Errorf("there are %d, should be %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.Volume.Cmp(w.Volume) != 0 || g.Turnover.Cmp(w.Turnover) != 0 {
			return fmt.Errorf("candle %d has volume %v and turnover %v, should have %v and %v", i, g.Volume, g.Turnover, w.Volume, w.Turnover)
		}
		g.First, g.Last, g.Volume, g.Turnover = w.First, w.Last, w.Volume, w.Turnover
		if g != w {
			return fmt.Errorf("candle %d is %+v, should be %+v", i, g, w)
		}
	}
	return nil
}

func checkSizes(f *store.File, want map[string][]candle.Trade) error {
	sizes, err := f.Sizes(day)
	if err != nil {
		return err
	}
	for symbol, trades := range want {
		if sizes[symbol].Trades != int64(len(trades)) {
			return fmt.Errorf("Sizes says %d trades of %s, should be %d", sizes[symbol].Trades, symbol, len(trades))
		}
	}
	return nil
}

// checkAccount checks the ledger and the counts: they are committed with the trades, so
// they go just as far, without a hole.
func checkAccount(f *store.File, n int) error {
	sessions, err := f.Sessions()
	if err != nil {
		return err
	}
	if len(sessions) != 1 || sessions[0].Session != day || sessions[0].Counts[ledger.Accepted] != int64(n) {
		return fmt.Errorf("with %d trades there is the account %+v", n, sessions)
	}
	spans, err := f.Spans(day)
	if err != nil {
		return err
	}
	at := day.Open
	for i, p := range spans {
		if p.From != at || p.Until < at {
			return fmt.Errorf("entry %d of the ledger is from %d until %d, should begin at %d", i, p.From, p.Until, at)
		}
		at = p.Until
	}
	// A process that closes before its first commit has entered why the one before stopped.
	if end := streamClock(n); at != end && at != end+streamStep/2 {
		return fmt.Errorf("the ledger ends at %d, the trades at %d", at, end)
	}
	return nil
}
