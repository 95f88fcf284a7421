package command

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
	"tapedeck/store"
)

// windowTrades is how many trades are put in order of arrival at a time. The file has them
// symbol by symbol: of a whole market it is read once for each window.
const windowTrades = 1 << 20

// taped is what a file holds, as a feed to play.
type taped struct {
	sel   *selection
	f     *store.Reading
	first []candle.Trade // of each symbol
	seen  map[int64]int  // trades by second of arrival, for the windows
	begin int64
	total int64
}

// newTaped reads a selection once.
func newTaped(sel *selection, f *store.Reading) (*taped, error) {
	t := &taped{sel: sel, f: f, seen: make(map[int64]int), begin: math.MaxInt64}
	last := ""
	for p, run := range sel.trades(f) {
		if run.err != nil {
			return nil, run.err
		}
		for i := range run.row.Trades {
			trade := &run.row.Trades[i]
			if !sel.has(trade.Time) {
				continue
			}
			if p.symbol != last {
				last = p.symbol
				one := *trade
				one.Symbol = p.symbol
				t.first = append(t.first, one)
			}
			arrival := t.arrival(p.session, trade)
			t.seen[arrival/1000]++
			t.begin = min(t.begin, arrival)
			t.total++
		}
	}
	if t.total == 0 {
		return nil, fmt.Errorf("%s holds no trades of that", f.Path())
	}
	return t, nil
}

// arrival is when a trade comes again: when it was received, or, where nobody knows by which
// clock that was, its own time.
func (t *taped) arrival(s ledger.Session, trade *candle.Trade) int64 {
	if s.Stated || s.Hours != ledger.WholeDay {
		return trade.Received
	}
	return trade.Time
}

// source is what a server plays.
func (t *taped) source() *playback.Trades {
	return playback.NewTrades(t.crypto(), t.begin, t.first, t.trades)
}

// crypto says whether it was the feed of coins.
func (t *taped) crypto() bool { return strings.Contains(t.first[0].Symbol, "-") }

// trades are all trades in order of arrival.
func (t *taped) trades() iter.Seq2[playback.Arrival, error] {
	return func(yield func(playback.Arrival, error) bool) {
		due := t.begin
		for _, w := range t.windows() {
			list, err := t.window(w[0], w[1])
			if err != nil {
				yield(playback.Arrival{}, err)
				return
			}
			for _, a := range list {
				due = max(due, a.Due)
				a.Due = due
				if !yield(a, nil) {
					return
				}
			}
		}
	}
}

// windows are stretches of arrival of about windowTrades each, half-open, in seconds.
func (t *taped) windows() (list [][2]int64) {
	seconds := make([]int64, 0, len(t.seen))
	for s := range t.seen {
		seconds = append(seconds, s)
	}
	slices.Sort(seconds)
	trades, from := 0, seconds[0]
	for _, s := range seconds {
		if trades > 0 && trades+t.seen[s] > windowTrades {
			list = append(list, [2]int64{from, s})
			trades, from = 0, s
		}
		trades += t.seen[s]
	}
	return append(list, [2]int64{from, seconds[len(seconds)-1] + 1})
}

// window is the trades that came in some seconds, in order; of one millisecond those of a
// symbol stay in theirs.
func (t *taped) window(from, until int64) (list []playback.Arrival, err error) {
	for p, run := range t.sel.trades(t.f) {
		if run.err != nil {
			return nil, run.err
		}
		for i := range run.row.Trades {
			trade := &run.row.Trades[i]
			arrival := t.arrival(p.session, trade)
			if second := arrival / 1000; second < from || second >= until || !t.sel.has(trade.Time) {
				continue
			}
			a := playback.Arrival{Due: arrival, Trade: *trade, Open: p.session.Hours == ledger.Regular && p.session.Contains(arrival)}
			a.Symbol = p.symbol
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b playback.Arrival) int { return cmp.Compare(a.Due, b.Due) })
	return list, nil
}

// replayFile serves what is in a tapedeck file.
func (r *replayCommand) replayFile(ctx context.Context, c console, now time.Time) error {
	file, err := store.OpenReadOnly(r.File)
	if err != nil {
		return err
	}
	defer file.Close()
	f := file.Read()
	sel, err := r.choose(ctx, f, now)
	if err != nil {
		return err
	}
	t, err := newTaped(sel, f)
	if err != nil {
		return err
	}
	market := "us"
	if t.crypto() {
		market = "crypto"
	}
	symbols := make([]string, 0, len(t.first))
	for _, first := range t.first {
		symbols = append(symbols, first.Symbol)
	}
	says := fmt.Sprintf("replay of %s (%s trades of %d symbols, %s)", filepath.Base(r.File), thousands(t.total), len(symbols), sel)
	return r.serve(ctx, c, t.source(), says, market, symbols)
}
