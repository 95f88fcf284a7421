package collector

import (
	"context"
	"fmt"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// A start while the market is closed tries the key once: better to know in the evening
// that it is refused than at the open.
const (
	preflightAhead = 5 * time.Minute // the open must be further away
	preflightReads = 5 * time.Second // wall time
)

// preflight dials, authorises, subscribes and reads for a moment, and says what it found.
func (r *Recorder) preflight(ctx context.Context) {
	now := r.o.Clock.Now()
	s := r.plan.Next(now)
	left := time.UnixMilli(s.Open).Sub(now)
	if !r.o.Preflight || left <= preflightAhead || r.o.Clock.Wall(left) <= preflightAhead { // a fast clock would be there meanwhile
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := r.feed(ctx)
	if err == nil {
		defer func() { _ = conn.CloseNow() }()
		defer context.AfterFunc(ctx, func() { _ = conn.CloseNow() })()
		err = conn.Subscribe(ctx, r.o.Symbols)
	}
	var last candle.Trade
	if err == nil {
		last, err = r.listen(ctx, conn)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.activity.refuse(err, r.now(), true)
		r.log.Warn("Key: " + troubleOf(err))
	case last.Symbol == "":
		r.log.Info(fmt.Sprintf("Key: accepted. No last trade of %s came, which is no error", r.o.Symbols[0]))
	default:
		at := time.UnixMilli(last.Time).In(schedule.NewYork())
		r.log.Info(fmt.Sprintf("Key: accepted. %s last trade %s at %s", last.Symbol, at.Format("Mon Jan 2 15:04:05"), last.Price))
	}
}

// listen reads for a moment and returns the first trade of the first symbol, or of any.
func (r *Recorder) listen(ctx context.Context, conn Conn) (last candle.Trade, err error) {
	over := time.AfterFunc(preflightReads, func() { _ = conn.Close("only a try") })
	defer over.Stop()
	begun := wall()
	for {
		var t candle.Trade
		count, err := conn.Read(ctx, &t)
		if err != nil {
			if refusal(err) == "" && wall().Sub(begun) >= preflightReads { // we closed it
				err = nil
			}
			return last, err
		}
		if count == ledger.Accepted && last.Symbol != r.o.Symbols[0] && (last.Symbol == "" || t.Symbol == r.o.Symbols[0]) {
			last = t
		}
	}
}

// troubleOf is why a try failed, with what may be done about it.
func troubleOf(err error) string {
	switch refusal(err) {
	case "key":
		return fmt.Sprintf("refused (%v): a wrong key, or a plan without WebSockets", err)
	case "slots":
		return fmt.Sprintf("refused (%v): is another recorder using this key?", err)
	case "":
		return fmt.Sprintf("not tried: %v", err)
	}
	return fmt.Sprintf("refused: %v", err)
}
