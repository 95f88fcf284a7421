package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

var modelSteps = flag.Int("steps", 4000, "steps of the model test (100000 for the long form)")

// model is what a file should hold.
type model struct {
	*testing.T
	rng      *rand.Rand
	path     string
	f        *store.File
	sessions []ledger.Session
	clock    map[ledger.Session]int64 // of its next trade

	trades   map[ledger.Session][]candle.Trade // committed
	staged   map[ledger.Session][]candle.Trade
	spans    map[ledger.Session][]ledger.Span
	entered  map[ledger.Session][]ledger.Span
	counts   map[ledger.Session]int64
	counted  map[ledger.Session]int64
	gone     map[ledger.Session]bool // its trades were dropped
	uncandle map[ledger.Session]bool // and its candles
	late     int
	did      map[string]int
}

// TestModel does at random what can be done to a file, and compares it with a model in
// memory: every thousand steps and at the end, whole.
func TestModel(t *testing.T) {
	m := &model{T: t, rng: seeded(t), path: filepath.Join(t.TempDir(), "a.db"),
		clock: map[ledger.Session]int64{}, trades: map[ledger.Session][]candle.Trade{}, staged: map[ledger.Session][]candle.Trade{},
		spans: map[ledger.Session][]ledger.Span{}, entered: map[ledger.Session][]ledger.Span{},
		counts: map[ledger.Session]int64{}, counted: map[ledger.Session]int64{},
		gone: map[ledger.Session]bool{}, uncandle: map[ledger.Session]bool{}, did: map[string]int{}}
	m.open()
	m.begin()
	for step := range fewer(*modelSteps) {
		m.step()
		if step%1000 == 999 {
			m.commit()
			m.compare()
		}
	}
	m.commit()
	m.compare()
	if err := m.f.Close(); err != nil {
		t.Fatal(err)
	}
	recheck(t, m.path)
	t.Logf("%d steps: %v, %d late trades", fewer(*modelSteps), m.did, m.late)
}

func (m *model) open() {
	f, err := store.Open(m.path, store.Options{Command: "test", Source: "simulated", NoSync: true})
	if err != nil {
		m.Fatal(err)
	}
	m.f = f
}

func (m *model) step() {
	for _, c := range []struct {
		name  string
		every int // weight
		do    func()
	}{
		{"append", 60, m.append}, {"commit", 30, m.commit}, {"enter", 8, m.enter}, {"seal", 3, m.seal},
		{"seal cut short", 2, m.sealShort}, {"reopen", 1, m.reopen}, {"begin", 1, m.begin},
		{"compact", 1, m.compact}, {"retain", 1, m.retain}, {"read", 1, m.readOne},
	} {
		if m.rng.IntN(107) < c.every {
			m.did[c.name]++
			c.do()
		}
	}
}

// begin begins another session.
func (m *model) begin() {
	if len(m.sessions) > 0 && m.rng.IntN(8) > 0 {
		return
	}
	n := int64(len(m.sessions))
	s := ledger.Session{Hours: ledger.WholeDay, Open: day.Open/86_400_000*86_400_000 + n*86_400_000, Stated: true}
	s.Close = s.Open + 86_400_000
	m.sessions = append(m.sessions, s)
	m.clock[s] = s.Open
}

// pick is a session: the last one, mostly.
func (m *model) pick() ledger.Session {
	if m.rng.IntN(5) > 0 {
		return m.sessions[len(m.sessions)-1]
	}
	return m.sessions[m.rng.IntN(len(m.sessions))]
}

func (m *model) append() {
	s := m.pick()
	list := make([]candle.Trade, 1+m.rng.IntN(200))
	for i := range list {
		m.clock[s] = min(m.clock[s]+m.rng.Int64N(400), s.Close-1)
		at := m.clock[s]
		if m.rng.IntN(10) == 0 {
			at = max(s.Open, at-m.rng.Int64N(60_000))
			m.late++
		}
		list[i] = candle.Trade{
			Symbol: fmt.Sprintf("S%02d", int(m.rng.ExpFloat64()*2)), Time: at, Received: m.clock[s] + 70,
			Price:      candle.Decimal{Units: 10_001 + m.rng.Int64N(100)*10, Scale: 2},
			Size:       candle.Decimal{Units: m.rng.Int64N(500)},
			Conditions: []string{"", "14|", "14|37|41|"}[m.rng.IntN(3)], Dark: m.rng.IntN(30) == 0,
		}
	}
	left, err := m.f.Append(s, list)
	if err != nil {
		m.Fatal(err)
	}
	if m.gone[s] != (left[ledger.RejectedSession] == int64(len(list))) {
		m.Fatalf("%s, dropped %v: left out %v of %d", s.Date(), m.gone[s], left, len(list))
	}
	if m.gone[s] {
		return
	}
	m.staged[s] = append(m.staged[s], list...)
	m.f.Count(s, ledger.Counts{ledger.Accepted: int64(len(list))})
	m.counted[s] += int64(len(list))
}

func (m *model) enter() {
	s := m.pick()
	from := s.Open + m.rng.Int64N(80_000_000)
	p := ledger.Span{From: from, Until: from + m.rng.Int64N(6_000_000), Symbols: ledger.NewSymbols("S00", "S01")}
	if m.rng.IntN(2) == 0 {
		p.Cause = ledger.Drop
	}
	m.f.Enter(s, []ledger.Span{p}, nil)
	m.entered[s] = append(m.entered[s], p)
}

func (m *model) commit() {
	if err := m.f.Commit(); err != nil {
		m.Fatal(err)
	}
	for s, list := range m.staged {
		m.trades[s] = append(m.trades[s], list...)
	}
	for s, list := range m.entered {
		m.spans[s] = append(m.spans[s], list...)
	}
	for s, n := range m.counted {
		m.counts[s] += n
	}
	clear(m.staged)
	clear(m.entered)
	clear(m.counted)
}

func (m *model) seal() {
	if err := m.f.Seal(m.Context(), m.pick(), m.rng.IntN(2) == 0); err != nil {
		m.Fatal(err)
	}
}

// sealShort stops a seal between two of its transactions.
func (m *model) sealShort() {
	ctx, cancel := context.WithCancel(m.Context())
	defer cancel()
	m.f.StopSealAfter(1+m.rng.IntN(4), cancel)
	defer m.f.StopSealAfter(0, nil)
	if err := m.f.Seal(ctx, m.pick(), m.rng.IntN(2) == 0); err != nil && !errors.Is(err, context.Canceled) {
		m.Fatal(err)
	}
}

// reopen closes the file, which commits, and opens it again.
func (m *model) reopen() {
	m.close()
	m.open()
}

func (m *model) close() {
	m.commit()
	if err := m.f.Close(); err != nil {
		m.Fatal(err)
	}
}

func (m *model) compact() {
	if m.rng.IntN(4) > 0 {
		return
	}
	m.close()
	now := m.sessions[m.rng.IntN(len(m.sessions))].Close
	if _, _, err := store.Compact(m.Context(), m.path, store.Options{NoSync: true}, now); err != nil {
		m.Fatal(err)
	}
	m.open()
}

// retain drops the oldest, now and then.
func (m *model) retain() {
	if m.rng.IntN(6) > 0 {
		return
	}
	m.commit()
	trades := m.sessions[m.rng.IntN(len(m.sessions)+1)/2].Open + 1
	candles := m.sessions[m.rng.IntN(len(m.sessions)+2)/3].Open + 1
	if _, err := m.f.Retain(m.Context(), trades, candles); err != nil {
		m.Fatal(err)
	}
	for _, s := range m.sessions {
		if m.spans[s] == nil && m.trades[s] == nil && m.counts[s] == 0 {
			continue // it is not on file
		}
		m.gone[s] = m.gone[s] || s.Close < trades
		m.uncandle[s] = m.uncandle[s] || s.Close < candles
	}
}

func (m *model) readOne() {
	m.compareSession(m.pick())
}

func (m *model) compare() {
	for _, s := range m.sessions {
		m.compareSession(s)
		spans, err := m.f.Spans(s)
		if err != nil {
			m.Fatal(err)
		}
		same := slices.EqualFunc(spans, m.spans[s], func(a, b ledger.Span) bool {
			return a.From == b.From && a.Until == b.Until && a.Cause == b.Cause && slices.Equal(a.Symbols.Names(), b.Symbols.Names())
		})
		if !same {
			m.Fatalf("%s: ledger of %d entries, want %d", s.Date(), len(spans), len(m.spans[s]))
		}
	}
	all, err := m.f.Sessions()
	if err != nil {
		m.Fatal(err)
	}
	for _, s := range all {
		if s.Counts[ledger.Accepted] != m.counts[s.Session] {
			m.Fatalf("%s: %d accepted, want %d", s.Session.Date(), s.Counts[ledger.Accepted], m.counts[s.Session])
		}
	}
}

func (m *model) compareSession(s ledger.Session) {
	m.Helper()
	if !m.gone[s] {
		holds(m.T, m.f, s, m.trades[s])
		return
	}
	var dropped *store.Dropped
	for _, err := range m.f.Trades(s, nil) {
		if !errors.As(err, &dropped) {
			m.Fatalf("%s: trades that were dropped: %v", s.Date(), err)
		}
	}
	want := make(map[string][]candle.Trade)
	for _, t := range m.trades[s] {
		want[t.Symbol] = append(want[t.Symbol], t)
	}
	minute, err := candle.ParseInterval("1m")
	if err != nil {
		m.Fatal(err)
	}
	for _, v := range []candle.Interval{candle.Second, candle.HundredTrades, minute} {
		got := make(map[string][]candle.Candle)
		for c, err := range m.f.Candles(s, nil, v, 0) {
			if err != nil {
				if !m.uncandle[s] || !errors.As(err, &dropped) {
					m.Fatalf("%s: candles of dropped trades: %v", s.Date(), err)
				}
				return
			}
			got[c.Symbol] = append(got[c.Symbol], c.Candle)
		}
		for name, list := range want {
			if !slices.EqualFunc(got[name], folded(list, v), sameCandle) {
				m.Fatalf("%s: %s candles of %s are not those of the dropped trades", s.Date(), v, name)
			}
		}
	}
}
