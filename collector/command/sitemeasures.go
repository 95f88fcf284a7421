package command

import (
	"context"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// lagBounds are the upper bounds of the lags that metrics tell of, ms: those of the counts
// that they are made of.
var lagBounds = []int64{8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}

// measureWithin is how long the seconds of a session may be counted for a scrape.
const measureWithin = 3 * time.Second

// measures is what Prometheus is told. What cannot be read is left out.
func (s *site) measures() monitor.Measures {
	m := monitor.Measures{Version: version(), FileBytes: -1, ReclaimableBytes: -1, DiskFreeBytes: -1, DiskDaysLeft: -1, Covered: -1,
		Healthy: s.health().OK, EventClients: s.hub.Clients(), EventsDropped: s.hub.Dropped()}
	b := s.book()
	if all, err := b.Sessions(); err == nil {
		s.measureFile(&m, all)
	}
	if at, _, ok, err := b.LastBackup(); err == nil && ok {
		m.BackupTime = time.UnixMilli(at)
	}
	if feeds, headlines, err := s.feedsStanding(); err == nil {
		m.Feeds, m.Headlines = feeds, headlines
	}
	if s.live != nil {
		s.live.measure(&m)
	}
	return m
}

func (s *site) measureFile(m *monitor.Measures, all []store.Summary) {
	var of status
	if err := of.file(s.book()); err == nil {
		of.disk(s.file.Path(), all)
		m.FileBytes, m.ReclaimableBytes, m.DiskFreeBytes, m.DiskDaysLeft = of.File.Size, of.File.Reclaimable, of.Disk.Free, of.Disk.DaysLeft
	}
	if len(all) == 0 {
		return
	}
	last := all[len(all)-1]
	if s.live != nil {
		if now := s.live.now(); s.live.market(now).open && !last.Session.Contains(now.UnixMilli()) {
			return // of the session that runs nothing is on file yet
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), measureWithin)
	defer cancel()
	n, err := s.numbers.of(ctx, s.book(), last)
	if err != nil || n == nil {
		return
	}
	m.SymbolCount, m.Covered = n.count, n.covered
	if n.count == len(n.symbols) { // of more symbols they are not counted
		m.SessionSeconds = make(map[string]int64)
		for state, seconds := range tallyOf(n.symbols) {
			m.SessionSeconds[ledger.State(state).String()] = seconds
		}
	}
	m.Unsealed = s.file.Unsealed(last.Session)
	m.SymbolLast = make(map[string]time.Time)
	for name, t := range s.file.Latest(last.Session) {
		m.SymbolLast[name] = time.UnixMilli(t)
	}
}

// tallyOf are the seconds of some symbols by state.
func tallyOf(symbols []siteSymbol) (n ledger.Tally) {
	for _, l := range symbols {
		for state, seconds := range l.seconds {
			n[state] += seconds
		}
	}
	return n
}

// measure fills in what only a recorder knows.
func (l *live) measure(m *monitor.Measures) {
	m.Recording = true
	a, market := l.activity(), l.market(l.now())
	m.SessionOpen = market.open
	m.SessionOpens, m.SessionCloses = instantTime(market.opens), instantTime(market.closes)
	if market.open && !market.always {
		m.SessionOpens = instantTime(market.begun)
	}
	m.Connected, m.ConnectedSince = a.Connected > 0, instantTime(a.Connected)
	m.LastSign, m.Refusals, m.CanaryTrades, m.DiskFull = instantTime(a.Sign), int64(a.Refusals), a.CanaryTrades, a.Full
	m.StagedBytes = int64(l.file.Staged())
	if r := l.get(); r != nil {
		trades, last := r.Totals()
		counts, lagSum := r.Counts()
		m.Trades, m.LastTrade = trades, instantTime(last)
		countMeasures(m, counts)
		m.LagSum = float64(lagSum) / 1000
	}
	if l.logged != nil {
		m.LogLines, m.LogFolded = l.logged()
	}
}

func instantTime(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// countMeasures sorts the counts of the ledger.
func countMeasures(m *monitor.Measures, counts ledger.Counts) {
	m.Rejected, m.Disconnects, m.LagBuckets = make(map[string]int64), make(map[string]int64), make(map[float64]uint64)
	for _, bound := range lagBounds {
		m.LagBuckets[float64(bound)/1000] = 0
	}
	m.Late, m.Lost, m.Connections = counts[ledger.Late], counts[ledger.Lost], counts[ledger.Connections]
	for name, n := range counts {
		text := string(name)
		if reason, ok := strings.CutPrefix(text, "rejected_"); ok {
			m.Rejected[reason] = n
		}
		if cause, ok := strings.CutPrefix(text, "disconnects_"); ok {
			m.Disconnects[cause] = n
		}
		if most, ok := name.LagBound(); ok {
			m.LagCount += uint64(n)
			for _, bound := range lagBounds {
				if most <= bound {
					m.LagBuckets[float64(bound)/1000] += uint64(n)
				}
			}
		}
	}
}
