package ledger_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"tapedeck/collector/ledger"
)

func TestCountsAdd(t *testing.T) {
	for name, want := range map[ledger.Count]int64{"late": 12, "late_ms_max": 7, "skew_ms_min": -3, "first_trade_ms_first": 5} {
		c := ledger.Counts{}
		for _, n := range []int64{5, 7, -3, 3} {
			c.Add(name, n)
		}
		if c[name] != want || name.Sums() != (name == "late") {
			t.Errorf("%s is %d, want %d", name, c[name], want)
		}
	}
}

// What is said of lags is never less than the truth, and at most 1.5 times it.
func TestLagQuantile(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	if _, ok := (ledger.Counts{"late": 3}).LagQuantile(0.5); ok {
		t.Error("a lag of nothing")
	}
	for range 200 {
		c := ledger.Counts{}
		var lags []int64
		var fast ledger.Lags
		for range 1 + r.IntN(500) {
			lag := int64(1)<<r.IntN(30) + r.Int64N(100) - 50
			lags = append(lags, max(lag, 0))
			c.Add(ledger.LagCount(lag), 1)
			fast.Add(lag)
		}
		same := ledger.Counts{}
		fast.AddTo(same)
		if !maps.Equal(same, c) || fast != (ledger.Lags{}) {
			t.Fatalf("counted in memory it is %v, want %v", same, c)
		}
		slices.Sort(lags)
		for _, q := range []float64{0.01, 0.5, 0.99, 1} {
			at := int(q*float64(len(lags))+0.999999) - 1
			want := lags[max(at, 0)]
			got, ok := c.LagQuantile(q)
			if !ok || got < want || got > want+want/2+1 {
				t.Fatalf("%.2f of %d lags is %d, want %d", q, len(lags), got, want)
			}
		}
	}
}
