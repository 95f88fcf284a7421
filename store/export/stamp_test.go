package export_test

import (
	"math"
	"testing"
	"time"

	"tapedeck/store/export"
)

// The layouts of the contract, written by the standard library.
const (
	layoutSeconds = "2006-01-02T15:04:05Z"
	layoutMillis  = "2006-01-02T15:04:05.000Z"
)

func checkStamp(t *testing.T, s *export.Stamp, at int64) {
	t.Helper()
	want := time.UnixMilli(at).UTC()
	if got := string(s.Seconds(nil, at)); got != want.Format(layoutSeconds) {
		t.Fatalf("%d is %s in seconds, want %s", at, got, want.Format(layoutSeconds))
	}
	if got := string(s.Millis(nil, at)); got != want.Format(layoutMillis) {
		t.Fatalf("%d is %s, want %s", at, got, want.Format(layoutMillis))
	}
}

// A stamp says what time.Format says, whatever it said before: at the edges of
// seconds, days and years, of the years that RFC 3339 has and of int64.
func TestStamp(t *testing.T) {
	edges := []int64{0, math.MinInt64, math.MaxInt64}
	for _, year := range []int{-1, 0, 1, 1582, 1900, 1969, 1970, 1999, 2000, 2024, 2026, 2100, 9999, 10_000} {
		for _, month := range []time.Month{1, 2, 3, 12} {
			edges = append(edges, time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
		}
		edges = append(edges, time.Date(year, 11, 20, 14, 30, 0, 0, time.UTC).UnixMilli())
	}
	var s export.Stamp
	for _, edge := range edges {
		for _, d := range []int64{0, 1, 9, 10, 99, 100, 999, 1000, 1001, 59_999, 60_000, 3_600_000, 86_399_999, 86_400_000} {
			for _, at := range []int64{edge + d, edge - d} { // also where that wraps
				checkStamp(t, &s, at)
				var fresh export.Stamp
				checkStamp(t, &fresh, at)
			}
		}
	}
	r := seeded(t)
	at := int64(0)
	for range 200_000 {
		switch r.IntN(20) {
		case 0:
			at = r.Int64N(253402300800000+62167219200000) - 62167219200000
		case 1:
			at += r.Int64N(400_000_000) - 200_000_000
		default:
			at += r.Int64N(4000) - 500
		}
		checkStamp(t, &s, at)
	}
}

func FuzzStamp(f *testing.F) {
	f.Add(int64(0), int64(-1))
	f.Add(int64(1763649000123), int64(1763649000999))
	f.Add(int64(253402300799999), int64(253402300800000))
	f.Fuzz(func(t *testing.T, before, at int64) {
		var s export.Stamp
		checkStamp(t, &s, before)
		checkStamp(t, &s, at)
		checkStamp(t, &s, before)
	})
}
