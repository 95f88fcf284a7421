package eodhd

import (
	"errors"

	"tapedeck/collector/candle"
)

// state says what became of a field of a frame.
type state uint8

const (
	absent  state = iota // the key did not come
	good                 // the value is there
	wrong                // a value of another type
	inexact              // a number that candle.Decimal cannot hold
)

// number is the value of a numeric field. decimal is set when it is good.
type number struct {
	decimal candle.Decimal
	state   state
}

// integer is the number where it is a whole one: 1.7e12 and 5.0 are.
func (n number) integer() (v int64, ok bool) {
	return n.decimal.Units, n.state == good && n.decimal.Scale == 0
}

// number reads the value of a numeric field: a number, or a string with a number
// in it. Values of any other type are skipped.
func (d *Decoder) number(b []byte, i int) (number, int) {
	// The usual case, digits and maybe a point, is converted while it is read.
	// Up to 18 digits cannot overflow.
	start := i
	var units int64
	for i < len(b) && b[i]-'0' <= 9 {
		units = units*10 + int64(b[i]-'0')
		i++
	}
	if i == start || i-start > 1 && b[start] == '0' {
		return d.unusual(b, start)
	}
	count, scale := i-start, 0
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) && b[i]-'0' <= 9 {
			units = units*10 + int64(b[i]-'0')
			i++
		}
		scale = i - point
		count += scale
		if scale == 0 || scale > candle.MaxScale {
			return d.unusual(b, start)
		}
	}
	if count > 18 || i < len(b) && b[i]|0x20 == 'e' {
		return d.unusual(b, start)
	}
	for scale > 0 && units%10 == 0 {
		units /= 10
		scale--
	}
	return number{candle.Decimal{Units: units, Scale: uint8(scale)}, good}, i
}

// unusual is number for everything else.
func (d *Decoder) unusual(b []byte, i int) (number, int) {
	if i >= len(b) {
		return number{}, -1
	}
	switch c := b[i]; {
	case c == '"':
		content, end := d.text(b, i, &d.scratch)
		return decimal(content), end
	case c == '-' || c-'0' <= 9:
		end := numberEnd(b, i)
		if end < 0 {
			return number{}, -1
		}
		return decimal(b[i:end]), end
	}
	return number{state: wrong}, skip(b, i)
}

func decimal(text []byte) number {
	v, err := candle.ParseDecimal(text)
	switch {
	case err == nil:
		return number{v, good}
	case errors.Is(err, candle.ErrPrecision):
		return number{state: inexact}
	}
	return number{state: wrong}
}
