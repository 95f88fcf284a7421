package schedule

import (
	"time"

	"tapedeck/collector/ledger"
)

// EveryDay is the plan that never closes: one session each UTC day, touching its
// neighbours. It is that of crypto, and of whatever is recorded regardless of market
// hours. The zero value is ready.
type EveryDay struct{}

// Next is the UTC day that contains t, which may be in any time zone. Whether the
// feed states its clock the plan does not know: Stated is false, for the caller to
// set.
func (EveryDay) Next(t time.Time) ledger.Session { return ledger.Day(t.UnixMilli()) }

// Status is that it is open.
func (EveryDay) Status(time.Time) string { return "OPEN (always)" }

// Ahead is nothing: no day is unlike the others.
func (EveryDay) Ahead(time.Time) string { return "" }
