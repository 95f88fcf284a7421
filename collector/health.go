package collector

import (
	"fmt"
	"strings"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/schedule"
)

// health is what was heard in a minute, for the one line that says what is normal. It is
// the keeper's.
type health struct {
	since   int64 // event time at which the minute began; 0: nobody is connected
	trades  int64
	seconds int64 // with a trade of any symbol
	last    int64 // the last of them
	songs   int64 // signs of the canary
}

// note counts a fresh trade.
func (h *health) note(t *candle.Trade) {
	h.trades++
	if second := t.Time / 1000; second > h.last {
		h.last = second
		h.seconds++
	}
}

// beat logs the minute that is over, while somebody is connected.
func (k *keeper) beat(now int64) {
	h := &k.health
	if h.since == 0 || now-h.since < 60_000 {
		return
	}
	length := now - h.since
	quiet := 100 - 100*float64(min(h.seconds*1000, length))/float64(length)
	names := k.r.o.Symbols
	what := strings.Join(names[:min(len(names), 3)], ",")
	if len(names) > 3 {
		what = fmt.Sprintf("%s ... (%d)", what, len(names))
	}
	line := fmt.Sprintf("%s %d trades in %s, %.0f %% quiet", what, h.trades, schedule.Span(time.Duration(length)*time.Millisecond), quiet)
	if k.r.o.Canary != "" {
		line += fmt.Sprintf("; canary %s %.1f/s", k.r.o.Canary, float64(h.songs)*1000/float64(length))
	}
	k.r.log.Info(line)
	*h = health{since: now, last: h.last}
}
