package command

import (
	"fmt"
	"slices"
	"testing"

	"tapedeck/collector/ledger"
)

// Runs of down and partial seconds of one cause are one gap of a symbol, and symbols that
// have the same are named once.
func TestMergeGaps(t *testing.T) {
	run := func(from, until int64, state ledger.State, cause ledger.Cause, symbols ...string) sharedRun {
		return sharedRun{ledger.Run{From: from * 1000, Until: until * 1000, State: state, Cause: cause}, symbols}
	}
	got := mergeGaps(ledger.Session{}, []sharedRun{
		run(0, 9, ledger.Quiet, "", "A", "B", "C"),
		run(9, 10, ledger.Partial, ledger.Drop, "A"),
		run(9, 13, ledger.Down, ledger.Drop, "B"),
		run(10, 13, ledger.Down, ledger.Drop, "A"),
		run(11, 12, ledger.Partial, ledger.Unheard, "C"),
		run(13, 15, ledger.Down, ledger.Mute, "A", "B"),
		run(20, 21, ledger.Partial, ledger.Mute, "B"),
		run(20, 22, ledger.Down, ledger.Mute, "A"),
	})
	var words []string
	for _, g := range got {
		words = append(words, fmt.Sprintf("%d-%d %s %s %v", g.From/1000, g.Until/1000, g.State, g.Cause, g.symbols))
	}
	want := []string{"9-13 down drop [A B]", "11-12 partial unheard [C]", "13-15 down mute [A B]", "20-21 partial mute [B]", "20-22 down mute [A]"}
	if !slices.Equal(words, want) {
		t.Errorf("gaps %q, want %q", words, want)
	}
}
