package export_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/store/export"
)

// seeded is a source of randomness whose seed is printed when the test fails.
// TAPEDECK_TEST_SEED=n repeats a run.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TAPEDECK_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TAPEDECK_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("TAPEDECK_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// decimal is units x 10^-scale, in the one form that a Decimal is kept in.
func decimal(units int64, scale uint8) candle.Decimal {
	for scale > 0 && units%10 == 0 {
		units /= 10
		scale--
	}
	return candle.Decimal{Units: units, Scale: scale}
}

func number(t testing.TB, text string) candle.Decimal {
	t.Helper()
	d, err := candle.ParseDecimal([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return d
}

// moment is an instant of RFC 3339 in Unix milliseconds.
func moment(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

// folded are the candles of trades of one symbol.
func folded(trades []candle.Trade, v candle.Interval) []candle.Candle {
	f := candle.NewFold(v, 0)
	for i := range trades {
		f.Add(&trades[i])
	}
	return f.Candles()
}

// table is a file read back by encoding/csv.
type table struct {
	columns []string
	rows    [][]string
}

func read(t testing.TB, file []byte) table {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(file))
	all, err := r.ReadAll() // refuses rows that have not as many fields as the header
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	return table{all[0], all[1:]}
}

// field is the text in row i of the named column.
func (f table) field(t testing.TB, i int, column string) string {
	t.Helper()
	for j, name := range f.columns {
		if name == column {
			return f.rows[i][j]
		}
	}
	t.Fatalf("there is no column %s in %v", column, f.columns)
	return ""
}

// decimals is how many decimals the fields of a column have; they must all have as
// many, apart from empty ones. It is -1 when all are empty.
func (f table) decimals(t testing.TB, column string) int {
	t.Helper()
	n := -1
	for i := range f.rows {
		text := f.field(t, i, column)
		if text == "" {
			continue
		}
		_, fraction, _ := strings.Cut(text, ".")
		if n >= 0 && len(fraction) != n {
			t.Fatalf("%s of row %d is %s, the rows before have %d decimals", column, i, text, n)
		}
		n = len(fraction)
	}
	return n
}

// equal fails unless both texts are the same number.
func equal(t testing.TB, what, got, want string) {
	t.Helper()
	g, ok := new(big.Rat).SetString(got)
	w, wok := new(big.Rat).SetString(want)
	if !ok || !wok || g.Cmp(w) != 0 {
		t.Fatalf("%s is %q, want %s", what, got, want)
	}
}

// The encoders of plain CSV.

func newTimeCandles(w io.Writer, d export.Decimals) *export.TimeCandles {
	e, err := export.NewTimeCandles(w, export.Options{}, d)
	return plain(e, err)
}

func newCountCandles(w io.Writer, d export.Decimals) *export.CountCandles {
	e, err := export.NewCountCandles(w, export.Options{}, d)
	return plain(e, err)
}

func newTrades(w io.Writer, d export.Decimals) *export.Trades {
	e, err := export.NewTrades(w, export.Options{}, d)
	return plain(e, err)
}

func newCoverage(w io.Writer) *export.Coverage {
	e, err := export.NewCoverage(w, export.Options{})
	return plain(e, err)
}

func plain[E any](e E, err error) E {
	if err != nil {
		panic(err)
	}
	return e
}
