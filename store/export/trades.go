package export

import (
	"io"

	"tapedeck/collector/candle"
)

// Trades writes trades:
//
//	time,symbol,price,size,conditions,dark,received,seq
//
// time and received have three decimals; conditions are as the feed sent them, such
// as 14|37|.
type Trades struct {
	out encoder
	row [9]value
}

var tradeColumns = columnsOf(
	column{name: "time", kind: instant},
	column{name: "symbol", kind: label},
	column{name: "price", kind: price},
	column{name: "size", kind: size},
	column{name: "conditions", kind: label, nullable: true},
	column{name: "dark", kind: boolean},
	column{name: "received", kind: instant},
	column{name: "seq", kind: integer},
	amendedColumn,
)

// NewTrades begins a file. d has been shown every trade that will be encoded. The error is
// a *NoColumn, or a format that there is not.
func NewTrades(w io.Writer, o Options, d Decimals) (*Trades, error) {
	out, err := o.begin(w, o.followed(tradeColumns), d)
	return &Trades{out: out}, err
}

// Encode writes a row. seq is the trade's number among its symbol's of the session,
// from 1. The order of the rows is the caller's: by symbol, then seq. An error is
// the writer's, and stays; after Close there is always one.
func (e *Trades) Encode(t *candle.Trade, seq int64) error {
	row := &e.row
	row[0].n = t.Time
	row[1].text = t.Symbol
	row[2].decimal(t.Price)
	row[3].decimal(t.Size)
	row[4].text = t.Conditions
	row[5].bool(t.Dark)
	row[6].n = t.Received
	row[7].n = seq
	return e.out.encode(row[:])
}

// Flush hands over the rows so far, which of Parquet it cannot.
func (e *Trades) Flush() error { return e.out.flush() }

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *Trades) Close() error { return e.out.Close() }
