package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tapedeck/collector/candle"
)

// absurd makes a trade of anything that a trade may hold.
func absurd(rng *rand.Rand) candle.Trade {
	t := candle.Trade{Time: rng.Int64() - rng.Int64(), Received: rng.Int64() - rng.Int64(), Dark: rng.IntN(2) == 0,
		Price: candle.Decimal{Units: rng.Int64()>>rng.IntN(63) | 1, Scale: uint8(rng.IntN(13))},
		Size:  candle.Decimal{Units: rng.Int64() >> rng.IntN(63), Scale: uint8(rng.IntN(13))}}
	switch rng.IntN(10) {
	case 0:
		t.Conditions = strings.Repeat("9|", rng.IntN(conditionsLimit/2+1))
	case 1:
		t.Conditions = fmt.Sprint(rng.IntN(100), "|")
	}
	return t
}

// TestRecord: what is written comes back, a record stays within its limit, and a writer
// used before writes the same bytes as a new one.
func TestRecord(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var used recordWriter
	var r recordReader
	for range 200 {
		var fresh recordWriter
		used.reset(used.rows)
		var want []candle.Trade
		var ids []uint32
		for {
			trade := absurd(rng)
			if !fresh.fits(&trade) {
				break
			}
			id := rng.Uint32() >> rng.IntN(32)
			fresh.add(id, &trade)
			used.add(id, &trade)
			want, ids = append(want, trade), append(ids, id)
		}
		body := fresh.appendTo(nil)
		if len(body)+checksumSize > recordLimit || !slices.Equal(body, used.appendTo(nil)) {
			t.Fatalf("a record of %d bytes, or not the same twice", len(body))
		}
		if err := r.reset(body); err != nil {
			t.Fatal(err)
		}
		var got candle.Trade
		for i := range want {
			if id, ok := r.next(&got); !ok || id != ids[i] || got != want[i] {
				t.Fatalf("row %d is %+v of %d, want %+v of %d", i, got, id, want[i], ids[i])
			}
		}
		if _, ok := r.next(&got); ok || r.bad {
			t.Fatal("the record does not end with its last row")
		}
	}
}

func FuzzRecord(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	var w recordWriter
	for range 20 {
		trade := absurd(rng)
		w.add(7, &trade)
	}
	f.Add(w.appendTo(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r recordReader
		if r.reset(body) != nil {
			return
		}
		var trade candle.Trade
		for _, ok := r.next(&trade); ok; _, ok = r.next(&trade) {
		}
	})
}
