package candle_test

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"tapedeck/collector/candle"
)

// shared opens a file of the real data, which is never part of the project. The
// test is skipped where the folder is missing; a file missing from it is a failure.
func shared(t *testing.T, name string) *os.File {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("skipped: there is no ../shared/data beside the project")
	}
	f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestFoldReal folds the trades of a real day and compares with the bars that
// another system, LEAN, made of them.
func TestFoldReal(t *testing.T) {
	for _, c := range []struct{ trades, key, interval string }{
		{"SPY_20131007", "SPY_20131007.second", "1s"},
		{"IBM_20131008", "IBM_20131008.second", "1s"},
		{"IBM_20131008", "IBM_20131008.minute", "1m"},
	} {
		t.Run(c.key, func(t *testing.T) {
			candles := foldOf(intervals(c.interval)[0], 0, sharedTrades(t, "trades/"+c.trades+".eligible.jsonl.gz"))
			rows := sharedRows(t, "keys/"+c.key+".csv.gz")
			if len(candles) != len(rows) {
				t.Errorf("%d candles, the key has %d bars", len(candles), len(rows))
			}
			prices, volumes := 0, 0
			for i, row := range rows[:min(len(rows), len(candles))] {
				got := candles[i]
				if strconv.FormatInt(got.Start, 10) != row["start_ms"] {
					t.Fatalf("candle %d starts at %d, the bar at %s", i, got.Start, row["start_ms"])
				}
				if row["ohlc_cmp"] == "1" {
					prices++
					for name, p := range map[string]candle.Decimal{"open": got.Open, "high": got.High, "low": got.Low, "close": got.Close} {
						if p != parsed(t, row[name]) {
							t.Errorf("%s %s: %s, the bar has %s", row["start_ny"], name, p, row[name])
						}
					}
				}
				if row["volume_cmp"] == "1" {
					volumes++
					if got.Volume.Cmp(candle.SumOf(parsed(t, row["volume_lean"]))) != 0 {
						t.Errorf("%s volume: %s, the bar has %s", row["start_ny"], got.Volume, row["volume_lean"])
					}
				}
			}
			if prices < len(rows)-2 || volumes == 0 { // the key leaves two seconds out, and many volumes
				t.Errorf("of %d bars only %d prices and %d volumes were compared", len(rows), prices, volumes)
			}
			t.Logf("%d bars: prices of %d and volumes of %d are equal", len(rows), prices, volumes)
		})
	}
}

func parsed(t *testing.T, text string) candle.Decimal {
	t.Helper()
	d, err := candle.ParseDecimal([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return d
}

func sharedTrades(t *testing.T, name string) []candle.Trade {
	t.Helper()
	unzipped, err := gzip.NewReader(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	var trades []candle.Trade
	lines := bufio.NewScanner(unzipped)
	for lines.Scan() {
		var message struct {
			P, V json.Number
			T    int64
		}
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			t.Fatal(err)
		}
		trades = append(trades, candle.Trade{Time: message.T, Price: parsed(t, message.P.String()), Size: parsed(t, message.V.String())})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return trades
}

// sharedRows are the rows of a CSV file by the names of its columns.
func sharedRows(t *testing.T, name string) []map[string]string {
	t.Helper()
	unzipped, err := gzip.NewReader(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := make(map[string]string)
		for i, column := range records[0] {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}
