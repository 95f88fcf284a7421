package export

import (
	"io"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// TimeCandles writes candles of a stretch of time, 1d included, as CSV:
//
//	time,symbol,open,high,low,close,volume,vwap,trades,state
//
// time is the start of the candle, in whole seconds; vwap is empty when the volume
// is 0.
type TimeCandles struct {
	rows
	candleFields
}

// NewTimeCandles begins a file. d has been shown every candle that will be encoded.
func NewTimeCandles(w io.Writer, d Decimals) *TimeCandles {
	const header = "time,symbol,open,high,low,close,volume,vwap,trades,state"
	return &TimeCandles{newRows(w, header), candleFields{decimals: d.least()}}
}

// Encode writes a row: the candle and the state of its stretch. The order of the
// rows is the caller's: by symbol, then time. An error is the writer's, and stays;
// after Close there is always one.
func (e *TimeCandles) Encode(symbol string, c *candle.Candle, state ledger.State) error {
	if e.err != nil {
		return e.err
	}
	row := e.start.seconds(e.buf, c.Start)
	row = e.append(row, symbol, c)
	row = append(row, state.String()...)
	return e.end(append(row, ','))
}

// CountCandles writes candles of a number of trades, a volume or a turnover as CSV:
//
//	time,symbol,open,high,low,close,volume,vwap,trades,number,last_time,complete
//
// time and last_time are the times of its first and last trade to arrive, with
// three decimals; vwap is empty when the volume is 0.
type CountCandles struct {
	rows
	candleFields
	last stamp
}

// NewCountCandles begins a file. d has been shown every candle that will be encoded.
func NewCountCandles(w io.Writer, d Decimals) *CountCandles {
	const header = "time,symbol,open,high,low,close,volume,vwap,trades,number,last_time,complete"
	return &CountCandles{rows: newRows(w, header), candleFields: candleFields{decimals: d.least()}}
}

// Encode writes a row. The order of the rows is the caller's: by symbol, then
// number. An error is the writer's, and stays; after Close there is always one.
func (e *CountCandles) Encode(symbol string, c *candle.Candle) error {
	if e.err != nil {
		return e.err
	}
	row := e.start.millis(e.buf, c.Start)
	row = e.append(row, symbol, c)
	row = appendInt(row, c.Number)
	row = e.last.millis(row, c.Last)
	return e.end(appendBool(row, c.Complete))
}

// candleFields writes what every candle has.
type candleFields struct {
	decimals Decimals
	start    stamp
	symbol   symbolField
}

func (f *candleFields) append(row []byte, symbol string, c *candle.Candle) []byte {
	row = f.symbol.append(row, symbol)
	row = append(c.Open.Append(row, f.decimals.Price), ',')
	row = append(c.High.Append(row, f.decimals.Price), ',')
	row = append(c.Low.Append(row, f.decimals.Price), ',')
	row = append(c.Close.Append(row, f.decimals.Price), ',')
	row = append(c.Volume.Append(row, f.decimals.Size), ',')
	if vwap, ok := c.VWAP(); ok {
		row = vwap.Append(row, f.decimals.VWAP)
	}
	row = append(row, ',')
	return appendInt(row, c.Trades)
}
