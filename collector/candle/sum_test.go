package candle_test

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"tapedeck/collector/candle"
)

// piece is something to add: one Decimal, or the product of two.
type piece struct {
	sum candle.Sum
	rat *big.Rat
}

func randomPiece(r *rand.Rand) piece {
	a, b := randomDecimal(r), randomDecimal(r)
	if r.IntN(2) == 0 {
		return piece{candle.SumOf(a), rat(a)}
	}
	return piece{candle.ProductOf(a, b), new(big.Rat).Mul(rat(a), rat(b))}
}

// A total is what math/big says, in whatever order it is added up.
func TestSumAdd(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		pieces := make([]piece, 1+r.IntN(20))
		for i := range pieces {
			pieces[i] = randomPiece(r)
		}
		total := func() (sum candle.Sum) {
			for _, p := range pieces {
				sum.Add(p.sum)
			}
			return sum
		}
		sum := total()
		want := new(big.Rat)
		for _, p := range pieces {
			want.Add(want, p.rat)
		}
		if got := ratOf(sum.String()); got.Cmp(want) != 0 {
			t.Fatalf("total %s, want %s", sum, want.FloatString(24))
		}
		if sum.IsZero() != (want.Sign() == 0) {
			t.Fatalf("IsZero of %s", sum)
		}
		r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		if again := total(); again != sum {
			t.Fatalf("in another order %#v, before %#v", again, sum)
		}
	}
}

// The largest trades there can be, as many as their doc comment promises room
// for, then brought to the finest scale.
func TestSumRoom(t *testing.T) {
	huge := candle.Decimal{Units: 1<<63 - 1}
	sum := candle.ProductOf(huge, huge)
	want := new(big.Rat).Mul(rat(huge), rat(huge))
	for range 50 { // doubling: 2^50 trades
		sum.Add(sum)
		want.Add(want, want)
	}
	least := candle.Decimal{Units: 1, Scale: candle.MaxScale}
	sum.Add(candle.ProductOf(least, least))
	want.Add(want, new(big.Rat).Mul(rat(least), rat(least)))
	if got := ratOf(sum.String()); got.Cmp(want) != 0 {
		t.Errorf("total %s, want %s", sum, want.FloatString(24))
	}
}

func TestSumCmp(t *testing.T) {
	r := seeded(t)
	var pieces []piece
	for range 150 {
		pieces = append(pieces, randomPiece(r))
	}
	pieces = append(pieces, pieces[0], piece{candle.Sum{}, new(big.Rat)})
	for _, a := range pieces {
		for _, b := range pieces {
			if got, want := a.sum.Cmp(b.sum), a.rat.Cmp(b.rat); got != want {
				t.Fatalf("%s.Cmp(%s) = %d, want %d", a.sum, b.sum, got, want)
			}
		}
	}
}

// Decimals is the least that prints the number exactly; more are padded.
func TestSumAppend(t *testing.T) {
	r := seeded(t)
	for range 5000 {
		p := randomPiece(r)
		least := 0
		for ratOf(p.rat.FloatString(least)).Cmp(p.rat) != 0 {
			least++
		}
		if got := p.sum.Decimals(); got != least {
			t.Fatalf("%s needs %d decimals, Decimals() = %d", p.rat.FloatString(24), least, got)
		}
		decimals := least + r.IntN(5)
		if got, want := string(p.sum.Append([]byte("x"), decimals)), "x"+p.rat.FloatString(decimals); got != want {
			t.Fatalf("Append at %d decimals: %s, want %s", decimals, got, want)
		}
		if text := p.sum.String(); strings.Contains(text, ".") && strings.HasSuffix(text, "0") {
			t.Fatalf("String() = %s has zeros to spare", text)
		}
	}
}
