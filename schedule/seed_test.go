package schedule_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// seeded is a source of randomness whose seed is printed when the test fails.
// TAPEDECK_TEST_SEED=n repeats a run.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TAPEDECK_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TAPEDECK_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("TAPEDECK_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// fewer is n, or with -short a tenth of it.
func fewer(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}
