package eodhd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

const stockFrame = `{"s":"AAPL","p":316.9603,"c":[14,37,41],"v":48,"dp":false,"ms":"extended-hours","t":1784115290873}`

// BenchmarkDecode is the cost of one frame, beside encoding/json into a struct.
func BenchmarkDecode(b *testing.B) {
	many := make([]string, 11_000)
	for i := range many {
		many[i] = fmt.Sprintf("S%05d", i)
	}
	many = append(many, "AAPL", "BTC-USD")
	for _, c := range []struct {
		name   string
		market eodhd.Market
		frame  string
		want   eodhd.Kind
	}{
		{"us", eodhd.US, stockFrame, eodhd.KindTrade},
		{"us today", eodhd.US, `{"s":"AAPL","p":335.95,"c":[],"v":12,"dp":false,"ms":"open","t":1790329995797}`, eodhd.KindTrade},
		{"us spaced", eodhd.US, `{ "t": 1784115290873, "ms": "open", "dp": false, "v": "48", "c": [14, 37, 41], "p": "316.9603", "s": "AAPL" }`, eodhd.KindTrade},
		{"crypto", eodhd.Crypto, `{"s":"BTC-USD","p":"84588","q":"0.002","dc":"0.2196","dd":"185.7","t":1790330111002}`, eodhd.KindTrade},
		{"quote", eodhd.US, `{"s":"AAPL","ap":317.297,"as":160,"bp":316.988,"bs":40,"t":1784115291977}`, eodhd.KindQuote},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			d := eodhd.NewDecoder(c.market, many)
			frame := []byte(c.frame)
			var t candle.Trade
			for b.Loop() {
				if k, _ := d.Decode(frame, &t); k != c.want {
					b.Fatal(k)
				}
			}
		})
	}
	b.Run("encoding json", func(b *testing.B) {
		b.ReportAllocs()
		frame := []byte(stockFrame)
		for b.Loop() {
			var message struct {
				S    string
				P, V json.Number
				C    []int
				DP   bool
				MS   string
				T    int64
			}
			if err := json.Unmarshal(frame, &message); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRead is the cost of a frame from a loopback socket into a trade, the
// server writing many in bulk.
func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	block := bytes.Repeat(frame(0x81, stockFrame), 1000)
	c := dial(b, serveRaw(b, func(conn net.Conn) {
		conn.Read(make([]byte, 100)) // the subscribe frame
		for {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := c.Subscribe(ctx, []string{"AAPL"}); err != nil {
		b.Fatal(err)
	}
	var t candle.Trade
	for b.Loop() {
		if kind, err := c.Read(ctx, &t); kind != eodhd.KindTrade || err != nil {
			b.Fatal(kind, err)
		}
	}
	c.CloseNow()
}
