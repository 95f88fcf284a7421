package export_test

import (
	"math/rand/v2"

	"tapedeck/collector/candle"
)

// market is what the random trades of a test look like.
type market struct {
	name              string
	price, size       int64 // the largest, in units
	priceScale        uint8
	sizeScale         uint8
	from, until, step int64 // of the trades' times; step is the longest pause
}

var markets = []market{
	{"stock", 9_999_9999, 5_000, 4, 0, 1763649000000, 1763672400000, 900},
	{"zero sizes", 100_00, 2, 2, 0, 1763649000000, 1763672400000, 900},
	{"coin", 105_410_123456, 90_000_000_000, 6, 8, -86_400_000, 1763672400000, 40_000},
	{"dust", 9_999_999, 1_000_000_000_000, 12, 3, 0, 1763672400000, 5_000},
	{"absurd", 1 << 62, 1 << 62, 12, 12, 253402214400000, 253402300799999, 20_000},
	{"absurd and whole", 1 << 62, 1 << 62, 0, 0, -62167219200000, 0, 2_000_000},
}

// trades are n trades of a symbol, whose numbers have anything from no decimals to
// those of the market.
func (m market) trades(r *rand.Rand, symbol string, n int) []candle.Trade {
	list := make([]candle.Trade, n)
	at := m.from + r.Int64N(86_400_000/2)
	for i := range list {
		at = min(at+r.Int64N(m.step), m.until)
		list[i] = candle.Trade{
			Symbol: symbol, Time: at, Received: min(at+r.Int64N(2000), m.until),
			Price:      decimal(1+r.Int64N(m.price), uint8(r.IntN(int(m.priceScale)+1))),
			Size:       decimal(r.Int64N(m.size), uint8(r.IntN(int(m.sizeScale)+1))),
			Conditions: []string{"", "14|", "14|37|41|", `@,"odd"|`}[r.IntN(4)],
			Dark:       r.IntN(3) == 0,
		}
	}
	return list
}
