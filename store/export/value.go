package export

import "tapedeck/collector/candle"

// kind says what stands in a column, and how it is written.
type kind uint8

const (
	instant  kind = iota // Unix ms, with three decimals in text
	second               // Unix ms, in whole seconds in text
	text                 // null when empty
	label                // text of few different values
	price                // a Decimal, with the file's decimals for prices
	size                 // a Decimal, with the file's decimals for sizes
	volume               // a total, with the file's decimals for sizes
	average              // a total, with the file's decimals for vwap
	fraction             // a Decimal with six decimals, 0 to 1
	integer
	boolean
	date // a text such as 2026-11-20
)

// column is a column of a kind of rows.
type column struct {
	name     string
	kind     kind
	nullable bool
	at       int // in the row
	decimals int
}

// columnsOf numbers columns as they stand in a row.
func columnsOf(list ...column) []column {
	for i := range list {
		list[i].at = i
	}
	return list
}

// value is a field of a row. Which of its parts counts is the column's to know.
type value struct {
	text  string
	sum   *candle.Sum // a total that is no int64; nil of the others
	n     int64       // Unix ms, an integer, 1 for true, the units of a number
	scale uint8       // of the units
	null  bool
}

func (v *value) decimal(d candle.Decimal) { v.n, v.scale = d.Units, d.Scale }

// total is a total of any size; s must stay as it is until the row is written.
func (v *value) total(s *candle.Sum) {
	if units, ok := s.Short(); ok {
		v.sum, v.n, v.scale = nil, units, uint8(s.Scale())
		return
	}
	v.sum = s
}

// vwap is that of a candle; null when there is none.
func (v *value) vwap(c *candle.Candle) {
	var ok bool
	if v.n, v.scale, ok = c.ShortVWAP(); ok {
		v.sum, v.null = nil, false
		return
	}
	vwap, ok := c.VWAP()
	if v.null = !ok; ok {
		v.sum = new(vwap)
	}
}

// asSum is a price, a size or a total.
func (v *value) asSum() candle.Sum {
	if v.sum != nil {
		return *v.sum
	}
	return candle.SumOf(v.asDecimal())
}

// asDecimal is a number that is no longer than an int64. Of a total it may have zeros at
// its end.
func (v *value) asDecimal() candle.Decimal { return candle.Decimal{Units: v.n, Scale: v.scale} }

func (v *value) bool(b bool) {
	v.n = 0
	if b {
		v.n = 1
	}
}

// sized gives each column its decimals.
func sized(list []column, d Decimals) []column {
	d = d.least()
	for i := range list {
		switch c := &list[i]; c.kind {
		case price:
			c.decimals = d.Price
		case size, volume:
			c.decimals = d.Size
		case average:
			c.decimals = d.VWAP
		case fraction:
			c.decimals = fractionDecimals
		}
	}
	return list
}

const fractionDecimals = 6
