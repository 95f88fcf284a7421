package export

import (
	"io"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// TimeCandles writes candles of a stretch of time, 1d included:
//
//	time,symbol,open,high,low,close,volume,vwap,trades,state
//
// time is the start of the candle, in whole seconds; vwap is empty when the volume
// is 0.
type TimeCandles struct {
	out encoder
	row [11]value
}

var timeColumns = columnsOf(append(candleColumns(second),
	column{name: "state", kind: label},
	amendedColumn,
)...)

// candleColumns are what every candle has.
func candleColumns(start kind) []column {
	return []column{
		{name: "time", kind: start},
		{name: "symbol", kind: label},
		{name: "open", kind: price, nullable: true},
		{name: "high", kind: price, nullable: true},
		{name: "low", kind: price, nullable: true},
		{name: "close", kind: price, nullable: true},
		{name: "volume", kind: volume, nullable: true},
		{name: "vwap", kind: average, nullable: true},
		{name: "trades", kind: integer, nullable: true},
	}
}

// The places of a candle's fields in a row.
const (
	startAt = iota
	symbolAt
	openAt
	highAt
	lowAt
	closeAt
	volumeAt
	vwapAt
	tradesAt
	stateAt              // of a candle of time
	amendedAt            // of a candle of time
	numberAt   = stateAt // of the others
	lastAt     = numberAt + 1
	completeAt = lastAt + 1
)

// NewTimeCandles begins a file. d has been shown every candle that will be encoded. The
// error is a *NoColumn, or a format that there is not.
func NewTimeCandles(w io.Writer, o Options, d Decimals) (*TimeCandles, error) {
	out, err := o.begin(w, o.followed(timeColumns), d)
	return &TimeCandles{out: out}, err
}

// Encode writes a row: the candle and the state of its stretch. The order of the
// rows is the caller's: by symbol, then time. An error is the writer's, and stays;
// after Close there is always one.
func (e *TimeCandles) Encode(symbol string, c *candle.Candle, state ledger.State) error {
	setCandle(e.row[:], symbol, c)
	e.row[stateAt].text = state.String()
	e.row[amendedAt].n = 0
	return e.out.encode(e.row[:])
}

// Amend writes a row again, of a candle that has changed since: see Options.Follow. It is
// otherwise like Encode.
func (e *TimeCandles) Amend(symbol string, c *candle.Candle, state ledger.State) error {
	setCandle(e.row[:], symbol, c)
	e.row[stateAt].text = state.String()
	e.row[amendedAt].n = 1
	return e.out.encode(e.row[:])
}

// EncodeEmpty writes a row for the stretch from start on that has no candle. In a quiet one
// volume and trades are 0, and the prices are those of last, if that is not nil; in
// any other one everything is empty: nobody knows.
func (e *TimeCandles) EncodeEmpty(symbol string, start int64, state ledger.State, last *candle.Decimal) error {
	row := e.row[:]
	row[startAt].n, row[symbolAt].text, row[stateAt].text = start, symbol, state.String()
	quiet := state == ledger.Quiet
	for at := openAt; at <= closeAt; at++ {
		if row[at].null = !quiet || last == nil; !row[at].null {
			row[at].decimal(*last)
		}
	}
	row[volumeAt].total(&noVolume)
	row[volumeAt].null = !quiet
	row[vwapAt].null = true
	row[tradesAt].n, row[tradesAt].null = 0, !quiet
	return e.out.encode(row)
}

// Flush hands over the rows so far, which of Parquet it cannot.
func (e *TimeCandles) Flush() error { return e.out.flush() }

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *TimeCandles) Close() error { return e.out.Close() }

// CountCandles writes candles of a number of trades, a volume or a turnover:
//
//	time,symbol,open,high,low,close,volume,vwap,trades,number,last_time,complete
//
// time and last_time are the times of its first and last trade to arrive, with
// three decimals; vwap is empty when the volume is 0.
type CountCandles struct {
	out encoder
	row [13]value
}

var countColumns = columnsOf(append(candleColumns(instant),
	column{name: "number", kind: integer},
	column{name: "last_time", kind: instant},
	column{name: "complete", kind: boolean},
	amendedColumn,
)...)

// NewCountCandles begins a file. d has been shown every candle that will be encoded. The
// error is a *NoColumn, or a format that there is not.
func NewCountCandles(w io.Writer, o Options, d Decimals) (*CountCandles, error) {
	out, err := o.begin(w, o.followed(countColumns), d)
	return &CountCandles{out: out}, err
}

// Encode writes a row. The order of the rows is the caller's: by symbol, then
// number. An error is the writer's, and stays; after Close there is always one.
func (e *CountCandles) Encode(symbol string, c *candle.Candle) error {
	row := e.row[:]
	setCandle(row, symbol, c)
	row[numberAt].n = c.Number
	row[lastAt].n = c.Last
	row[completeAt].bool(c.Complete)
	return e.out.encode(row)
}

// Flush hands over the rows so far, which of Parquet it cannot.
func (e *CountCandles) Flush() error { return e.out.flush() }

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *CountCandles) Close() error { return e.out.Close() }

var noVolume candle.Sum

// setCandle fills in what every candle has.
func setCandle(row []value, symbol string, c *candle.Candle) {
	row[startAt].n = c.Start
	row[symbolAt].text = symbol
	for i, p := range [4]*candle.Decimal{&c.Open, &c.High, &c.Low, &c.Close} {
		v := &row[openAt+i]
		v.n, v.scale, v.null = p.Units, p.Scale, false
	}
	row[volumeAt].total(&c.Volume)
	row[volumeAt].null = false
	row[vwapAt].vwap(c)
	row[tradesAt].n, row[tradesAt].null = c.Trades, false
}
