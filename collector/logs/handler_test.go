package logs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/logs"
)

// sink is what is behind the handler: it keeps everything.
type sink struct {
	mu    sync.Mutex
	lines []line
}

type line struct {
	at      time.Time
	level   slog.Level
	message string
	folded  int64
	attrs   int
}

func (s *sink) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (s *sink) WithAttrs([]slog.Attr) slog.Handler           { return s }
func (s *sink) WithGroup(string) slog.Handler                { return s }
func (s *sink) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := line{at: time.Now(), level: r.Level, message: r.Message, attrs: r.NumAttrs()}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "folded" {
			l.folded = a.Value.Int64()
		}
		return true
	})
	s.lines = append(s.lines, l)
	return nil
}

// seen is what has come so far.
func (s *sink) seen() []line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

// check holds the caps, and that no event is in neither a line nor a count.
func (s *sink) check(t *testing.T, h *logs.Handler, events int64) {
	t.Helper()
	own, folded := int64(0), int64(0)
	lines := s.seen()
	for i, l := range lines {
		for _, c := range []struct {
			within time.Duration
			most   int
		}{{time.Second, logs.MostInSecond}, {10 * time.Second, logs.MostInTen}} {
			if j := i + c.most; j < len(lines) && lines[j].at.Sub(l.at) < c.within {
				t.Fatalf("more than %d lines in the %s from %s", c.most, c.within, l.at)
			}
		}
		if l.folded == 0 {
			own++
		}
		folded += l.folded
	}
	if own+folded != events {
		t.Errorf("%d lines and %d folded of %d events", own, folded, events)
	}
	if w, f := h.Counts(); w != int64(len(lines)) || f != folded {
		t.Errorf("it says %d written and %d folded, there are %d and %d", w, f, len(lines), folded)
	}
}

// Ten thousand disconnects in a minute.
func TestDisconnectStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		h := logs.New(s)
		log := slog.New(h)
		for i := range 10_000 {
			log.Warn(fmt.Sprintf("Disconnected (drop): the feed closed the connection with code %d. Next try in %d ms", 1006+i%3, i), "trades", i)
			time.Sleep(6 * time.Millisecond)
		}
		time.Sleep(11 * time.Second)
		h.Flush()
		s.check(t, h, 10_000)
		if n := len(s.lines); n > 300 || n < 6 {
			t.Errorf("%d lines", n)
		}
		last := s.lines[len(s.lines)-1]
		if !strings.Contains(last.message, "(the last of ") || last.attrs != 2 || last.level != slog.LevelWarn {
			t.Errorf("the last line is %+v", last)
		}
		t.Logf("%d lines for 10,000 events", len(s.lines))
	})
}

// The same number, of a thousand kinds and all levels, from many goroutines at random.
func TestStormOfManyKinds(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		h := logs.New(s)
		began := time.Now()
		var all sync.WaitGroup
		for g := range 10 {
			rng := rand.New(rand.NewPCG(seed, uint64(g)))
			log := slog.New(h).With("goroutine", g)
			all.Go(func() {
				for range 1000 {
					level := []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError}[rng.IntN(3)]
					log.Log(context.Background(), level, strings.Repeat("x", rng.IntN(400)))
					time.Sleep(time.Duration(rng.Int64N(int64(120 * time.Millisecond))))
				}
			})
		}
		all.Wait()
		lines, n := s.seen(), 0
		for n < len(lines) && lines[n].at.Sub(began) < time.Minute {
			n++
		}
		time.Sleep(time.Minute)
		h.Flush()
		s.check(t, h, 10_000)
		if n > 300 {
			t.Errorf("%d lines in the minute", n)
		}
		errors := 0
		for _, l := range lines[:n] {
			if l.level == slog.LevelError {
				errors++
			}
		}
		if errors == 0 {
			t.Error("no error came through")
		}
	})
}

// What is not a storm comes out as it is, at once and in order.
func TestQuietLogIsUntouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		h := logs.New(s)
		log := slog.New(h)
		for i := range 500 {
			log.Info(fmt.Sprintf("health, minute %d", i), "n", i)
			log.Debug("not wanted")
			time.Sleep(4 * time.Second)
		}
		if len(s.lines) != 500 {
			t.Fatalf("%d lines", len(s.lines))
		}
		for i, l := range s.lines {
			if l.message != fmt.Sprintf("health, minute %d", i) || l.folded != 0 || l.attrs != 1 {
				t.Fatalf("line %d is %+v", i, l)
			}
		}
		h.Flush()
		s.check(t, h, 500)
	})
}

// A count is written ten seconds after its first event, though nothing more is logged.
func TestCountsComeByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		h := logs.New(s)
		began := time.Now()
		for range 100 {
			slog.New(h).Warn("again", "err", errors.New("x"))
		}
		time.Sleep(12 * time.Second)
		if lines := s.seen(); len(lines) != 4 || lines[3].folded != 97 || lines[3].at.Sub(began) != 10*time.Second || lines[3].message != "again (the last of 97 more like this in 10s)" {
			t.Errorf("lines %+v", lines)
		}
		h.Flush()
		s.check(t, h, 100)
	})
}
