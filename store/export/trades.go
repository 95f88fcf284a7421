package export

import (
	"io"

	"tapedeck/collector/candle"
)

// Trades writes trades as CSV:
//
//	time,symbol,price,size,conditions,dark,received,seq
//
// time and received have three decimals; conditions are as the feed sent them, such
// as 14|37|.
type Trades struct {
	rows
	decimals       Decimals
	time, received stamp
	symbol         symbolField
}

// NewTrades begins a file. d has been shown every trade that will be encoded.
func NewTrades(w io.Writer, d Decimals) *Trades {
	const header = "time,symbol,price,size,conditions,dark,received,seq"
	return &Trades{rows: newRows(w, header), decimals: d.least()}
}

// Encode writes a row. seq is the trade's number among its symbol's of the session,
// from 1. The order of the rows is the caller's: by symbol, then seq. An error is
// the writer's, and stays; after Close there is always one.
func (e *Trades) Encode(t *candle.Trade, seq int64) error {
	if e.err != nil {
		return e.err
	}
	row := e.time.millis(e.buf, t.Time)
	row = e.symbol.append(row, t.Symbol)
	row = append(t.Price.Append(row, e.decimals.Price), ',')
	row = append(t.Size.Append(row, e.decimals.Size), ',')
	row = appendText(row, t.Conditions)
	row = appendBool(row, t.Dark)
	row = e.received.millis(row, t.Received)
	return e.end(appendInt(row, seq))
}
