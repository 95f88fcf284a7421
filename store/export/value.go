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
	volume               // a Sum, with the file's decimals for sizes
	average              // a Sum, with the file's decimals for vwap
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
	sum   *candle.Sum
	n     int64 // Unix ms, an integer, 1 for true, the units of a Decimal
	scale uint8 // of the units
	null  bool
}

func (v *value) decimal(d candle.Decimal) { v.n, v.scale = d.Units, d.Scale }

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
