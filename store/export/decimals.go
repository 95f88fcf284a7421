package export

import "tapedeck/collector/candle"

// Decimals is how many decimals the numbers of a file are written with: one count
// a column, because readers guess a column's type from its first rows (DuckDB
// rounds a column that begins with integers, Polars stops). Show it every row that
// will be written, then make the encoder with it. The zero value is ready and holds
// the least: 2 for prices, 0 for sizes and volumes, 6 for vwap.
//
// A row that it was not shown is never rounded: it is written with more decimals
// than the column has.
type Decimals struct {
	Price int // of price, open, high, low, close
	Size  int // of size, volume
	VWAP  int // 10 when a vwap is under 0.01, else 6
}

// The least decimals of a column.
const (
	leastPrice = 2
	leastVWAP  = 6
)

// Candle makes room for a candle.
func (d *Decimals) Candle(c *candle.Candle) {
	prices := max(c.Open.Scale, c.High.Scale, c.Low.Scale, c.Close.Scale)
	d.Price = max(d.Price, int(prices))
	if c.Volume.Scale() > d.Size {
		d.Size = max(d.Size, c.Volume.Decimals())
	}
	// A vwap is never under the low, so that few candles need the division.
	if c.Low.Cmp(cent) < 0 && d.VWAP < finest {
		if vwap, ok := c.VWAP(); ok {
			d.VWAP = max(d.VWAP, vwap.Scale())
		}
	}
}

var cent = candle.Decimal{Units: 1, Scale: 2}

const finest = 10

// Trade makes room for a trade.
func (d *Decimals) Trade(t *candle.Trade) {
	d.Price = max(d.Price, int(t.Price.Scale))
	d.Size = max(d.Size, int(t.Size.Scale))
}

// least is d with the least that every column has.
func (d Decimals) least() Decimals {
	return Decimals{max(d.Price, leastPrice), max(d.Size, 0), max(d.VWAP, leastVWAP)}
}
