package block

import (
	"math"

	"tapedeck/collector/candle"
)

var pow10 = [candle.MaxScale + 1]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

// mixed in the place of a scale says that there is no scale that all numbers can be
// brought to.
const mixed = 255

// commonScale is the scale at which all the numbers are whole and fit, or mixed.
func commonScale(n int, at func(int) candle.Decimal) uint8 {
	scale, most := uint8(0), int64(0)
	for i := range n {
		scale = max(scale, at(i).Scale)
	}
	for i := range n {
		d := at(i)
		most = max(most, d.Units)
		if d.Units > math.MaxInt64/pow10[scale-d.Scale] {
			return mixed
		}
	}
	return scale
}

func unitsAt(d candle.Decimal, scale uint8) int64 { return d.Units * pow10[scale-d.Scale] }

// decimal is a number without trailing zeros.
func decimal(units int64, scale uint8) candle.Decimal {
	for scale > 0 && units%10 == 0 {
		units /= 10
		scale--
	}
	if units == 0 {
		scale = 0
	}
	return candle.Decimal{Units: units, Scale: scale}
}

// decimals appends numbers: their scale and a column of units, as differences from one
// to the next or each by itself. Without a common scale there is a column of scales
// before that of the units.
func (e *Encoder) decimals(dst []byte, n int, differences bool, at func(int) candle.Decimal) []byte {
	values := reuse(&e.values, n)
	scale := commonScale(n, at)
	dst = append(dst, scale)
	if scale == mixed {
		for i := range n {
			values[i] = uint64(at(i).Scale)
		}
		dst = e.pack.column(dst, values)
		for i := range n {
			values[i] = uint64(at(i).Units)
		}
		return e.pack.column(dst, values)
	}
	before := int64(0)
	for i := range n {
		units := unitsAt(at(i), scale)
		if differences {
			values[i] = zigzag(units - before)
			before = units
		} else {
			values[i] = uint64(units)
		}
	}
	return e.pack.column(dst, values)
}

// decimals reads n numbers that are least or more.
func (d *Decoder) decimals(n int, differences bool, least int64, set func(int, candle.Decimal)) {
	u := &d.unpack
	scale := u.byte()
	values := reuse(&d.values, n)
	if scale == mixed {
		scales := reuse(&d.other, n)
		u.column(scales)
		u.column(values)
		for i := range n {
			if scales[i] > candle.MaxScale || int64(values[i]) < least {
				u.fail()
				return
			}
			set(i, decimal(int64(values[i]), uint8(scales[i])))
		}
		return
	}
	if scale > candle.MaxScale {
		u.fail()
		return
	}
	u.column(values)
	units := int64(0)
	for i, v := range values {
		if differences {
			units += unzigzag(v)
		} else {
			units = int64(v)
		}
		if units < least {
			u.fail()
			return
		}
		set(i, decimal(units, scale))
	}
}
