package collector

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/ledger"
)

var seed = flag.Uint64("seed", 0, "of the random scripts; 0 takes a new one")

// TestCoverageLaw records random connections, and asks of every second that the
// ledger calls heard: was some connection subscribed before it began, and did
// something come on it afterwards that vouches for all of it?
func TestCoverageLaw(t *testing.T) {
	begin := *seed
	if begin == 0 {
		begin = rand.Uint64()
	}
	for i := range uint64(60) {
		synctest.Test(t, func(t *testing.T) { coverageLaw(t, begin+i) })
		if t.Failed() {
			t.Fatalf("the seed is %d", begin+i)
		}
	}
}

func coverageLaw(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 1))
	s := session(100, 900)
	o := usual()
	o.Symbols = []string{"A", "B", "C", "D"}
	var all []*fakeConn
	f, tape := &fakeFeed{errs: map[int]error{}}, newTape()
	now := 40.0
	for n := 0; now < 960; n++ {
		if dice.IntN(5) == 0 {
			f.errs[n] = refusedErr([]string{"server", "slots", "key"}[dice.IntN(3)])
			now += 5
			continue
		}
		c := &fakeConn{delay: time.Duration(1+dice.IntN(3000)) * time.Millisecond, mute: dice.IntN(4) == 0}
		for range dice.IntN(40) {
			now += dice.ExpFloat64() * []float64{0.1, 3, 20}[dice.IntN(3)]
			lag := dice.Float64()
			if dice.IntN(5) == 0 {
				lag = dice.Float64() * 60
			}
			c.script = append(c.script, trade(o.Symbols[dice.IntN(2+dice.IntN(3))], now, lag))
		}
		c.script = append(c.script, frame{at: at(now + dice.Float64()), err: errors.New("cut")})
		now += 2
		f.conns, all = append(f.conns, c), append(all, c)
	}
	record(t, f, tape, planOf{s}, o, 100+dice.Float64()*900)

	for _, symbol := range o.Symbols {
		line := ledger.NewTimeline(s, tape.spans(s), symbol, ledger.Shutdown)
		for from := s.Open; from < s.Close; from += 1000 {
			state, cause := line.State(from, from+1000, false)
			if (state == ledger.Quiet) != vouched(all, from, symbol) {
				t.Errorf("%s, second %d: %s %s", symbol, (from-base)/1000, state, cause)
			}
			if state == ledger.Down && (cause == ledger.NotSubscribed) {
				t.Errorf("%s, second %d: %s", symbol, (from-base)/1000, cause)
			}
		}
	}
	if t.Failed() {
		for _, p := range tape.spans(s) {
			t.Log(say(p))
		}
		for _, c := range all {
			if c.subscribed == 0 {
				continue
			}
			text := fmt.Sprintf("subscribed %d, pongs %v:", c.subscribed-base, c.pongs)
			for _, r := range c.read {
				text += fmt.Sprintf(" %s@%d(%d)", r.trade.Symbol, r.at-base, r.trade.Time-base)
			}
			t.Log(text)
		}
	}
}

// vouched says it from what the connections did, without the recorder's code.
func vouched(conns []*fakeConn, from int64, symbol string) bool {
	for _, c := range conns {
		if c.subscribed == 0 || c.subscribed > from {
			continue
		}
		begin, until := int64(1)<<60, int64(0)
		if len(c.pongs) > 0 {
			begin, until = c.pongs[0], c.pongs[len(c.pongs)-1]-10_000
		}
		var heard []string
		var first, stamped int64
		for _, r := range c.read {
			arrival := max(r.at, c.subscribed)
			begin = min(begin, arrival)
			if slices.Contains(heard, r.trade.Symbol) {
				until = max(until, min(r.trade.Time, arrival))
				continue
			}
			heard = append(heard, r.trade.Symbol)
			if r.trade.Symbol == symbol {
				first, stamped = arrival, r.trade.Time
			}
		}
		if first == 0 {
			continue
		}
		if first-begin > 60_000 {
			if stamped < begin {
				stamped = first
			}
			begin = min(first, stamped)
		}
		if begin <= from && from+1000 <= until {
			return true
		}
	}
	return false
}
