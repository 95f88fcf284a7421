// Package logs keeps a log readable whatever calls it: repeats are folded into one line
// with their number, and no more lines come out than a person can follow.
package logs

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// The caps: lines in any second and in any ten. A platform drops what is beyond its own
// (Railway: 500 a second), and a disk fills.
const (
	MostInSecond = 20
	MostInTen    = 50
)

const (
	window  = 10 * time.Second
	passing = 3   // of one kind in a window; the others are folded
	kinds   = 256 // of which repeats are told apart
)

// Handler is a slog.Handler that passes on to another one. Events that differ in nothing
// but their numbers are one kind: of each, three in ten seconds are passed on, and the
// others are counted in one line when the ten seconds are over. What is over the caps is
// counted, too; informative lines leave room for warnings, and these for errors. Every event
// is either passed on or in a count. It may be used from any goroutine, and blocks only
// for the handler behind it. Make one with New.
type Handler struct {
	next slog.Handler
	*core
}

// core is what a handler shares with those made of it.
type core struct {
	mu       sync.Mutex
	lines    []time.Time // of the last ten seconds
	repeats  map[string]*repeat
	left     int       // over the caps, and in no repeat
	since    time.Time // the first of them
	last     slog.Handler
	timer    *time.Timer
	written  int64
	folded   int64
	finished bool
}

// repeat is one kind of event.
type repeat struct {
	began  time.Time // of its window
	passed int
	folded int
	last   slog.Record
	next   slog.Handler
}

// New makes a handler in front of next, which has the say on levels.
func New(next slog.Handler) *Handler {
	return &Handler{next, &core{repeats: make(map[string]*repeat)}}
}

// Enabled is the other handler's.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// WithAttrs is the same handler, with attributes on what is logged through it.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(attrs), h.core}
}

// WithGroup is the same handler, with a group around the attributes.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.core}
}

// Handle passes an event on, or counts it.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = h.next
	h.flush(now, false)
	kind := kindOf(r)
	of := h.repeats[kind]
	if of == nil && len(h.repeats) < kinds {
		of = &repeat{began: now}
		h.repeats[kind] = of
	}
	if of != nil && of.passed >= passing {
		h.fold(of, r, h.next)
		h.wake(of.began.Add(window).Sub(now))
		return nil
	}
	if !h.room(now, roomFor(r.Level)) {
		if of != nil {
			h.fold(of, r, h.next)
		} else {
			h.leave(now)
		}
		h.wake(time.Second)
		return nil
	}
	if of != nil {
		of.passed++
	}
	return h.write(ctx, now, h.next, r)
}

// kindOf is what an event has in common with its repeats: all but the numbers.
func kindOf(r slog.Record) string {
	kind := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, r.Message)
	return r.Level.String() + kind
}

func (c *core) fold(of *repeat, r slog.Record, next slog.Handler) {
	of.folded++
	of.last, of.next = r.Clone(), next
	c.folded++
}

func (c *core) leave(now time.Time) {
	if c.left == 0 {
		c.since = now
	}
	c.left++
	c.folded++
}

// roomFor is how many lines of ten seconds an event of a level may find used.
func roomFor(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return MostInTen - 5
	case l >= slog.LevelWarn:
		return MostInTen - 10
	}
	return MostInTen - 15
}

// room says whether one more line may come at now, when up to most may be used.
func (c *core) room(now time.Time, most int) bool {
	for len(c.lines) > 0 && now.Sub(c.lines[0]) >= window {
		c.lines = c.lines[1:]
	}
	second := 0
	for i := len(c.lines) - 1; i >= 0 && now.Sub(c.lines[i]) < time.Second; i-- {
		second++
	}
	return len(c.lines) < most && second < MostInSecond
}

func (c *core) write(ctx context.Context, now time.Time, next slog.Handler, r slog.Record) error {
	c.lines = append(c.lines, now)
	c.written++
	return next.Handle(ctx, r)
}

// flush writes the counts of the windows that are over, or of all, as far as there is
// room: a count that finds none waits.
func (c *core) flush(now time.Time, all bool) {
	for kind, of := range c.repeats {
		if !all && now.Sub(of.began) < window {
			continue
		}
		if of.folded > 0 {
			if !c.room(now, MostInTen) {
				c.wake(time.Second)
				continue
			}
			_ = c.write(context.Background(), now, of.next, of.summary(now))
		}
		delete(c.repeats, kind)
	}
	if c.left > 0 && (all || now.Sub(c.since) >= window) && c.room(now, MostInTen) {
		r := slog.NewRecord(now, slog.LevelWarn, fmt.Sprintf("%d more events were left out: the log has at most %d lines a second and %d in ten", c.left, MostInSecond, MostInTen), 0)
		r.AddAttrs(slog.Int("folded", c.left))
		_ = c.write(context.Background(), now, c.last, r)
		c.left = 0
	}
}

// summary is the line for the events of a kind that were folded: the last of them, and
// their number.
func (of *repeat) summary(now time.Time) slog.Record {
	r := slog.NewRecord(now, of.last.Level, fmt.Sprintf("%s (the last of %d more like this in %s)", of.last.Message, of.folded, now.Sub(of.began).Round(time.Second)), 0)
	of.last.Attrs(func(a slog.Attr) bool {
		r.AddAttrs(a)
		return true
	})
	r.AddAttrs(slog.Int("folded", of.folded))
	return r
}

// wake has the counts written when d has passed, should nothing be logged until then.
func (c *core) wake(d time.Duration) {
	if c.timer != nil || c.finished {
		return
	}
	c.timer = time.AfterFunc(max(d, time.Millisecond), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.timer = nil
		if c.finished {
			return
		}
		now := time.Now()
		c.flush(now, false)
		for _, of := range c.repeats {
			if of.folded > 0 {
				c.wake(max(of.began.Add(window).Sub(now), time.Second))
			}
		}
		if c.left > 0 {
			c.wake(time.Second)
		}
	})
}

// Flush writes the counts of all that was folded, as far as the caps have room, and ends
// the handler's timer. It is called when nothing more is logged.
func (h *Handler) Flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finished = true
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	h.flush(time.Now(), true)
}

// Counts are the lines written and the events folded so far, since the handler was made.
func (h *Handler) Counts() (written, folded int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.written, h.folded
}
