package candle

import (
	"errors"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

// MaxScale is the most decimals a Decimal can carry. Twelve hold every price
// and size seen on the feed (crypto quotes stop at ten).
const MaxScale = 12

// Errors of ParseDecimal. ErrPrecision is a well-formed number that a Decimal
// cannot hold exactly: more than MaxScale decimals or more than an int64.
var (
	ErrSyntax    = errors.New("not a decimal number")
	ErrPrecision = errors.New("number does not fit 64 bits and 12 decimals")
)

// Decimal is a number exactly as it was printed: Units x 10^-Scale. It is kept
// without trailing zeros, so that two Decimals are equal as numbers if and only
// if they are == (141, 141.0 and 1.41e2 are all {141, 0}). The zero value is 0.
type Decimal struct {
	Units int64
	Scale uint8
}

var pow10 = [20]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// ParseDecimal reads a number in the grammar of JSON (leading zeros and a
// missing digit beside the point are forgiven). It allocates nothing. The error
// is ErrSyntax or ErrPrecision, bare.
func ParseDecimal(text []byte) (Decimal, error) {
	if len(text) > 0 && len(text) <= 18 {
		if d, ok := parsePlain(text); ok {
			return d, nil
		}
	}
	return parseAny(text)
}

// parsePlain is the fast path: up to 18 characters of digits and at most one
// point. It says no to everything else.
func parsePlain(text []byte) (Decimal, bool) {
	var units int64
	point := -1
	for i, c := range text {
		switch {
		case c-'0' <= 9:
			units = units*10 + int64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return Decimal{}, false
		}
	}
	if point < 0 {
		return Decimal{units, 0}, true
	}
	scale := len(text) - point - 1
	if len(text) == 1 {
		return Decimal{}, false
	}
	for scale > 0 && units%10 == 0 {
		units /= 10
		scale--
	}
	if scale > MaxScale {
		return Decimal{}, false
	}
	return Decimal{units, uint8(scale)}, true
}

func parseAny(text []byte) (Decimal, error) {
	negative := false
	i := 0
	if i < len(text) && text[i] == '-' {
		negative = true
		i++
	}
	var (
		mantissa uint64
		zeros    int // zeros read since the last other digit: not yet in mantissa
		scale    int // digits after the point, the pending zeros included
		digits   int
		point    bool
		tooLong  bool
	)
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		if point {
			scale++
		}
		if c == '0' {
			if mantissa != 0 {
				zeros++
			}
			continue
		}
		for ; zeros > 0 && !tooLong; zeros-- {
			mantissa, tooLong = timesTen(mantissa, 0)
		}
		if !tooLong {
			mantissa, tooLong = timesTen(mantissa, uint64(c-'0'))
		}
	}
	if digits == 0 {
		return Decimal{}, ErrSyntax
	}
	exponent, ok := parseExponent(text[i:])
	if !ok {
		return Decimal{}, ErrSyntax
	}
	if tooLong {
		return Decimal{}, ErrPrecision
	}
	if mantissa == 0 {
		return Decimal{}, nil
	}
	scale -= zeros + exponent
	if scale > MaxScale {
		return Decimal{}, ErrPrecision
	}
	for ; scale < 0; scale++ {
		if mantissa, tooLong = timesTen(mantissa, 0); tooLong {
			return Decimal{}, ErrPrecision
		}
	}
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if mantissa > limit {
		return Decimal{}, ErrPrecision
	}
	units := int64(mantissa) // 2^63 wraps to the least int64, which is its own negative
	if negative {
		units = -units
	}
	return Decimal{units, uint8(scale)}, nil
}

func timesTen(m, digit uint64) (product uint64, overflow bool) {
	hi, lo := bits.Mul64(m, 10)
	sum, carry := bits.Add64(lo, digit, 0)
	return sum, hi != 0 || carry != 0
}

// parseExponent reads what stands behind the digits: nothing, or e and an
// integer. An exponent beyond +-2^24 is held there: no number shorter than 16 MB
// has the zeros to bring it back into range.
func parseExponent(text []byte) (exponent int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	text = text[1:]
	sign := 1
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		exponent = min(exponent*10+int(c-'0'), 1<<24)
	}
	return sign * exponent, true
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.Units > 0:
		return 1
	case d.Units < 0:
		return -1
	}
	return 0
}

// Cmp compares two Decimals as numbers: -1, 0 or 1.
func (d Decimal) Cmp(e Decimal) int {
	if d.Scale == e.Scale {
		switch {
		case d.Units < e.Units:
			return -1
		case d.Units > e.Units:
			return 1
		}
		return 0
	}
	if ds, es := d.Sign(), e.Sign(); ds != es {
		if ds < es {
			return -1
		}
		return 1
	}
	c := cmpMagnitude(d, e)
	if d.Units < 0 {
		return -c
	}
	return c
}

// cmpMagnitude compares |d| and |e| on the larger of the two scales, in 128 bits.
func cmpMagnitude(d, e Decimal) int {
	dm, em := magnitude(d.Units), magnitude(e.Units)
	var dh, dl, eh, el uint64
	if d.Scale < e.Scale {
		dh, dl = bits.Mul64(dm, pow10[e.Scale-d.Scale])
		el = em
	} else {
		eh, el = bits.Mul64(em, pow10[d.Scale-e.Scale])
		dl = dm
	}
	switch {
	case dh < eh || dh == eh && dl < el:
		return -1
	case dh > eh || dl > el:
		return 1
	}
	return 0
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// Append writes d with at least the given number of decimals, padded with
// zeros; a d that needs more decimals gets them. It never uses an exponent.
func (d Decimal) Append(dst []byte, decimals int) []byte {
	if d.Units < 0 {
		dst = append(dst, '-')
	}
	return appendScaled(dst, magnitude(d.Units), int(d.Scale), decimals)
}

// appendScaled writes m x 10^-scale.
func appendScaled(dst []byte, m uint64, scale, decimals int) []byte {
	if scale <= decimals && decimals < len(pow10) {
		if over, v := bits.Mul64(m, pow10[decimals-scale]); over == 0 {
			return appendFixed(dst, v, decimals)
		}
	}
	var whole, fraction uint64
	if scale < len(pow10) {
		whole, fraction = m/pow10[scale], m%pow10[scale]
	} else {
		fraction = m
	}
	dst = strconv.AppendUint(dst, whole, 10)
	if scale == 0 && decimals <= 0 {
		return dst
	}
	dst = append(dst, '.')
	if scale > 0 {
		dst = appendPadded(dst, fraction, scale)
	}
	for ; scale < decimals; scale++ {
		dst = append(dst, '0')
	}
	return dst
}

// appendFixed writes v x 10^-decimals with just that many decimals: what almost every
// number of a file is. It goes from the last digit to the first, two at a time, in place.
func appendFixed(dst []byte, v uint64, decimals int) []byte {
	at := len(dst) + max(digits(v), decimals+1)
	if decimals > 0 {
		at++
	}
	dst = slices.Grow(dst, at-len(dst))[:at]
	for ; decimals >= 2; decimals -= 2 {
		at -= 2
		two := v % 100 * 2
		v /= 100
		dst[at], dst[at+1] = pairs[two], pairs[two+1]
		if decimals == 2 {
			at--
			dst[at] = '.'
		}
	}
	if decimals == 1 {
		at -= 2
		dst[at], dst[at+1] = '.', byte('0'+v%10)
		v /= 10
	}
	for v >= 100 {
		at -= 2
		two := v % 100 * 2
		v /= 100
		dst[at], dst[at+1] = pairs[two], pairs[two+1]
	}
	if v >= 10 {
		dst[at-2] = pairs[2*v]
	}
	dst[at-1] = pairs[2*v+1]
	return dst
}

// digits is how many v is written with.
func digits(v uint64) int {
	n := bits.Len64(v) * 1233 >> 12 // 1233/4096 is log10(2), close enough for 64 bits
	if v >= pow10[n] {
		n++
	}
	return max(n, 1)
}

// pairs are the numbers of two digits.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748" +
	"4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798" + "99"

// appendPadded writes v with leading zeros to exactly width digits.
func appendPadded(dst []byte, v uint64, width int) []byte {
	n := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := n + width - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// String is d in its shortest form: 141, 316.9603.
func (d Decimal) String() string {
	return string(d.Append(nil, 0))
}

// Float is the float64 next to d, as strconv.ParseFloat reads its text.
func (d Decimal) Float() float64 {
	if m := magnitude(d.Units); m <= 1<<53 { // both sides are exact, so the quotient is rounded once
		return float64(d.Units) / float64(pow10[d.Scale])
	}
	f, _ := strconv.ParseFloat(d.String(), 64) // it is a number, and of this length never out of range
	return f
}
