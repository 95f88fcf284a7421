package candle

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// Sum is an exact, unsigned total of Decimals or of products of two of them.
// Its scale is the largest of what was added, so the order of adding does not
// show: equal totals of equal trades are ==.
//
// 128 bits hold any total at one scale, but a product has up to 24 decimals and
// a coarse total may have to be brought to them; with 256 bits that cannot
// overflow (2^126 a product x 2^80 of rescaling leaves room for 2^50 trades).
// The zero value is 0.
type Sum struct {
	words [4]uint64 // little-endian
	scale uint8
}

// SumOf is the Sum that holds just d. d must not be negative.
func SumOf(d Decimal) Sum {
	return Sum{words: [4]uint64{uint64(d.Units)}, scale: d.Scale}
}

// ProductOf is the Sum that holds just a x b. Neither may be negative.
func ProductOf(a, b Decimal) Sum {
	hi, lo := bits.Mul64(uint64(a.Units), uint64(b.Units))
	return Sum{words: [4]uint64{lo, hi}, scale: a.Scale + b.Scale}
}

// Add makes s the total of s and o.
func (s *Sum) Add(o Sum) {
	if o.scale < s.scale {
		o.rescale(s.scale)
	} else if s.scale < o.scale {
		s.rescale(o.scale)
	}
	var carry uint64
	for i := range s.words {
		s.words[i], carry = bits.Add64(s.words[i], o.words[i], carry)
	}
}

func (s *Sum) rescale(scale uint8) {
	for s.scale < scale {
		step := min(scale-s.scale, 19)
		s.times(pow10[step])
		s.scale += step
	}
}

func (s *Sum) times(m uint64) {
	var carry uint64
	for i, w := range s.words {
		hi, lo := bits.Mul64(w, m)
		var c uint64
		s.words[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
}

// Short is the total as units of 10^-Scale. ok is false when that is no int64.
func (s *Sum) Short() (units int64, ok bool) {
	return int64(s.words[0]), s.words[1]|s.words[2]|s.words[3] == 0 && s.words[0] <= math.MaxInt64
}

// IsZero says whether the total is 0.
func (s Sum) IsZero() bool { return s.words == [4]uint64{} }

// Scale is the number of decimals s is kept at, trailing zeros included.
func (s Sum) Scale() int { return int(s.scale) }

// Cmp compares two totals as numbers: -1, 0 or 1.
func (s Sum) Cmp(o Sum) int {
	if s.scale < o.scale {
		s.rescale(o.scale)
	} else {
		o.rescale(s.scale)
	}
	for i := len(s.words) - 1; i >= 0; i-- {
		switch {
		case s.words[i] < o.words[i]:
			return -1
		case s.words[i] > o.words[i]:
			return 1
		}
	}
	return 0
}

// Decimals is how many decimals s needs when written without trailing zeros.
func (s Sum) Decimals() int {
	n := int(s.scale)
	if s.words[1]|s.words[2]|s.words[3] == 0 {
		v := s.words[0]
		if v == 0 {
			return 0
		}
		for ; n > 0 && v%10 == 0; n-- {
			v /= 10
		}
		return n
	}
	v, ten, digit := s.big(), big.NewInt(10), new(big.Int)
	for ; n > 0; n-- {
		q := new(big.Int)
		if q.QuoRem(v, ten, digit); digit.Sign() != 0 {
			break
		}
		v = q
	}
	return n
}

// Append writes s with exactly the given number of decimals; decimals must not
// be less than s.Decimals().
func (s Sum) Append(dst []byte, decimals int) []byte {
	if s.words[1]|s.words[2]|s.words[3] == 0 {
		m, scale := s.words[0], int(s.scale)
		for ; scale > decimals && m%10 == 0; scale-- {
			m /= 10
		}
		return appendScaled(dst, m, scale, decimals)
	}
	text := s.big().Append(nil, 10)
	scale := int(s.scale)
	for ; scale > decimals && text[len(text)-1] == '0'; scale-- {
		text = text[:len(text)-1]
	}
	for len(text) <= scale {
		text = append([]byte{'0'}, text...)
	}
	dst = append(dst, text[:len(text)-scale]...)
	if scale > 0 || decimals > 0 {
		dst = append(dst, '.')
		dst = append(dst, text[len(text)-scale:]...)
	}
	for ; scale < decimals; scale++ {
		dst = append(dst, '0')
	}
	return dst
}

// String is s in its shortest form.
func (s Sum) String() string { return string(s.Append(nil, s.Decimals())) }

// Float is the float64 next to s, as strconv.ParseFloat reads its text.
func (s Sum) Float() float64 {
	// Up to 10^19 a power of ten is exact as a float64.
	if s.words[1]|s.words[2]|s.words[3] == 0 && s.words[0] <= 1<<53 && int(s.scale) < len(pow10) {
		return float64(s.words[0]) / float64(pow10[s.scale])
	}
	f, _ := strconv.ParseFloat(s.String(), 64) // at most 2^256: within range
	return f
}

func (s Sum) big() *big.Int {
	var raw [32]byte
	for i, w := range s.words {
		for b := range 8 {
			raw[31-8*i-b] = byte(w >> (8 * b))
		}
	}
	return new(big.Int).SetBytes(raw[:])
}

// quotient is s/o rounded half to even at 6 decimals, or at 10 when it is under
// 0.01. o must not be zero.
func (s *Sum) quotient(o *Sum) Sum {
	if q, scale, ok := s.shortQuotient(o); ok {
		return Sum{words: [4]uint64{q}, scale: scale}
	}
	n, m := *s, *o
	// n/10^s.scale over m/10^o.scale, times 10^6, by growing one side only.
	if e := int(o.scale) + coarse - int(s.scale); e >= 0 {
		n.times(pow10[e])
	} else {
		m.times(pow10[-e])
	}
	return bigQuotient(n.big(), m.big())
}

// shortQuotient is the quotient of almost all totals: those whose numbers fit in a word, and
// in two with the decimals of the quotient: q / 10^scale. ok is false for others.
func (s *Sum) shortQuotient(o *Sum) (q uint64, scale uint8, ok bool) {
	e := int(o.scale) + coarse - int(s.scale)
	if s.words[1]|s.words[2]|s.words[3]|o.words[1]|o.words[2]|o.words[3] != 0 || max(e, -e) >= len(pow10) {
		return 0, 0, false
	}
	hi, lo := bits.Mul64(s.words[0], pow10[max(e, 0)])
	over, d := bits.Mul64(o.words[0], pow10[max(-e, 0)])
	if over != 0 || hi >= d {
		return 0, 0, false
	}
	whole, rest := bits.Div64(hi, lo, d)
	if whole == math.MaxUint64 { // rounding it up would need a 65th bit
		return 0, 0, false
	}
	if whole >= cent {
		return roundHalfEven(whole, rest, d), coarse, true
	}
	// Under 0.01: four more decimals. rest < d, so rest*10^4/d cannot overflow.
	hi, lo = bits.Mul64(rest, pow10[fine-coarse])
	more, rest := bits.Div64(hi, lo, d)
	return roundHalfEven(whole*pow10[fine-coarse]+more, rest, d), fine, true
}

const (
	coarse = 6     // decimals of a vwap
	fine   = 10    // decimals of a vwap under 0.01
	cent   = 10000 // 0.01 at coarse
)

func roundHalfEven(q, r, d uint64) uint64 {
	if rest := d - r; r > rest || r == rest && q&1 == 1 {
		q++
	}
	return q
}

func bigQuotient(n, m *big.Int) Sum {
	q, r := new(big.Int).QuoRem(n, m, new(big.Int))
	scale := uint8(coarse)
	if q.Cmp(big.NewInt(cent)) < 0 {
		n.Mul(n, big.NewInt(int64(pow10[fine-coarse])))
		q.QuoRem(n, m, r)
		scale = fine
	}
	r.Lsh(r, 1)
	if c := r.Cmp(m); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	sum := Sum{scale: scale}
	for i, w := range q.Bits() { // 64-bit platforms only, as the cross-builds say
		sum.words[i] = uint64(w)
	}
	return sum
}

// Units is the total times 10^scale, as four words, the lowest first. ok is false when
// that is not a whole number or needs more than 256 bits.
func (s Sum) Units(scale int) (words [4]uint64, ok bool) {
	if s.Decimals() > scale {
		return words, false
	}
	for ; int(s.scale) > scale; s.scale-- {
		s.tenth()
	}
	for ; int(s.scale) < scale; s.scale++ {
		if s.words[3] > math.MaxUint64/10 {
			return words, false
		}
		s.times(10)
	}
	return s.words, true
}

// tenth divides by ten, without a remainder.
func (s *Sum) tenth() {
	var rest uint64
	for i := len(s.words) - 1; i >= 0; i-- {
		s.words[i], rest = bits.Div64(rest, s.words[i], 10)
	}
}

// SumOfUnits is the Sum of words / 10^scale, the inverse of Units.
func SumOfUnits(words [4]uint64, scale uint8) Sum { return Sum{words: words, scale: scale} }
