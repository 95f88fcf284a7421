package playback_test

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

var wholeSession = ledger.Session{Hours: ledger.Regular, Open: friday, Close: friday + 23_400_000}

// print is a frame of the simulator as a client sees it.
type print struct {
	S string
	P json.Number
	C []int
	V int64
	D bool   `json:"dp"`
	M string `json:"ms"`
	T int64
}

func digest(t testing.TB, o playback.MarketOptions) uint64 {
	sum := fnv.New64a()
	for e, err := range playback.NewMarket(o).Events() {
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(strconv.AppendInt(nil, e.Due, 10))
		sum.Write(e.Frame)
	}
	return sum.Sum64()
}

// Equal options give equal frames, also of a second pass; another seed gives
// others. TestMarketGolden holds them to the byte over versions of this package.
func TestMarketIsDeterministic(t *testing.T) {
	o := playback.MarketOptions{Seed: 7, Session: morning, Count: 20, Rate: 50, Days: 2}
	m := playback.NewMarket(o)
	first, second := events(t, m), events(t, m)
	if !slices.EqualFunc(first, second, func(a, b playback.Event) bool {
		return a.Due == b.Due && a.Time == b.Time && a.Symbol == b.Symbol && bytes.Equal(a.Frame, b.Frame)
	}) {
		t.Error("two passes differ")
	}
	if a, b := digest(t, o), digest(t, o); a != b {
		t.Error("two markets differ")
	}
	other := o
	other.Seed = 8
	if digest(t, o) == digest(t, other) {
		t.Error("the seed is not used")
	}
}

func TestMarketGolden(t *testing.T) {
	m := playback.NewMarket(playback.MarketOptions{Seed: 1, Session: morning, Symbols: []string{"QLD", "SPY"}, Rate: 5})
	var got []string
	for e := range m.Events() {
		if got = append(got, string(e.Frame)); len(got) == 3 {
			break
		}
	}
	before, _ := m.Before("SPY")
	got = append(got, string(before))
	expect(t, "frames", got, golden...)
}

// golden is a change detector: a new one is fine where frames were to change.
var golden = []string{
	`{"s":"SPY","p":99.43,"c":[12,37],"v":15,"dp":false,"ms":"extended-hours","t":1795184911388}`,
	`{"s":"QLD","p":150.77,"c":[12,37],"v":22,"dp":false,"ms":"extended-hours","t":1795184915105}`,
	`{"s":"QLD","p":150.77,"c":[12],"v":12100,"dp":false,"ms":"extended-hours","t":1795184916850}`,
	`{"s":"SPY","p":99.44,"c":[],"v":100,"dp":false,"ms":"open","t":1795121997919}`,
}

// The market is what its options and its description say.
func TestMarketStatistics(t *testing.T) {
	m := playback.NewMarket(playback.MarketOptions{Seed: 3, Session: wholeSession, Count: 40, Rate: 8})
	var (
		due                                        = m.Begin()
		inSession, late, odd, dark, subPenny, ints int
		equal, unordered, extended, before, after  int
		bySymbol                                   = map[string]int{}
		hours                                      [13]int // half hours
		afterClose                                 = map[string]bool{}
		low, high                                  = map[string]float64{}, map[string]float64{}
		conditions                                 = map[string]int{}
		last                                       []byte
		lastTime                                   int64
		n                                          int
	)
	for e, err := range m.Events() {
		if err != nil {
			t.Fatal(err)
		}
		var p print
		d := json.NewDecoder(bytes.NewReader(e.Frame))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			t.Fatalf("%s: %v", e.Frame, err)
		}
		if e.Due < due || e.Time > e.Due || e.Due-e.Time > 60_000 || p.T != e.Time || p.S != e.Symbol {
			t.Fatalf("due %d after %d, t %d: %s", e.Due, due, e.Time, e.Frame)
		}
		price, err := p.P.Float64()
		if err != nil || price <= 0 || p.V <= 0 {
			t.Fatalf("%s: %v", e.Frame, err)
		}
		digits := p.P.String()
		whole, part, point := strings.Cut(digits, ".")
		if strings.HasSuffix(part, "0") || point && part == "" || len(part) > 4 || whole == "" {
			t.Fatalf("price %s", digits)
		}
		due = e.Due
		n++
		if bytes.Equal(e.Frame, last) {
			equal++
		}
		last = append(last[:0], e.Frame...)
		if e.Time < lastTime {
			unordered++
		}
		lastTime = e.Time
		if p.M == "extended-hours" {
			extended++
		}
		if low[p.S] == 0 {
			low[p.S] = price
		}
		low[p.S], high[p.S] = min(low[p.S], price), max(high[p.S], price)
		if e.Time >= wholeSession.Close {
			after++
			if e.Due < wholeSession.Close+20_500 {
				afterClose[p.S] = true
			}
			continue
		}
		if e.Time < wholeSession.Open {
			before++
			continue
		}
		inSession++
		bySymbol[p.S]++
		hours[(e.Time-wholeSession.Open)/1_800_000]++
		conditions[strings.Trim(string(mustJSON(p.C)), "[]")]++
		if e.Due-e.Time > 100 {
			late++
		}
		if p.V < 100 {
			odd++
		}
		if p.D {
			dark++
		}
		if len(part) > 2 {
			subPenny++
		}
		if !point {
			ints++
		}
	}
	share := func(what string, count, of int, low, high float64) {
		t.Helper()
		if got := float64(count) / float64(of); got < low || got > high {
			t.Errorf("%s: %.4f of %d, want %g to %g", what, got, of, low, high)
		}
	}
	share("trades against the rate", inSession, 8*23_400, 0.98, 1.02)
	share("late", late, inSession, 0.02, 0.03)
	share("odd lots", odd, inSession, 0.55, 0.75)
	share("dark", dark, inSession, 0.03, 0.1)
	share("sub-penny", subPenny, inSession, 0.02, 0.1)
	share("whole dollars", ints, inSession, 0.002, 0.05)
	share("equal neighbours", equal, n, 0.02, 0.05)
	share("out of order", unordered, n, 0.02, 0.5)
	share("the busiest", bySymbol["S00001"], inSession, 0.15, 0.4)
	share("a quiet one", bySymbol["S00040"], inSession, 0.00001, 0.001)
	share("noon against the open", hours[6], hours[0], 0.2, 0.6)
	share("noon against the close", hours[6], hours[12], 0.2, 0.7)
	if before == 0 || after < 40 || extended < 40 {
		t.Errorf("%d before the open, %d after the close, %d extended", before, after, extended)
	}
	if len(afterClose) != 40 {
		t.Errorf("only %d symbols have a print after the close", len(afterClose))
	}
	for symbol := range low {
		if high[symbol]/low[symbol] > 1.6 {
			t.Errorf("%s went from %g to %g", symbol, low[symbol], high[symbol])
		}
	}
	for _, c := range []string{"14,37,41", "37", "", "14,41", "41"} {
		if conditions[c] < inSession/50 {
			t.Errorf("conditions [%s]: %d", c, conditions[c])
		}
	}
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Days go on with the next weekdays, over a change of the clocks too, and the due
// times never go back, not even where days touch.
func TestMarketDays(t *testing.T) {
	open := time.Date(2026, 10, 30, 13, 30, 0, 0, time.UTC).UnixMilli() // a Friday; summer time ends on the Sunday
	m := playback.NewMarket(playback.MarketOptions{Days: 3, Rate: 1, Count: 3,
		Session: ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 23_400_000}})
	var got []string
	for _, s := range m.Sessions() {
		got = append(got, time.UnixMilli(s.Open).UTC().Format(time.RFC3339))
	}
	expect(t, "opens", got, "2026-10-30T13:30:00Z", "2026-11-02T14:30:00Z", "2026-11-03T14:30:00Z")

	for _, first := range []ledger.Session{m.Sessions()[0], ledger.Day(open)} {
		m := playback.NewMarket(playback.MarketOptions{Days: 3, Rate: 1, Count: 3, Session: first})
		days := make([]int, 3)
		due := m.Begin()
		for e := range m.Events() {
			if e.Due < due || e.Due >= m.End() {
				t.Fatalf("due %d after %d", e.Due, due)
			}
			due = e.Due
			for i, s := range m.Sessions() {
				if s.Contains(e.Time) {
					days[i]++
				}
			}
		}
		for _, n := range days {
			if expected := float64(first.Seconds()); float64(n) < 0.95*expected || float64(n) > 1.05*expected {
				t.Errorf("trades of the days: %v, want about %g", days, expected)
			}
		}
	}
	before, _ := m.Before("S00001")
	if want := strconv.FormatInt(time.Date(2026, 10, 29, 19, 59, 50, 0, time.UTC).UnixMilli(), 10); !strings.Contains(string(before), want) {
		t.Errorf("before: %s", before)
	}
}

func BenchmarkMarket(b *testing.B) {
	for _, count := range []int{5, 11_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			b.ReportAllocs()
			m := playback.NewMarket(playback.MarketOptions{Session: wholeSession, Count: count, Rate: 100_000_000.0 / 23_400})
			b.ResetTimer()
			n := 0
			for range m.Events() {
				if n++; n >= b.N {
					break
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
