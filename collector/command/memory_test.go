package command

import (
	"errors"
	"math"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestMemoryLimit(t *testing.T) {
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	broken := func() (uint64, error) { return 0, errors.New("no such mount") }
	for _, c := range []struct {
		name, given        string
		container, machine memlimit.Provider
		limit              int64
		words              string
	}{
		{"a container", "", memlimit.Limit(512e6), memlimit.Limit(8e9), 409_600_000, "limit 409.6 MB, 80 % of the container's 512.0 MB"},
		{"a container on a machine that does not say", "", memlimit.Limit(512e6), none, 409_600_000, "limit 409.6 MB, 80 % of the container's 512.0 MB"},
		{"no container", "", none, memlimit.Limit(1e9), 500_000_000, "limit 500.0 MB, 50 % of the machine's 1000.0 MB"},
		{"a container that cannot be read", "", broken, memlimit.Limit(1e9), 500_000_000, "limit 500.0 MB, 50 % of the machine's 1000.0 MB"},
		{"a limit beyond the machine", "", memlimit.Limit(1e15), memlimit.Limit(1e9), 500_000_000, "limit 500.0 MB, 50 % of the machine's 1000.0 MB"},
		{"a limit beyond all numbers", "", memlimit.Limit(math.MaxUint64), none, 0, "no limit: neither the container's memory nor the machine's is known"},
		{"nothing known", "", broken, none, 0, "no limit: neither the container's memory nor the machine's is known: no such mount"},
		{"the person's own", "300MiB", memlimit.Limit(512e6), memlimit.Limit(8e9), 0, "limit 300MiB, as GOMEMLIMIT says"},
	} {
		if limit, words := chooseLimit(c.given, c.container, c.machine); limit != c.limit || words != c.words {
			t.Errorf("%s: %d %q, want %d %q", c.name, limit, words, c.limit, c.words)
		}
	}
}
