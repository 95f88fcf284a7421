package command

import (
	"bytes"
	"fmt"
	"strconv"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store/export"
)

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
		return newFollowedTimeTo(timeEvents{e}, v, false, liveSettle), err
	}
	e.count, err = export.NewCountCandles(&e.text, o, export.Decimals{})
	return newFollowedCountTo(e, v), err
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
