package schedule

import (
	"time"
	_ "time/tzdata" // scratch images and bare machines have none
)

var newYork = loadNewYork()

// NewYork is New York's time zone, for the edges where a person reads: that of the
// machine's time zone data, or where there is none that of the program's own.
func NewYork() *time.Location { return newYork }

// loadNewYork cannot fail: what the machine has not, or has damaged, time/tzdata
// has. A plan without New York could only be wrong, so that it ends the program.
func loadNewYork() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic("schedule: load New York's time zone: " + err.Error())
	}
	return zone
}
