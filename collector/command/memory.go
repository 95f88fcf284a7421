package command

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Of a container's memory the rest is for what the runtime does not count: the mapped pages
// of the file, the binary, the stacks of the kernel. Of a machine's it is for its others.
const (
	partOfContainer = 0.8
	partOfMachine   = 0.5
)

// memoryLimit tells Go's collector how much memory there is, so that it works harder before
// the kernel kills the process, and says in words what holds. Only what lives long needs it.
// A GOMEMLIMIT that is set is left alone, and nothing here is fatal.
func memoryLimit() (words string) {
	limit, words := chooseLimit(os.Getenv("GOMEMLIMIT"), memlimit.FromCgroup, memlimit.FromSystem)
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	return words
}

// chooseLimit is the limit to set, 0 is none, and why. A container's limit that is more than
// the machine has is none.
func chooseLimit(given string, container, machine memlimit.Provider) (limit int64, words string) {
	if given != "" {
		return 0, "limit " + given + ", as GOMEMLIMIT says"
	}
	has, err := machine()
	if err != nil || has == 0 || has > math.MaxInt64 {
		has = 0 // not known
	}
	limits, failed := container()
	switch {
	case failed == nil && limits > 0 && limits <= math.MaxInt64 && (has == 0 || limits <= has):
		return part(limits, partOfContainer, "of the container's")
	case has > 0:
		return part(has, partOfMachine, "of the machine's")
	case failed != nil:
		return 0, fmt.Sprintf("no limit: neither the container's memory nor the machine's is known: %v", failed)
	}
	return 0, "no limit: neither the container's memory nor the machine's is known"
}

func part(of uint64, ratio float64, whose string) (int64, string) {
	limit := int64(ratio * float64(of))
	return limit, fmt.Sprintf("limit %s, %.0f %% %s %s", megabytes(limit), 100*ratio, whose, megabytes(int64(of)))
}
