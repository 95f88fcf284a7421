package eodhd_test

import (
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

var fuzzSymbols = []string{"AAPL", "TGT", "BTC-USD", "A", "ABCDEFGHIJ", "BRK/B", "É"}

// FuzzDecode holds the decoder against encoding/json, in both markets. The second
// frame of each pair is read by a decoder that has seen frames before.
func FuzzDecode(f *testing.F) {
	for _, c := range decodeCases {
		f.Add([]byte(c.frame))
	}
	for _, r := range realFrames(f) {
		f.Add([]byte(r.Frame))
	}
	for _, n := range []int{511, 512} {
		f.Add([]byte(`{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`))
	}
	worn := map[eodhd.Market]*eodhd.Decoder{
		eodhd.US:     eodhd.NewDecoder(eodhd.US, fuzzSymbols),
		eodhd.Crypto: eodhd.NewDecoder(eodhd.Crypto, fuzzSymbols),
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := string(frame)
		for market, d := range worn {
			want := naiveDecode(market, fuzzSymbols, frame)
			for _, d := range []*eodhd.Decoder{d, eodhd.NewDecoder(market, fuzzSymbols)} {
				if got := decode(t, d, frame); got != want {
					t.Fatalf("%s %q\n is   %+v\n want %+v", market, frame, got, want)
				}
			}
		}
		if string(frame) != before {
			t.Fatalf("the frame %q was changed to %q", before, frame)
		}
	})
}

// decode decodes one frame into a trade full of rubbish, and checks that it is
// either set whole or left alone.
func decode(t *testing.T, d *eodhd.Decoder, frame []byte) decoded {
	t.Helper()
	rubbish := candle.Trade{Symbol: "X", Time: 1, Received: 2, Price: candle.Decimal{Units: 3}, Size: candle.Decimal{Units: 4},
		Conditions: "5|", Dark: true, Echo: true}
	trade := rubbish
	kind, control := d.Decode(frame, &trade)
	if kind != eodhd.KindTrade {
		if trade != rubbish {
			t.Fatalf("%q is %s, and yet there is a trade: %+v", frame, kind, trade)
		}
		trade = candle.Trade{}
	}
	return decoded{kind, control, trade}
}
