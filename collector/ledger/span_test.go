package ledger_test

import (
	"slices"
	"testing"

	"tapedeck/collector/ledger"
)

func TestSymbols(t *testing.T) {
	names := []string{"SPY", "QLD", "SPY", "AAPL"}
	set := ledger.NewSymbols(names...)
	if want := []string{"AAPL", "QLD", "SPY"}; !slices.Equal(set.Names(), want) || set.Len() != 3 {
		t.Errorf("%v of %d, want %v", set.Names(), set.Len(), want)
	}
	if !slices.Equal(names, []string{"SPY", "QLD", "SPY", "AAPL"}) {
		t.Errorf("the caller's names were changed: %v", names)
	}
	names[1] = "TQQQ"
	for name, want := range map[string]bool{"QLD": true, "SPY": true, "TQQQ": false, "": false, "QL": false, "qld": false} {
		if set.Has(name) != want {
			t.Errorf("Has(%q) = %v", name, !want)
		}
	}
	for _, none := range []*ledger.Symbols{nil, ledger.NewSymbols()} {
		if none.Has("") || none.Has("QLD") || none.Len() != 0 || len(none.Names()) != 0 {
			t.Errorf("an empty set has %v", none.Names())
		}
	}
}

// A clipped span is what of it lies in the session, and there is none when nothing does.
func TestSpanClip(t *testing.T) {
	r := seeded(t)
	for range 2000 {
		n := randomNotebook(r)
		p := randomSpan(r, n.session)
		got, ok := p.Clip(n.session)
		inside := 0
		for at := n.session.Open - 5000; at < n.session.Close+20_000; at += step {
			both := n.session.Contains(at) && p.From <= at && at < p.Until
			if both {
				inside++
			}
			if ok && both != (got.From <= at && at < got.Until) {
				t.Fatalf("%s\n%+v is clipped to %+v: wrong at %d", n, p, got, at)
			}
		}
		if ok != (inside > 0) {
			t.Fatalf("%s\n%+v is clipped to %+v, %v", n, p, got, ok)
		}
		if got.Symbols != p.Symbols || got.Cause != p.Cause {
			t.Fatalf("clipping %+v changed more than its edges: %+v", p, got)
		}
	}
}
