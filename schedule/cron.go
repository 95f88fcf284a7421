package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// errMoving refuses @every: it counts from whenever it is asked, so that no two looks
// would agree.
var errMoving = errors.New("@every is no time of day")

// parseCron reads five fields, such as 30 9 * * MON-FRI, before which CRON_TZ=Zone may
// stand; without it they are New York's, whatever the machine's zone is.
func parseCron(text string) (s cron.Schedule, err error) {
	text = strings.TrimSpace(text)
	defer func() {
		if p := recover(); p != nil { // such as CRON_TZ=UTC with nothing behind it
			err = fmt.Errorf("%q is no cron expression", text)
		}
	}()
	if s, err = cron.ParseStandard(text); err != nil {
		return nil, err
	}
	if _, ok := s.(*cron.SpecSchedule); !ok {
		return nil, errMoving
	}
	return s, nil
}

// windows are the stretches between an opening and the closing after it that end after
// from, in order; both expressions are asked from lookback before from, to find the
// opening that came before it. It stops where there are none any more.
func windows(open, close cron.Schedule, from time.Time, lookback time.Duration, yield func(open, close time.Time) bool) {
	from = from.In(newYork)
	at := from.Add(-lookback)
	for {
		o := open.Next(at)
		if !o.After(at) { // none in five years
			return
		}
		c := close.Next(o)
		if !c.After(o) {
			c = o.AddDate(5, 0, 0)
		}
		if c.After(from) && !yield(o, c) {
			return
		}
		at = c.Add(-1) // an opening at the very moment of the closing is one
	}
}
