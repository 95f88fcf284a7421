package block

import (
	"encoding/binary"
	"slices"

	"tapedeck/collector/candle"
)

// AppendCandles appends the block of 1 to Limit candles of one symbol to dst, by
// start or number. Of candles of time First and Last are not kept.
func (e *Encoder) AppendCandles(dst []byte, v candle.Interval, list []candle.Candle) []byte {
	dst = binary.AppendUvarint(append(dst, version), uint64(len(list)))
	if v.ByTime() {
		dst = e.starts(dst, v, list)
	} else {
		dst = e.counted(dst, list)
	}
	dst = e.prices(dst, list)
	return e.sums(dst, list)
}

// step is what the starts of candles of an interval differ by, as far as one knows.
func step(v candle.Interval) int64 { return max(1, v.Millis()) }

// starts appends the first start, a unit, and a column of differences in units.
func (e *Encoder) starts(dst []byte, v candle.Interval, list []candle.Candle) []byte {
	values := reuse(&e.values, len(list))
	unit := step(v)
	for i := range list[1:] {
		if (list[i+1].Start-list[i].Start)%unit != 0 {
			unit = 1
			break
		}
	}
	dst = binary.AppendVarint(dst, list[0].Start)
	dst = binary.AppendUvarint(dst, uint64(unit))
	before := list[0].Start
	for i := range list {
		values[i] = zigzag((list[i].Start - before) / unit)
		before = list[i].Start
	}
	return e.pack.column(dst, values)
}

// prices appends open as the difference to the close before, close to the open, and
// how far high and low lie outside of both.
func (e *Encoder) prices(dst []byte, list []candle.Candle) []byte {
	n := len(list)
	scale := commonScale(4*n, func(i int) candle.Decimal { return pricesOf(&list[i/4])[i%4] })
	dst = append(dst, scale)
	if scale == mixed {
		for k := range 4 {
			dst = e.decimals(dst, n, true, func(i int) candle.Decimal { return pricesOf(&list[i])[k] })
		}
		return dst
	}
	values := reuse(&e.values, n)
	for k := range 4 {
		before := int64(0)
		for i := range list {
			c := &list[i]
			o, h, l, x := unitsAt(c.Open, scale), unitsAt(c.High, scale), unitsAt(c.Low, scale), unitsAt(c.Close, scale)
			values[i] = [4]uint64{zigzag(o - before), zigzag(x - o), uint64(h - max(o, x)), uint64(min(o, x) - l)}[k]
			before = x
		}
		dst = e.pack.column(dst, values)
	}
	return dst
}

func pricesOf(c *candle.Candle) [4]candle.Decimal {
	return [4]candle.Decimal{c.Open, c.High, c.Low, c.Close}
}

// counted appends what candles of trades, volume and turnover have instead: the first
// number, how long after the one before each started, where its open and close lie, and
// which are complete.
func (e *Encoder) counted(dst []byte, list []candle.Candle) []byte {
	next, before := list[0].Number, list[0].Start
	dst = binary.AppendVarint(dst, next)
	dst = binary.AppendVarint(dst, before)
	each := func(number func(c *candle.Candle) uint64) {
		values := reuse(&e.values, len(list))
		for i := range list {
			values[i] = number(&list[i])
		}
		dst = e.pack.column(dst, values)
	}
	each(func(c *candle.Candle) uint64 {
		d := c.Number - next
		next = c.Number + 1
		return zigzag(d)
	})
	each(func(c *candle.Candle) uint64 {
		d := c.Start - before
		before = c.Last
		return zigzag(d)
	})
	each(func(c *candle.Candle) uint64 { return zigzag(c.First - c.Start) })
	each(func(c *candle.Candle) uint64 { return zigzag(c.Last - c.Start) })
	each(func(c *candle.Candle) uint64 {
		if c.Complete {
			return 1
		}
		return 0
	})
	return dst
}

// Candles appends the candles of a block of the same interval to dst, or returns
// ErrCorrupt. First and Last of a candle of time are its Start.
func (d *Decoder) Candles(dst []candle.Candle, v candle.Interval, body []byte) ([]candle.Candle, error) {
	u := &d.unpack
	u.rest, u.bad = body, false
	if u.byte() != version {
		u.fail()
	}
	count := u.uvarint()
	if u.bad || count == 0 || count > Limit {
		return dst, ErrCorrupt
	}
	before := len(dst)
	dst = slices.Grow(dst, int(count))[:before+int(count)] // what is there each column overwrites
	list := dst[before:]
	if v.ByTime() {
		d.starts(list)
	} else {
		d.counted(list)
	}
	d.prices(list)
	d.sums(list)
	if u.bad || len(u.rest) > 0 {
		return dst[:before], ErrCorrupt
	}
	return dst, nil
}

func (d *Decoder) starts(list []candle.Candle) {
	u := &d.unpack
	start, unit := u.varint(), int64(u.uvarint())
	values := reuse(&d.values, len(list))
	u.column(values)
	for i, v := range values {
		start += unzigzag(v) * unit
		c := &list[i]
		c.Start, c.Number, c.First, c.Last, c.Complete = start, 0, start, start, true
	}
}

func (d *Decoder) prices(list []candle.Candle) {
	u := &d.unpack
	scale := u.byte()
	if scale == mixed {
		d.decimals(len(list), true, 1, func(i int, v candle.Decimal) { list[i].Open = v })
		d.decimals(len(list), true, 1, func(i int, v candle.Decimal) { list[i].High = v })
		d.decimals(len(list), true, 1, func(i int, v candle.Decimal) { list[i].Low = v })
		d.decimals(len(list), true, 1, func(i int, v candle.Decimal) { list[i].Close = v })
		return
	}
	if scale > candle.MaxScale {
		u.fail()
		return
	}
	n := len(list)
	values := reuse(&d.values, 4*n)
	for k := range 4 {
		u.column(values[k*n : (k+1)*n])
	}
	before := int64(0)
	for i := range list {
		o := before + unzigzag(values[i])
		x := o + unzigzag(values[n+i])
		h := max(o, x) + int64(values[2*n+i])
		l := min(o, x) - int64(values[3*n+i])
		if l < 1 || h < max(o, x) || l > min(o, x) {
			u.fail()
			return
		}
		c := &list[i]
		c.Open, c.High, c.Low, c.Close = decimal(o, scale), decimal(h, scale), decimal(l, scale), decimal(x, scale)
		before = x
	}
}

func (d *Decoder) counted(list []candle.Candle) {
	u, n := &d.unpack, len(list)
	next, before := u.varint(), u.varint()
	values := reuse(&d.values, 5*n)
	for k := range 5 {
		u.column(values[k*n : (k+1)*n])
	}
	for i := range list {
		c := &list[i]
		c.Number = next + unzigzag(values[i])
		c.Start = before + unzigzag(values[n+i])
		c.First = c.Start + unzigzag(values[2*n+i])
		c.Last = c.Start + unzigzag(values[3*n+i])
		c.Complete = values[4*n+i] == 1
		next, before = c.Number+1, c.Last
		u.bad = u.bad || values[4*n+i] > 1
	}
}
