package schedule_test

import (
	"testing"
	"time"

	"tapedeck/schedule"
)

// The offset is that of New York whatever the zone of the machine is.
func TestNewYork(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-15T12:00:00Z": "2026-01-15T07:00:00-05:00",
		"2026-07-15T12:00:00Z": "2026-07-15T08:00:00-04:00",
	} {
		if got := utc(t, text).In(schedule.NewYork()).Format(time.RFC3339); got != want {
			t.Errorf("%s is %s in New York, want %s", text, got, want)
		}
	}
}
