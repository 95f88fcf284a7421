package eodhd_test

import (
	"fmt"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

const tail = `,"t":1784115290873}`

// decodeCases are frames of us unless the market says crypto.
var decodeCases = []struct {
	frame  string
	kind   eodhd.Kind
	trade  string // symbol price size time conditions dark
	crypto bool
}{
	{frame: stockFrame, kind: eodhd.KindTrade, trade: "AAPL 316.9603 48 1784115290873 14|37|41| false"},
	{frame: ` { "t" : 1784115290873 , "dp" : true , "x" : { "a" : [ 1 , { } , [ ] ] } , "v" : "1.50" , "p" : "5" , "s" : "TGT" } ` + "\r\n\t",
		kind: eodhd.KindTrade, trade: "TGT 5 1.5 1784115290873  true"},
	{frame: `{"s":"AAPL","p":1.410e2,"v":1E+2,"t":1.784115290873e12}`, kind: eodhd.KindTrade, trade: "AAPL 141 100 1784115290873  false"},
	{frame: `{"s":"AAPL","p":141.000,"v":0,"t":"1784115290873.0","c":12}`, kind: eodhd.KindTrade, trade: "AAPL 141 0 1784115290873 12| false"},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":null,"dp":null,"ms":null` + tail, kind: eodhd.KindTrade, trade: "AAPL 1 1 1784115290873  false"},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":[ -1 , 2,3 ]` + tail, kind: eodhd.KindTrade, trade: "AAPL 1 1 1784115290873 -1|2|3| false"},
	{frame: `{"\u0073":"A\u0041PL","\u0070":"\u0031","v":1` + tail, kind: eodhd.KindTrade, trade: "AAPL 1 1 1784115290873  false"},
	{frame: `{"s":"BRK\/B","p":1,"v":1` + tail, kind: eodhd.KindTrade, trade: "BRK/B 1 1 1784115290873  false"},
	{frame: `{"s":"\u00c9","p":1,"v":1` + tail, kind: eodhd.KindTrade, trade: "É 1 1 1784115290873  false"},
	{frame: `{"s":1,"p":"no","c":"no","s":"AAPL","p":1,"v":[],"v":2,"c":[7],"dp":0,"dp":true` + tail, kind: eodhd.KindTrade, trade: "AAPL 1 2 1784115290873 7| true"},
	{frame: `{"s":"AAPL","p":1,"v":1,"status":"open","message":{}` + tail, kind: eodhd.KindTrade, trade: "AAPL 1 1 1784115290873  false"},
	{frame: `{"s":"AAPL","p":1,"v":1,"status":403` + tail, kind: eodhd.KindTrade, trade: "AAPL 1 1 1784115290873  false"},
	{frame: `{"s":"AAPL","p":1,"q":1,"t":1}`, kind: eodhd.KindUnknown},
	{frame: `{"s":"BTC-USD","p":"84588","q":"0.002","v":{},"t":1790330111002}`, kind: eodhd.KindTrade, crypto: true, trade: "BTC-USD 84588 0.002 1790330111002  false"},
	{frame: `{"s":"BTC-USD","p":0.00001234,"q":12,"t":1}`, kind: eodhd.KindTrade, crypto: true, trade: "BTC-USD 0.00001234 12 1  false"},
	{frame: `{"s":"BTC-USD","p":1,"v":1,"t":1}`, kind: eodhd.KindUnknown, crypto: true},

	{frame: `{"status_code":200,"message":"Authorized"}`, kind: eodhd.KindControl},
	{frame: `{"status":"403","message":"a\n\ud83d\ude00\ud83d"}`, kind: eodhd.KindControl},
	{frame: `{"message":5,"status_code":null,"status":500}`, kind: eodhd.KindControl},
	{frame: `{"status":"error"}`, kind: eodhd.KindUnknown},
	{frame: `{"status":403.5,"status_code":-1}`, kind: eodhd.KindUnknown},

	{frame: `{"s":"AAPL","ap":1,"bp":2,"t":1}`, kind: eodhd.KindQuote},
	{frame: `{"s":"EURUSD","a":1,"b":2,"t":1}`, kind: eodhd.KindQuote},
	{frame: `{"s":"EURUSD","a":1,"bp":2,"t":1}`, kind: eodhd.KindUnknown},
	{frame: `{}`, kind: eodhd.KindUnknown},
	{frame: ` { } `, kind: eodhd.KindUnknown},
	{frame: `{"S":"AAPL","p":1,"v":1,"t":1}`, kind: eodhd.KindUnknown},

	{frame: ``, kind: eodhd.KindGarbage},
	{frame: ` `, kind: eodhd.KindGarbage},
	{frame: `null`, kind: eodhd.KindGarbage},
	{frame: `[]`, kind: eodhd.KindGarbage},
	{frame: `{"s"}`, kind: eodhd.KindGarbage},
	{frame: `{"s":}`, kind: eodhd.KindGarbage},
	{frame: `{"s":"A",}`, kind: eodhd.KindGarbage},
	{frame: `{,}`, kind: eodhd.KindGarbage},
	{frame: `{"""":1}`, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","p":01,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","p":1.,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","p":.5,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","p":+5,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","p":5e,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","p":NaN,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","c":[1,,2],"p":1,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","c":[1,],"p":1,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","c":[1 2],"p":1,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","c":[01],"p":1,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"s":"AAPL","dp":falsy,"p":1,"v":1` + tail, kind: eodhd.KindGarbage},
	{frame: `{"x":"` + "\x01" + `"}`, kind: eodhd.KindGarbage},
	{frame: `{"x":"\q"}`, kind: eodhd.KindGarbage},
	{frame: `{"x":"\u12g4"}`, kind: eodhd.KindGarbage},
	{frame: `{"x":"\u12`, kind: eodhd.KindGarbage},
	{frame: `{"x":{"a":1]}`, kind: eodhd.KindGarbage},
	{frame: `{"x":[1}}`, kind: eodhd.KindGarbage},
	{frame: stockFrame + `,`, kind: eodhd.KindGarbage},
	{frame: stockFrame + stockFrame, kind: eodhd.KindGarbage},
	{frame: stockFrame[:len(stockFrame)-1], kind: eodhd.KindGarbage},

	{frame: `{"s":5,"p":1,"v":1` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":null,"p":1,"v":1` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":null,"v":1` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":"","v":1` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":"1,5","v":1` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":true` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"t":1784115290873.5}`, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"t":"yesterday"}`, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":"14"` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":[1.0]` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":[[1]]` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":["]"]` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"c":[1e1]` + tail, kind: eodhd.KindUnreadable},
	{frame: `{"s":"AAPL","p":1,"v":1,"dp":"false"` + tail, kind: eodhd.KindUnreadable},

	{frame: `{"s":"MSFT","p":-1,"v":1e99` + tail, kind: eodhd.KindUnsubscribed},
	{frame: `{"s":"AAPL.US","p":1,"v":1` + tail, kind: eodhd.KindUnsubscribed},
	{frame: `{"s":"aapl","p":1,"v":1` + tail, kind: eodhd.KindUnsubscribed},
	{frame: `{"s":"","p":1,"v":1` + tail, kind: eodhd.KindUnsubscribed},
	{frame: `{"s":"ABCDEFGHIK","p":1,"v":1` + tail, kind: eodhd.KindUnsubscribed},
	{frame: `{"s":"A\u0000","p":1,"v":1` + tail, kind: eodhd.KindUnsubscribed},
	{frame: `{"s":"ABCDEFGHIJ","p":1,"v":1` + tail, kind: eodhd.KindTrade, trade: "ABCDEFGHIJ 1 1 1784115290873  false"},

	{frame: `{"s":"AAPL","p":0.0000000000001,"v":1` + tail, kind: eodhd.KindPrecision},
	{frame: `{"s":"AAPL","p":1,"v":"9223372036854775808"` + tail, kind: eodhd.KindPrecision},
	{frame: `{"s":"AAPL","p":-1e40,"v":1` + tail, kind: eodhd.KindPrecision},
	{frame: `{"s":"AAPL","p":0.00000000000100,"v":9223372036854775807` + tail, kind: eodhd.KindTrade, trade: "AAPL 0.000000000001 9223372036854775807 1784115290873  false"},

	{frame: `{"s":"AAPL","p":0,"v":1` + tail, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":-0.0,"v":1` + tail, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":-5,"v":1` + tail, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":5,"v":"-1"` + tail, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":5,"v":1,"t":0}`, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":5,"v":1,"t":-1784115290873}`, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":5,"v":1,"t":1784115290873000000}`, kind: eodhd.KindInvalid},
	{frame: `{"s":"AAPL","p":5,"v":1,"t":1e30}`, kind: eodhd.KindInvalid},
}

func TestDecode(t *testing.T) {
	for _, c := range decodeCases {
		market := eodhd.US
		if c.crypto {
			market = eodhd.Crypto
		}
		d := eodhd.NewDecoder(market, fuzzSymbols)
		got := decode(t, d, []byte(c.frame))
		if got.kind != c.kind || got.kind == eodhd.KindTrade && shown(&got.trade) != c.trade {
			t.Errorf("%s\n is   %s %s\n want %s %s", c.frame, got.kind, shown(&got.trade), c.kind, c.trade)
		}
		if want := naiveDecode(market, fuzzSymbols, []byte(c.frame)); got != want {
			t.Errorf("%s\n is   %+v\n by encoding/json %+v", c.frame, got, want)
		}
	}
}

func shown(t *candle.Trade) string {
	return fmt.Sprintf("%s %s %s %d %s %v", t.Symbol, t.Price.Append(nil, 0), t.Size.Append(nil, 0), t.Time, t.Conditions, t.Dark)
}

func TestControl(t *testing.T) {
	d := eodhd.NewDecoder(eodhd.US, nil)
	for frame, want := range map[string]eodhd.Control{
		`{"status_code":422,"message":"Symbols limit reached"}`:       {Code: 422, Message: "Symbols limit reached"},
		`{"message":"a\n\ud83d\ude00\ud83d\u0041","status":"403"}`:    {Code: 403, Message: "a\n😀\ufffdA"},
		`{"message":5,"status_code":null,"status":500}`:               {Code: 500},
		`{"status":200,"status_code":500,"message":"` + "\xff" + `"}`: {Code: 500, Message: "\ufffd"},
	} {
		if got := decode(t, d, []byte(frame)); got != (decoded{kind: eodhd.KindControl, control: want}) {
			t.Errorf("%s is %+v, want %+v", frame, got, want)
		}
	}
}

// Nesting is bounded, and no depth takes more stack or time than its length.
func TestDepth(t *testing.T) {
	d := eodhd.NewDecoder(eodhd.US, nil)
	nest := func(n int) []byte {
		return []byte(`{"x":` + strings.Repeat(`[`, n-1) + strings.Repeat(`]`, n-1) + `}`)
	}
	for n, want := range map[int]eodhd.Kind{1: eodhd.KindGarbage, 2: eodhd.KindUnknown, 512: eodhd.KindUnknown,
		513: eodhd.KindGarbage, 1 << 20: eodhd.KindGarbage} {
		if got, _ := d.Decode(nest(n), nil); got != want {
			t.Errorf("%d deep is %s, want %s", n, got, want)
		}
	}
}

// The texts of conditions are kept up to a bound. Beyond it they are made anew,
// and are no less right.
func TestManyConditions(t *testing.T) {
	d := eodhd.NewDecoder(eodhd.US, []string{"AAPL"})
	for round := range 2 {
		for i := range 5000 {
			frame := fmt.Sprintf(`{"s":"AAPL","p":1,"v":1,"c":[%d,%d],"t":1}`, i, i*i)
			if got, want := decode(t, d, []byte(frame)).trade.Conditions, fmt.Sprintf("%d|%d|", i, i*i); got != want {
				t.Fatalf("round %d: %s has conditions %s", round, frame, got)
			}
		}
	}
	for n, want := range map[int]eodhd.Kind{85: eodhd.KindTrade, 86: eodhd.KindUnreadable} { // three characters each
		frame := `{"s":"AAPL","p":1,"v":1,"t":1,"c":[` + strings.Repeat("14,", n-1) + `14]}`
		if got := decode(t, d, []byte(frame)).kind; got != want {
			t.Errorf("%d conditions: %s, want %s", n, got, want)
		}
	}
}

// No frame of data allocates once its conditions have been seen, nor does garbage.
func TestNoAllocations(t *testing.T) {
	for _, c := range decodeCases {
		market := eodhd.US
		if c.crypto {
			market = eodhd.Crypto
		}
		if c.kind == eodhd.KindControl {
			continue
		}
		d := eodhd.NewDecoder(market, fuzzSymbols)
		var trade candle.Trade
		frame := []byte(c.frame)
		if n := testing.AllocsPerRun(10, func() { d.Decode(frame, &trade) }); n != 0 {
			t.Errorf("%s takes %v allocations", c.frame, n)
		}
	}
}

// The strings of a trade are the ones that were subscribed, not parts of a frame.
func TestKnow(t *testing.T) {
	d := eodhd.NewDecoder(eodhd.US, []string{"QLD", "", "QLD"})
	frame := []byte(`{"s":"SPY","p":1,"v":1,"c":[1],"t":1}`)
	if got := decode(t, d, frame).kind; got != eodhd.KindUnsubscribed {
		t.Errorf("before Know: %s", got)
	}
	var many []string
	for i := range 11_000 {
		many = append(many, fmt.Sprintf("S%05d", i))
	}
	d.Know(append(many, "SPY"))
	got := decode(t, d, frame)
	clear(frame)
	if got.kind != eodhd.KindTrade || got.trade.Symbol != "SPY" || got.trade.Conditions != "1|" {
		t.Errorf("after Know: %+v", got)
	}
	for _, s := range append(many, "QLD") {
		if got := decode(t, d, []byte(`{"s":"`+s+`","p":1,"v":1,"t":1}`)); got.trade.Symbol != s {
			t.Fatalf("%s: %+v", s, got)
		}
	}
}

func TestKindString(t *testing.T) {
	seen := map[string]bool{}
	for k := range eodhd.KindCount {
		seen[k.String()] = true
	}
	if len(seen) != int(eodhd.KindCount) || eodhd.KindTrade.String() != "trade" || eodhd.Kind(200).String() != "none" {
		t.Errorf("the kinds are called %v", seen)
	}
}
