package candle_test

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"tapedeck/collector/candle"
)

// number is the grammar of JSON, with leading zeros and a missing digit on one
// side of the point forgiven.
var number = regexp.MustCompile(`^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$`)

// readDecimal is ParseDecimal once more, slowly and by math/big.
func readDecimal(text string) (candle.Decimal, error) {
	m := number.FindStringSubmatch(text)
	if m == nil || m[2]+m[3] == "" {
		return candle.Decimal{}, candle.ErrSyntax
	}
	significant := strings.TrimRight(strings.TrimLeft(m[2]+m[3], "0"), "0")
	if significant == "" {
		return candle.Decimal{}, nil
	}
	// The number is significant x 10^power.
	power := new(big.Int)
	if m[4] != "" {
		power.SetString(m[4], 10)
	}
	stripped := len(m[2]+m[3]) - len(strings.TrimRight(m[2]+m[3], "0"))
	power.Add(power, big.NewInt(int64(stripped-len(m[3]))))
	if len(significant) > 19 { // and spare math/big a number of a million digits
		return candle.Decimal{}, candle.ErrPrecision
	}
	units, _ := new(big.Int).SetString(m[1]+significant, 10)
	scale := 0
	switch {
	case power.Cmp(big.NewInt(-candle.MaxScale)) < 0 || power.Cmp(big.NewInt(19)) > 0:
		return candle.Decimal{}, candle.ErrPrecision
	case power.Sign() < 0:
		scale = int(-power.Int64())
	default:
		units.Mul(units, pow(int(power.Int64())))
	}
	if !units.IsInt64() {
		return candle.Decimal{}, candle.ErrPrecision
	}
	return candle.Decimal{Units: units.Int64(), Scale: uint8(scale)}, nil
}

var decimalTexts = []string{
	"", "-", ".", "-.", "e1", "1e", "1e+", "+1", " 1", "1 ", "1..2", "1.2.3", "0x1", "NaN", "Infinity", "1_000", "--1",
	"0", "-0", "0.0", "0e5", "0e-20", "0.0000000000000e-3", "00", ".0", "0.", "5.", ".5", "-.5", "007", "141", "141.0", "1.41e2", "14100e-2", "1E+2",
	"0.00005000", "316.9603", "70.44", "1e-12", "1e-13", "10e-13", "0.000000000001", "0.0000000000010", "0.0000000000001",
	"123456789012345678", "1234567890123456789", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
	"-9223372036854775809", "18446744073709551615", "18446744073709551616", "922337203685477580.70", "9223372.036854775807",
	"92233720368547758070e-1", "1e18", "1e19", "9e18", "10e18", "0.0000000000000000000000001e25", "1000000000000000000000000e-24",
	"1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999", "0.123456789012345678",
	"100000000000000000000000000000000000001", "00000000000000000000000000000000000000.1",
}

func checkParseDecimal(t *testing.T, text string) {
	t.Helper()
	want, wantErr := readDecimal(text)
	got, err := candle.ParseDecimal([]byte(text))
	if err != wantErr { // bare: the decoder compares them
		t.Fatalf("ParseDecimal(%q): error %v, want %v", text, err, wantErr)
	}
	if got != want {
		t.Fatalf("ParseDecimal(%q) = %+v, want %+v", text, got, want)
	}
	if err != nil {
		return
	}
	for _, decimals := range []int{0, 2, 6, 15} {
		printed := string(got.Append([]byte("x"), decimals))[1:]
		if again, err := candle.ParseDecimal([]byte(printed)); err != nil || again != got {
			t.Fatalf("%q was printed as %q and read as %+v, %v", text, printed, again, err)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	for _, text := range decimalTexts {
		checkParseDecimal(t, text)
	}
	if _, err := candle.ParseDecimal(nil); !errors.Is(err, candle.ErrSyntax) {
		t.Errorf("ParseDecimal(nil): %v", err)
	}
}

// The exponent and the zeros of a number may cancel out, up to the longest frame
// that is read (4 MiB).
func TestParseDecimalLong(t *testing.T) {
	zeros := strings.Repeat("0", 4_000_000)
	for _, c := range []struct {
		text string
		want candle.Decimal
		err  error
	}{
		{"0." + zeros + "12e4000000", decimal(12, 2), nil},
		{"12" + zeros + "e-4000001", decimal(12, 1), nil},
		{"12" + zeros, candle.Decimal{}, candle.ErrPrecision},
		{"1." + zeros + "1", candle.Decimal{}, candle.ErrPrecision},
		{"1." + zeros, decimal(1, 0), nil},
	} {
		if got, err := candle.ParseDecimal([]byte(c.text)); got != c.want || err != c.err {
			t.Errorf("%.20s... = %+v, %v; want %+v, %v", c.text, got, err, c.want, c.err)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, text := range decimalTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkParseDecimal(t, text) })
}

// Every Decimal in every spelling comes back as itself, ends of the range included.
func TestParseDecimalSpellings(t *testing.T) {
	r := seeded(t)
	for range 10_000 {
		d := randomDecimal(r)
		if r.IntN(2) == 0 {
			d.Units = -d.Units
		}
		text := d.String()
		if strings.Contains(text, ".") {
			text += strings.Repeat("0", r.IntN(30))
		}
		if i := strings.IndexByte(text, '.'); i > 0 && r.IntN(2) == 0 {
			text = strings.Repeat("0", r.IntN(3)) + text
		}
		if text[0] == '0' && r.IntN(2) == 0 {
			text = strings.TrimLeft(text, "0")
		}
		if text == "" {
			continue
		}
		checkParseDecimal(t, text)
	}
}

func TestDecimalCmp(t *testing.T) {
	r := seeded(t)
	pool := []candle.Decimal{{}, decimal(1, 0), decimal(-1, 0), decimal(math.MaxInt64, 0), decimal(math.MinInt64, 0),
		decimal(math.MaxInt64, 12), decimal(math.MinInt64, 12), decimal(1, 12), decimal(-1, 12), decimal(9_223_372, 0)}
	for range 60 {
		d := randomDecimal(r)
		near := decimal(d.Units-r.Int64N(2), int(d.Scale)) // a neighbour, often at another scale
		pool = append(pool, d, near, candle.Decimal{Units: -d.Units, Scale: d.Scale})
	}
	for _, d := range pool {
		if got, want := d.Sign(), rat(d).Sign(); got != want {
			t.Errorf("%v.Sign() = %d, want %d", d, got, want)
		}
		for _, e := range pool {
			if got, want := d.Cmp(e), rat(d).Cmp(rat(e)); got != want {
				t.Fatalf("%v.Cmp(%v) = %d, want %d", d, e, got, want)
			}
			if (d.Cmp(e) == 0) != (d == e) {
				t.Fatalf("%v and %v: equal as numbers and == differ", d, e)
			}
		}
	}
}

func TestDecimalAppend(t *testing.T) {
	for _, c := range []struct {
		d        candle.Decimal
		decimals int
		want     string
	}{
		{decimal(0, 0), 0, "0"},
		{decimal(0, 0), 2, "0.00"},
		{decimal(141, 0), 0, "141"},
		{decimal(141, 0), 2, "141.00"},
		{decimal(3169603, 4), 2, "316.9603"},
		{decimal(3169603, 4), 6, "316.960300"},
		{decimal(-5, 1), 0, "-0.5"},
		{decimal(1, 12), 0, "0.000000000001"},
		{decimal(math.MinInt64, 0), 1, "-9223372036854775808.0"},
	} {
		if got := string(c.d.Append(nil, c.decimals)); got != c.want {
			t.Errorf("%+v at %d decimals: %s, want %s", c.d, c.decimals, got, c.want)
		}
	}
}

func TestParseDecimalAllocates(t *testing.T) {
	texts := [][]byte{[]byte("70.44"), []byte("1.41e2"), []byte("0.000000000000000000001"), []byte("no number")}
	n := testing.AllocsPerRun(100, func() {
		for _, text := range texts {
			_, _ = candle.ParseDecimal(text)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
