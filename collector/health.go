package collector

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
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

// A symbol that nobody trades for long is no fault of the connection, and said once an hour:
// feeds have starved one for days.
const (
	starved     = 30 * time.Minute // event time
	starvedTold = time.Hour
	starvedMost = 1000 // symbols; of more it is not kept, for what it costs
)

// silences is when each symbol traded last while a session runs. It is the keeper's.
type silences struct {
	last map[string]int64 // event time; nil: not kept
	told int64
}

// begin starts the account at the open of a session, or at the start in it.
func (q *silences) begin(symbols []string, now int64) {
	q.last, q.told = nil, now
	if len(symbols) > starvedMost {
		return
	}
	q.last = make(map[string]int64, len(symbols))
	for _, name := range symbols {
		q.last[name] = now
	}
}

// tell names the symbols that have not traded for long, once an hour, in regular hours.
func (q *silences) tell(k *keeper, s ledger.Session, now int64) {
	from, regular := regularFrom(s, now)
	if q.last == nil || !regular || now-q.told < starvedTold.Milliseconds() {
		return
	}
	var silent []string
	for name, last := range q.last {
		if now-max(last, from) >= starved.Milliseconds() {
			silent = append(silent, name)
		}
	}
	if len(silent) == 0 {
		return
	}
	q.told = now
	slices.Sort(silent)
	names := strings.Join(silent[:min(len(silent), 10)], ",")
	k.r.log.Info(fmt.Sprintf("No trade for %s or longer: %s (%d of %d symbols); the connection lives", schedule.Span(starved), names, len(silent), len(q.last)))
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
	if k.current != nil && k.up > 0 {
		k.silent.tell(k, k.current.s, now)
	}
	*h = health{since: now, last: h.last}
}
