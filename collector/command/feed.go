package command

import (
	"context"
	"errors"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
)

// feedOf dials EODHD, or what plays it, for the recorder.
func feedOf(o eodhd.Options) collector.Feed {
	return func(ctx context.Context) (collector.Conn, error) {
		conn, err := eodhd.Dial(ctx, o)
		if err != nil {
			return nil, err
		}
		return wire{conn}, nil
	}
}

// wire is a connection in the recorder's words.
type wire struct{ *eodhd.Conn }

// counted is what a frame of each kind counts as.
var counted = [eodhd.KindCount]ledger.Count{
	eodhd.KindTrade:        ledger.Accepted,
	eodhd.KindQuote:        ledger.RejectedUnknown,
	eodhd.KindUnknown:      ledger.RejectedUnknown,
	eodhd.KindGarbage:      ledger.RejectedGarbage,
	eodhd.KindUnreadable:   ledger.RejectedUnreadable,
	eodhd.KindUnsubscribed: ledger.RejectedSymbol,
	eodhd.KindPrecision:    ledger.RejectedPrecision,
	eodhd.KindInvalid:      ledger.RejectedInvalid,
}

// Read waits for one frame.
func (w wire) Read(ctx context.Context, t *candle.Trade) (ledger.Count, error) {
	kind, err := w.Conn.Read(ctx, t)
	return counted[kind], err
}

// stated is what a playback server says of itself.
type stated struct {
	clock  collector.Clock // zero when it states none
	source string          // empty when it states none
}

// askFeed asks a feed for its clock by one dial, again and again until somebody
// answers. The clock is taken to have been
// stated before we dialled: so it may lead the server's by the time a dial takes,
// and never lags it, and no second counts as heard before the server had our
// subscribe.
func askFeed(ctx context.Context, o eodhd.Options, waiting func(error)) (stated, error) {
	for {
		before := time.Now()
		conn, err := eodhd.Dial(ctx, o)
		if err == nil {
			says := stated{source: conn.Source()}
			if clock, ok := conn.Clock(); ok {
				says.clock = collector.Clock{Start: clock.Start, Seen: before, Speed: clock.Speed}
			}
			_ = conn.Close("only the clock was wanted")
			return says, nil
		}
		if ctx.Err() != nil {
			return stated{}, ctx.Err()
		}
		pause, ok := pauseAfter(err)
		if !ok {
			return stated{}, err
		}
		waiting(err)
		select {
		case <-ctx.Done():
			return stated{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// pauseAfter is how long to wait before a dial is tried again that gave err: long
// after a refusal, which seconds do not heal. ok is false when it is our own fault.
func pauseAfter(err error) (pause time.Duration, ok bool) {
	var refused *eodhd.Refused
	var unreachable *eodhd.Unreachable
	var lost *eodhd.Disconnected
	switch {
	case errors.As(err, &refused):
		if wait, ok := refused.RetryAfter(); ok {
			return wait, true
		}
		return 15 * time.Second, true
	case errors.As(err, &unreachable), errors.As(err, &lost):
		return time.Second, true
	}
	return 0, false
}
