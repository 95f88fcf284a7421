package candle_test

import (
	"testing"

	"tapedeck/collector/candle"
)

// FuzzFold reads an interval, an anchor, a cut and trades out of bytes and holds
// the fold against the rules, and its pieces against the whole.
func FuzzFold(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 1, 0, 2, 5, 1, 0, 2, 5, 1, 200, 2, 5, 1})
	f.Add([]byte{5, 90, 2, 255, 255, 255, 0x80, 1, 255, 255, 0xc4, 9, 9, 9, 9, 0, 1, 2, 3})
	f.Add([]byte{8, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	f.Add([]byte("\x0a\x00\x02quite another run of trades, in words, for the dollars"))
	all := intervals("1s", "5s", "1m", "4h", "24h", "1d", "1t", "3t", "1v", "300v", "1usd", "250000usd")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < 3 {
			return
		}
		v := all[int(raw[0])%len(all)]
		anchor := int64(int8(raw[1])) * 7001
		trades := tradesOf(raw[3:])
		cut := int(raw[2]) % (len(trades) + 1)
		whole := foldOf(v, anchor, trades)
		sameCandles(t, v.String(), whole, naiveFold(v, anchor, trades))
		if v.ByTime() {
			pieces := mergeByStart(v, foldOf(v, anchor, trades[:cut]), foldOf(v, anchor, trades[cut:]))
			sameCandles(t, v.String()+" merged", pieces, whole)
			return
		}
		for _, c := range whole {
			own := trades[:c.Trades]
			trades = trades[c.Trades:]
			if cut == 0 || cut >= len(own) {
				continue
			}
			left, right := foldOf(v, anchor, own[:cut]), foldOf(v, anchor, own[cut:])
			merged := candle.Merge(v, left[0], right[0])
			merged.Number = c.Number
			sameCandles(t, v.String()+" merged", []candle.Candle{merged}, []candle.Candle{c})
		}
	})
}

// tradesOf takes four bytes a trade: the step in time, the price, the size, and
// how far their points stand to the left. Negative steps are late trades, and
// those of the last quarter jump.
func tradesOf(raw []byte) []candle.Trade {
	var trades []candle.Trade
	now := int64(0)
	for ; len(raw) >= 4; raw = raw[4:] {
		step := int64(int8(raw[0]))
		if raw[3]&3 == 3 {
			step *= 977
		}
		now += step
		trades = append(trades, candle.Trade{
			Time:  now,
			Price: decimal((int64(raw[1])+1)<<(raw[3]>>2&31), int(raw[3]>>4)%(candle.MaxScale+1)),
			Size:  decimal(int64(raw[2])<<(raw[3]&31), int(raw[3]>>3)%(candle.MaxScale+1)),
		})
	}
	return trades
}
