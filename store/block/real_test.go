package block_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/store/block"
)

// realDays are days of real trades, and what a trade and a candle of them may take in
// blocks: the goal of the file, less what keys, checksums and pages add.
var realDays = []struct {
	name                   string
	trade, second, hundred float64
}{
	{"SPY_20131007", 1.75, 5.8, 16.5},
	{"IBM_20131008", 2.25, 5.8, 16.5},
	{"XXX_20180102", 2.65, 5.8, 16.5},
}

// realTrades reads a whole day of EODHD messages. Received is the time itself.
func realTrades(t testing.TB, name string) []candle.Trade {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Skip("skipped: there is no ../shared/data beside the project")
	}
	file, err := os.Open(filepath.Join(root, "trades", name+".full.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []candle.Trade
	for scanner := bufio.NewScanner(unzipped); scanner.Scan(); {
		var m struct {
			P, V json.RawMessage
			C    json.RawMessage
			DP   bool
			T    int64
		}
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		price, err1 := candle.ParseDecimal(m.P)
		size, err2 := candle.ParseDecimal(m.V)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		list = append(list, candle.Trade{Time: m.T, Received: m.T, Price: price, Size: size, Dark: m.DP, Conditions: codes(t, m.C)})
	}
	return list
}

// codes are sale conditions as the decoder of the feed writes them.
func codes(t testing.TB, raw json.RawMessage) string {
	var list []json.Number
	var one json.Number
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if json.Unmarshal(raw, &list) != nil {
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
	var text strings.Builder
	for _, code := range list {
		n, err := strconv.Atoi(code.String())
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(strconv.Itoa(n) + "|")
	}
	return text.String()
}

func TestRealSizes(t *testing.T) {
	for _, day := range realDays {
		t.Run(day.name, func(t *testing.T) {
			list := realTrades(t, day.name)
			got := perItem(list, func(e *block.Encoder, part []candle.Trade) []byte { return e.AppendTrades(nil, part) })
			t.Logf("%d trades, %.3f bytes each", len(list), got)
			if got > day.trade {
				t.Errorf("a trade takes %.3f bytes, at most %.2f", got, day.trade)
			}
			for _, c := range []struct {
				v    candle.Interval
				most float64
			}{{candle.Second, day.second}, {candle.HundredTrades, day.hundred}} {
				fold := candle.NewFold(c.v, 0)
				for i := range list {
					fold.Add(&list[i])
				}
				candles := fold.Candles()
				got := perItem(candles, func(e *block.Encoder, part []candle.Candle) []byte { return e.AppendCandles(nil, c.v, part) })
				t.Logf("%d %s candles, %.3f bytes each", len(candles), c.v, got)
				if got > c.most {
					t.Errorf("a %s candle takes %.3f bytes, at most %.2f", c.v, got, c.most)
				}
				comesBack(t, c.v, candles)
			}
		})
	}
}

func perItem[T any](list []T, encode func(*block.Encoder, []T) []byte) float64 {
	e, bytes := block.NewEncoder(), 0
	for part := range slices.Chunk(list, block.Limit) {
		bytes += len(encode(e, part))
	}
	return float64(bytes) / float64(len(list))
}

// comesBack encodes and decodes candles.
func comesBack(t *testing.T, v candle.Interval, list []candle.Candle) {
	t.Helper()
	e, d := block.NewEncoder(), block.NewDecoder()
	var got []candle.Candle
	for part := range slices.Chunk(list, block.Limit) {
		var err error
		if got, err = d.Candles(got, v, e.AppendCandles(nil, v, part)); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != len(list) {
		t.Fatalf("%d candles came back of %d", len(got), len(list))
	}
	for i := range got {
		if !sameCandle(got[i], list[i], v) {
			t.Fatalf("candle %d came back as %+v, was %+v", i, got[i], list[i])
		}
	}
}

// sameCandle compares what is kept: sums as numbers.
func sameCandle(got, want candle.Candle, v candle.Interval) bool {
	if got.Volume.Cmp(want.Volume) != 0 || got.Turnover.Cmp(want.Turnover) != 0 {
		return false
	}
	got.Volume, got.Turnover, want.Volume, want.Turnover = candle.Sum{}, candle.Sum{}, candle.Sum{}, candle.Sum{}
	if v.ByTime() {
		want.First, want.Last = want.Start, want.Start
	}
	return got == want
}
