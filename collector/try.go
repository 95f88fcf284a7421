package collector

import (
	"context"
	"slices"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// tryReads is for how long a try reads, wall time.
const tryReads = 5 * time.Second

// Try dials a feed, authorises, subscribes and reads for five seconds, so that somebody knows
// whether a key works before a session begins. It returns the first trade of each symbol in
// the order they came: of a closed market their last trades, which not every feed sends. The
// error is the feed's, its refusal too, or ctx's. Nothing is recorded, and when it returns
// nothing is open. It takes the key's slots meanwhile: a recorder with the same key may be
// refused by that.
func Try(ctx context.Context, feed Feed, symbols []string) (heard []candle.Trade, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := feed(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.CloseNow() }()
	defer context.AfterFunc(ctx, func() { _ = conn.CloseNow() })()
	if err := conn.Subscribe(ctx, symbols); err != nil {
		return nil, err
	}
	return listen(ctx, conn, symbols)
}

// listen reads for a moment.
func listen(ctx context.Context, conn Conn, symbols []string) (heard []candle.Trade, err error) {
	over := time.AfterFunc(tryReads, func() { _ = conn.Close("only a try") })
	defer over.Stop()
	begun := wall()
	missing := make(map[string]bool, len(symbols))
	for _, symbol := range symbols {
		missing[symbol] = true
	}
	for {
		var t candle.Trade
		count, err := conn.Read(ctx, &t)
		if err != nil {
			if ctx.Err() == nil && refusal(err) == "" && wall().Sub(begun) >= tryReads { // we closed it
				err = nil
			}
			return heard, err
		}
		if count == ledger.Accepted && missing[t.Symbol] {
			delete(missing, t.Symbol)
			heard = append(heard, t)
		}
	}
}

// tradeOf is the trade of a symbol, or the first of any; false when there is none.
func tradeOf(heard []candle.Trade, symbol string) (candle.Trade, bool) {
	if len(heard) == 0 {
		return candle.Trade{}, false
	}
	i := slices.IndexFunc(heard, func(t candle.Trade) bool { return t.Symbol == symbol })
	return heard[max(i, 0)], true
}
