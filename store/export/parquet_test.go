package export_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// Every trade comes back from Parquet: in order, over several groups of rows, its price as
// the float64 that the text is read as.
func TestParquetTrades(t *testing.T) {
	r := seeded(t)
	for _, m := range markets {
		t.Run(m.name, func(t *testing.T) {
			trades := m.trades(r, "QLD", 3000)
			if m.name == "stock" {
				trades = m.trades(r, "QLD", 300_000) // more than two groups
			}
			var file bytes.Buffer
			e, err := export.NewTrades(&file, export.Options{Format: export.Parquet, Metadata: map[string]string{"tapedeck.source": "EODHD us"}}, export.Decimals{})
			must(t, err)
			for i := range trades {
				must(t, e.Encode(&trades[i], int64(i)+1))
			}
			must(t, e.Close())
			must(t, e.Close())
			f := openParquet(t, file.Bytes())
			if got := f.names(); !slices.Equal(got, []string{"time", "symbol", "price", "size", "conditions", "dark", "received", "seq"}) {
				t.Fatalf("the columns are %v", got)
			}
			if v, ok := f.Lookup("tapedeck.source"); !ok || v != "EODHD us" {
				t.Errorf("the source is %q", v)
			}
			i := 0
			f.each(t, func(row map[string]parquet.Value) {
				want := &trades[i]
				i++
				price, _ := strconv.ParseFloat(want.Price.String(), 64)
				size, _ := strconv.ParseFloat(want.Size.String(), 64)
				switch {
				case row["time"].Int64() != want.Time*1000, row["received"].Int64() != want.Received*1000, row["seq"].Int64() != int64(i):
					t.Fatalf("row %d is of %d, received %d, number %d", i, row["time"].Int64(), row["received"].Int64(), row["seq"].Int64())
				case row["price"].Double() != price || row["size"].Double() != size:
					t.Fatalf("row %d: %v x %v, want %v x %v", i, row["price"], row["size"], price, size)
				case row["symbol"].String() != "QLD" || row["dark"].Boolean() != want.Dark:
					t.Fatalf("row %d is %v", i, row)
				case row["conditions"].IsNull() != (want.Conditions == "") || want.Conditions != "" && row["conditions"].String() != want.Conditions:
					t.Fatalf("row %d has the conditions %v, want %q", i, row["conditions"], want.Conditions)
				}
			})
			if i != len(trades) {
				t.Fatalf("%d rows of %d trades", i, len(trades))
			}
			if n := len(f.RowGroups()); m.name == "stock" && n < 3 {
				t.Errorf("%d rows are in %d groups", i, n)
			}
		})
	}
}

// Exact decimals are the digits of the CSV.
func TestParquetExact(t *testing.T) {
	r := seeded(t)
	for _, m := range markets {
		candles := folded(m.trades(r, "QLD", 2000), candle.Second)
		csv := read(t, encoded(t, export.Options{}, candles))
		rows := encoded(t, export.Options{Format: export.Parquet, Exact: true}, candles)
		if rows == nil {
			if m.name != "absurd" && m.name != "absurd and whole" {
				t.Errorf("%s does not fit", m.name)
			}
			continue
		}
		i := 0
		f := openParquet(t, rows)
		f.each(t, func(row map[string]parquet.Value) {
			for _, name := range []string{"open", "high", "low", "close", "volume", "vwap"} {
				if row[name].IsNull() {
					if csv.field(t, i, name) != "" {
						t.Fatalf("%s: row %d has no %s", m.name, i, name)
					}
					continue
				}
				scale := f.scale(name)
				units := new(big.Int).SetBytes(row[name].ByteArray())
				if got := new(big.Rat).SetFrac(units, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale); got != csv.field(t, i, name) {
					t.Fatalf("%s: row %d: %s is %s, want %s", m.name, i, name, got, csv.field(t, i, name))
				}
			}
			i++
		})
	}
}

// encoded are candles as a file, nil when a number has more digits than there are.
func encoded(t *testing.T, o export.Options, candles []candle.Candle) []byte {
	t.Helper()
	var d export.Decimals
	for i := range candles {
		d.Candle(&candles[i])
	}
	var file bytes.Buffer
	e, err := export.NewTimeCandles(&file, o, d)
	must(t, err)
	for i := range candles {
		if err := e.Encode("QLD", &candles[i], ledger.Traded); err != nil {
			if e.Close() == nil {
				t.Error("it closes after an error")
			}
			return nil
		}
	}
	must(t, e.Close())
	return file.Bytes()
}

// Rows without a candle are null but for their volume, as their state allows.
func TestParquetEmptyRows(t *testing.T) {
	var file bytes.Buffer
	e, err := export.NewTimeCandles(&file, export.Options{Format: export.Parquet}, export.Decimals{})
	must(t, err)
	must(t, e.EncodeEmpty("QLD", 0, ledger.Quiet, nil))
	must(t, e.EncodeEmpty("QLD", 1000, ledger.Down, nil))
	last := number(t, "70.5")
	must(t, e.EncodeEmpty("QLD", 2000, ledger.Quiet, &last))
	must(t, e.Close())
	var got []string
	openParquet(t, file.Bytes()).each(t, func(row map[string]parquet.Value) {
		got = append(got, row["state"].String()+" "+row["close"].String()+" "+row["volume"].String()+" "+row["trades"].String())
	})
	if want := []string{"quiet <null> 0 0", "down <null> <null> <null>", "quiet 70.5 0 0"}; !slices.Equal(got, want) {
		t.Errorf("the rows are %q, want %q", got, want)
	}
}

// The other kinds of rows, and a file without any.
func TestParquetOthers(t *testing.T) {
	o := export.Options{Format: export.Parquet}
	var sessions, coverage, news bytes.Buffer
	s, err := export.NewSessions(&sessions, o)
	must(t, err)
	day := ledger.Day(moment(t, "2026-11-20T00:00:00Z"))
	must(t, s.Encode(&export.SessionLine{Session: day, Symbol: "QLD", Seconds: ledger.Tally{ledger.Traded: 1, ledger.Down: 2}}))
	must(t, s.Encode(&export.SessionLine{Session: day, Symbol: "SPY"}))
	must(t, s.Close())
	var got []string
	openParquet(t, sessions.Bytes()).each(t, func(row map[string]parquet.Value) {
		got = append(got, row["symbol"].String()+" "+row["covered"].String()+" "+row["date"].String())
	})
	if want := []string{"QLD 0.333333 20777", "SPY <null> 20777"}; !slices.Equal(got, want) {
		t.Errorf("the sessions are %q, want %q", got, want)
	}
	c, err := export.NewCoverage(&coverage, o)
	must(t, err)
	must(t, c.Encode(ledger.Run{From: 0, Until: 5000, State: ledger.Down, Cause: ledger.Drop}, []string{"QLD", "SPY"}))
	must(t, c.Close())
	openParquet(t, coverage.Bytes()).each(t, func(row map[string]parquet.Value) {
		if row["symbols"].String() != "QLD SPY" || row["seconds"].Int64() != 5 || row["cause"].String() != "drop" {
			t.Errorf("the coverage is %v", row)
		}
	})
	n, err := export.NewNews(&news, o)
	must(t, err)
	must(t, n.Close())
	if f := openParquet(t, news.Bytes()); f.NumRows() != 0 || len(f.names()) != 7 {
		t.Errorf("news has %d rows and the columns %v", f.NumRows(), f.names())
	}
}

// parquetBack is a Parquet file that is read back.
type parquetBack struct{ *parquet.File }

func openParquet(t *testing.T, raw []byte) parquetBack {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	must(t, err)
	return parquetBack{f}
}

func (f parquetBack) names() (list []string) {
	for _, field := range f.Schema().Fields() {
		list = append(list, field.Name())
	}
	return list
}

func (f parquetBack) scale(name string) int {
	column, _ := f.Schema().Lookup(name)
	precision, scale := 0, 0
	if _, err := fmt.Sscanf(column.Node.Type().String(), "DECIMAL(%d,%d)", &precision, &scale); err != nil || precision != 38 {
		panic(fmt.Sprintf("%s is %s", name, column.Node.Type()))
	}
	return scale
}

func (f parquetBack) each(t *testing.T, visit func(row map[string]parquet.Value)) {
	t.Helper()
	names := f.names()
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		buf := make([]parquet.Row, 512)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				all := make(map[string]parquet.Value)
				for _, v := range row {
					all[names[v.Column()]] = v
				}
				visit(all)
			}
			if err != nil || n == 0 {
				break
			}
		}
		must(t, rows.Close())
	}
}
