package command

import (
	"slices"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// sharedRun is a run of seconds with the symbols that share it.
type sharedRun struct {
	ledger.Run
	symbols []string
}

// coverage is the runs of seconds of one session, each with the symbols that share
// it, by time.
func (sel *selection) coverage(f *store.Reading, s ledger.Session) ([]sharedRun, error) {
	runs, _, err := sel.coverageAndCandles(f, s)
	return runs, err
}

// coverageAndCandles is coverage, and the number of 1-second candles that it is made with.
func (sel *selection) coverageAndCandles(f *store.Reading, s ledger.Session) (runs []sharedRun, candles int64, err error) {
	timeline, err := f.Timelines(s)
	if err != nil {
		return nil, 0, err
	}
	until, err := f.Until(s)
	if err != nil {
		return nil, 0, err
	}
	shared := make(map[ledger.Run][]string)
	add := func(symbol string, seconds []int64) {
		for run := range timeline(symbol).Runs(slices.Values(seconds)) {
			if run.From, run.Until = sel.clip(run.From, min(run.Until, until)); run.From < run.Until {
				shared[run] = append(shared[run], symbol)
			}
		}
	}
	symbol, seconds, done := "", []int64(nil), make(map[string]bool)
	for c, err := range f.Candles(s, sel.symbols, candle.Second, 0) {
		if err == nil {
			err = sel.ctx.Err()
		}
		if err != nil {
			return nil, 0, err
		}
		candles++
		if c.Symbol != symbol && symbol != "" {
			add(symbol, seconds)
			seconds = seconds[:0]
		}
		symbol = c.Symbol
		done[symbol] = true
		seconds = append(seconds, c.Start)
	}
	if symbol != "" {
		add(symbol, seconds)
	}
	for _, name := range sel.symbols {
		if !done[name] {
			add(name, nil)
		}
	}
	runs = make([]sharedRun, 0, len(shared))
	for run, symbols := range shared {
		slices.Sort(symbols)
		runs = append(runs, sharedRun{run, symbols})
	}
	slices.SortFunc(runs, func(a, b sharedRun) int {
		if c := ledger.CompareRuns(a.Run, b.Run); c != 0 {
			return c
		}
		return slices.Compare(a.symbols, b.symbols)
	})
	return runs, candles, nil
}
