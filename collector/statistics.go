package collector

import (
	"fmt"
	"slices"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// When a candle of a second shows as closed: what comes for it afterwards is late. By the
// greatest time that the connection has brought, or by our clock (design, "Rules of the
// data", Late).
const (
	closedByFeed  = 2_000  // ms
	closedByClock = 15_000 // ms
)

// Beyond these the clocks differ, and it is said once an hour.
const (
	skewLeast = -time.Second
	skewMost  = 30 * time.Second
	skewTold  = time.Hour
	skewLags  = 1000 // of a minute, for its median
)

// statistics is what is counted of a session's trades, until it is handed over.
type statistics struct {
	lags      ledger.Lags
	lagMost   int64
	lagSum    int64 // ms, of those that the recorder has not been told
	late      int64
	lateWorst int64
	silence   int64
	uptime    int64
	any       bool

	minute int64 // that lagsOf are of
	lagsOf []int64
	skews  []int64 // medians of minutes
}

// signs is what the keeper knows of the connection that lives: the greatest time that it
// brought, and when it gave its last sign of life. Event time; 0 is none.
type signs struct {
	greatest, last int64
}

// note counts a trade that is no suspected echo.
func (n *statistics) note(t *candle.Trade, live *signs) {
	n.any = true
	lag := t.Received - t.Time
	n.lags.Add(lag)
	n.lagSum += max(lag, 0) // as they are counted
	n.lagMost = max(n.lagMost, lag)
	if end := t.Time/1000*1000 + 1000; live.greatest >= end+closedByFeed || t.Received >= end+closedByClock {
		n.late++
		n.lateWorst = max(n.lateWorst, t.Received-end)
	}
	if minute := t.Received / 60_000; minute != n.minute {
		n.endMinute()
		n.minute = minute
	}
	if len(n.lagsOf) < skewLags {
		n.lagsOf = append(n.lagsOf, lag)
	}
}

// endMinute keeps the median of the minute's lags.
func (n *statistics) endMinute() {
	if len(n.lagsOf) == 0 {
		return
	}
	slices.Sort(n.lagsOf)
	n.skews = append(n.skews, n.lagsOf[len(n.lagsOf)/2])
	n.lagsOf = n.lagsOf[:0]
}

// sign notes a sign of life at now.
func (k *keeper) sign(now int64) {
	if k.live.last > 0 && k.current != nil {
		k.current.stats.silence = max(k.current.stats.silence, now-k.live.last)
		k.current.stats.any = true
	}
	k.live.last = now
}

// countLog counts what was logged since the last time.
func (k *keeper) countLog(a *account) {
	if k.r.o.Logged == nil {
		return
	}
	written, folded := k.r.o.Logged()
	if n := written - k.written; n > 0 {
		a.counts.Add(ledger.LogWritten, n)
	}
	if n := folded - k.folded; n > 0 {
		a.counts.Add(ledger.LogFolded, n)
	}
	k.written, k.folded = written, folded
}

// stayUp counts the time that the connection has lived until now.
func (k *keeper) stayUp(now int64) {
	if k.up > 0 && now > k.up && k.current != nil {
		k.current.stats.uptime += now - k.up // which alone is no reason for a commit
		k.up = now
	}
}

// addTo hands over what was counted.
func (n *statistics) addTo(c ledger.Counts) {
	if !n.any {
		return
	}
	n.lags.AddTo(c)
	c.Add(ledger.LagMost, n.lagMost)
	c.Add(ledger.LongestSilence, n.silence)
	if n.late > 0 {
		c.Add(ledger.Late, n.late)
		c.Add(ledger.LateWorst, n.lateWorst)
	}
	for _, skew := range n.skews {
		c.Add(ledger.SkewLeast, skew)
		c.Add(ledger.SkewMost, skew)
	}
	n.late, n.skews, n.any = 0, n.skews[:0], false
}

// warnOfSkew says, once an hour, that the clocks of this machine and of the feed differ.
func (k *keeper) warnOfSkew(a *account) {
	for _, ms := range a.stats.skews {
		skew := time.Duration(ms) * time.Millisecond
		if skew >= skewLeast && skew <= skewMost || wall().Sub(k.skewTold) < skewTold || !k.stated {
			continue
		}
		k.skewTold = wall()
		k.r.log.Warn(fmt.Sprintf("The clocks differ: half of the trades of a minute arrived %s or more after their time; is the clock of this machine right?", skew))
	}
}
