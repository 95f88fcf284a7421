package block

import (
	"math"
	"math/bits"

	"tapedeck/collector/candle"
)

// The forms of the sums of a block of candles.
const (
	residuals = 0 // volumes of 64 bits, and how far turnover is from close x volume
	words     = 1 // all of each
)

// sums appends the number of trades, the volume and the turnover of each candle.
func (e *Encoder) sums(dst []byte, list []candle.Candle) []byte {
	values := reuse(&e.values, len(list))
	for i := range list {
		values[i] = uint64(list[i].Trades)
	}
	dst = e.pack.column(dst, values)
	if out, ok := e.residuals(dst, list); ok {
		return out
	}
	dst = append(dst, words)
	dst = e.words(dst, list, func(c *candle.Candle) candle.Sum { return c.Volume })
	return e.words(dst, list, func(c *candle.Candle) candle.Sum { return c.Turnover })
}

// residuals is the short form; ok is false when the numbers do not fit in it. Turnover
// is at the scale of the prices and volumes together, or finer.
func (e *Encoder) residuals(dst []byte, list []candle.Candle) (out []byte, ok bool) {
	prices := commonScale(len(list), func(i int) candle.Decimal { return list[i].Close })
	volumes := 0
	for i := range list {
		volumes = max(volumes, list[i].Volume.Decimals())
	}
	if prices == mixed || volumes > candle.MaxScale {
		return dst, false
	}
	scale := int(prices) + volumes
	for i := range list {
		scale = max(scale, list[i].Turnover.Decimals())
	}
	if scale > 2*candle.MaxScale {
		return dst, false
	}
	volume, rest := reuse(&e.values, len(list)), reuse(&e.other, len(list))
	divisor := uint64(0)
	for i := range list {
		c := &list[i]
		v, ok := c.Volume.Units(volumes)
		if !ok || v[1]|v[2]|v[3] != 0 || v[0] > math.MaxInt64 {
			return dst, false
		}
		volume[i] = v[0]
		r, ok := residual(c, prices, uint8(volumes), scale, v[0])
		if !ok {
			return dst, false
		}
		rest[i] = uint64(r)
		divisor = gcd(divisor, magnitude(r))
	}
	divisor = max(divisor, 1)
	for i := range rest {
		rest[i] = zigzag(int64(rest[i]) / int64(divisor))
	}
	dst = append(dst, residuals, prices, uint8(volumes), uint8(scale))
	dst = e.pack.column(dst, volume)
	dst = e.pack.column(dst, []uint64{divisor})
	return e.pack.column(dst, rest), true
}

// residual is turnover - close x volume in units of the scale.
func residual(c *candle.Candle, prices, volumes uint8, scale int, volume uint64) (r int64, ok bool) {
	t, ok := c.Turnover.Units(scale)
	if !ok || t[2]|t[3] != 0 {
		return 0, false
	}
	hi, lo, ok := expected(unitsAt(c.Close, prices), volume, scale-int(prices)-int(volumes))
	if !ok {
		return 0, false
	}
	low, borrow := bits.Sub64(t[0], lo, 0)
	high, _ := bits.Sub64(t[1], hi, borrow)
	r = int64(low)
	if high != uint64(r>>63) || r == math.MinInt64 {
		return 0, false
	}
	return r, true
}

// expected is close x volume with so many decimals more, in 128 bits.
func expected(close int64, volume uint64, more int) (hi, lo uint64, ok bool) {
	hi, lo = bits.Mul64(uint64(close), volume)
	for range more {
		over, h := bits.Mul64(hi, 10)
		carry, l := bits.Mul64(lo, 10)
		sum, c := bits.Add64(h, carry, 0)
		if over+c != 0 {
			return 0, 0, false
		}
		hi, lo = sum, l
	}
	return hi, lo, true
}

func magnitude(r int64) uint64 {
	if r < 0 {
		return uint64(-r)
	}
	return uint64(r)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// words appends totals whole: a column of scales and four of words.
func (e *Encoder) words(dst []byte, list []candle.Candle, of func(*candle.Candle) candle.Sum) []byte {
	values := reuse(&e.values, len(list))
	for i := range list {
		values[i] = uint64(of(&list[i]).Decimals())
	}
	dst = e.pack.column(dst, values)
	for k := range 4 {
		for i := range list {
			s := of(&list[i])
			w, _ := s.Units(s.Decimals()) // fits: it is s with fewer digits
			values[i] = w[k]
		}
		dst = e.pack.column(dst, values)
	}
	return dst
}

func (d *Decoder) sums(list []candle.Candle) {
	u := &d.unpack
	values := reuse(&d.values, len(list))
	u.column(values)
	for i, v := range values {
		list[i].Trades = int64(v)
		if list[i].Trades < 1 {
			u.fail()
		}
	}
	switch form := u.byte(); {
	case u.bad:
	case form == residuals:
		d.residuals(list)
	case form == words:
		d.words(list, func(i int, s candle.Sum) { list[i].Volume = s })
		d.words(list, func(i int, s candle.Sum) { list[i].Turnover = s })
	default:
		u.fail()
	}
}

func (d *Decoder) residuals(list []candle.Candle) {
	u := &d.unpack
	prices, volumes, scale := u.byte(), u.byte(), u.byte()
	if prices > candle.MaxScale || volumes > candle.MaxScale || scale < prices+volumes || scale > 2*candle.MaxScale {
		u.fail()
		return
	}
	volume, rest := reuse(&d.values, len(list)), reuse(&d.other, len(list))
	u.column(volume)
	var divisor [1]uint64
	u.column(divisor[:])
	u.column(rest)
	for i := range list {
		c := &list[i]
		if u.bad || c.Close.Scale > prices || c.Close.Units > math.MaxInt64/pow10[prices-c.Close.Scale] {
			u.fail()
			return
		}
		hi, lo, ok := expected(unitsAt(c.Close, prices), volume[i], int(scale-prices-volumes))
		r := unzigzag(rest[i]) * int64(divisor[0])
		low, carry := bits.Add64(lo, uint64(r), 0)
		high, _ := bits.Add64(hi, uint64(r>>63), carry)
		if !ok || volume[i] > math.MaxInt64 || high>>63 == 1 {
			u.fail()
			return
		}
		c.Volume = candle.SumOfUnits([4]uint64{volume[i]}, volumes)
		c.Turnover = candle.SumOfUnits([4]uint64{low, high}, scale)
	}
}

func (d *Decoder) words(list []candle.Candle, set func(int, candle.Sum)) {
	u := &d.unpack
	n := len(list)
	scales := reuse(&d.other, n)
	u.column(scales)
	values := reuse(&d.values, 4*n)
	for k := range 4 {
		u.column(values[k*n : (k+1)*n])
	}
	for i := range n {
		if scales[i] > 2*candle.MaxScale {
			u.fail()
			return
		}
		set(i, candle.SumOfUnits([4]uint64{values[i], values[n+i], values[2*n+i], values[3*n+i]}, uint8(scales[i])))
	}
}
