package command

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/monitor"
	"tapedeck/schedule"
	"tapedeck/store"
)

// live is a recorder as those see it who ask it something.
type live struct {
	file   *store.File
	plan   marketPlan
	begun  time.Time
	run    *runCommand
	logged func() (written, folded int64) // may be nil
	page   string                         // where it is; "" is nowhere
	still  atomic.Int64                   // how long the recording loop has stood still, ns
	free   func() (int64, bool)           // bytes of the disk; nil asks the system
	failed failures                       // of the jobs

	mu       sync.Mutex
	clock    schedule.Clock
	source   string
	start    int64               // event time at which the recording began, Unix ms; 0: it has not
	recorder *collector.Recorder // nil before it is known what the feed says
}

// now is the time of the feed.
func (l *live) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock.Now()
}

// begin says that the recording begins, of what and by which clock.
func (l *live) begin(r *collector.Recorder, source string, clock schedule.Clock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recorder, l.source, l.clock, l.start = r, source, clock, clock.Now().UnixMilli()
}

// totals are what is recorded, and the trades since the start.
func (l *live) totals() (source string, trades int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recorder != nil {
		trades, _ = l.recorder.Totals()
	}
	return l.source, trades
}

// get is the recorder, nil before it is known what the feed says.
func (l *live) get() *collector.Recorder {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recorder
}

// activity is what the recorder is doing.
func (l *live) activity() collector.Activity {
	if r := l.get(); r != nil {
		return r.Activity()
	}
	return collector.Activity{}
}

// speed is how many seconds of the feed's time pass in one of ours.
func (l *live) speed() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	hour := l.clock.Wall(time.Hour)
	if hour <= 0 {
		return 1
	}
	return float64(time.Hour) / float64(hour)
}

// judge says how it stands with the recording.
func (l *live) judge() verdict {
	s := l.situation()
	return s.judge()
}

// situation is what can be seen of the recording now.
func (l *live) situation() situation {
	now := l.now()
	m, r := l.market(now), l.get()
	s := situation{activity: l.activity(), now: now.UnixMilli(), open: m.open, begun: m.begun, market: m.words, next: m.next, started: r != nil,
		start: l.started(), free: -1, still: time.Duration(l.still.Load())}
	if r != nil {
		_, s.last = r.Totals()
	}
	if free, ok := l.freeSpace(); ok {
		s.free = free
	}
	return s
}

// started is since when it is recorded, event time, Unix ms; before that, since when that
// has been tried.
func (l *live) started() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cmp.Or(l.start, l.begun.UnixMilli())
}

// freeSpace is that of the file's disk.
func (l *live) freeSpace() (int64, bool) {
	if l.free != nil {
		return l.free()
	}
	return store.FreeSpace(filepath.Dir(l.file.Path()))
}

// health is the same for a machine.
func (l *live) health() monitor.Health {
	v := l.judge()
	if v.ok {
		return monitor.Healthy(v.state)
	}
	return monitor.Failing(v.state, v.reason)
}

// answer makes the socket beside the file and answers there until ctx ends. Without one the
// recording goes on: that is said once.
func (l *live) answer(ctx context.Context, before string, log *slog.Logger, beside *sync.WaitGroup) {
	socket, err := monitor.Listen(l.file.Path(), before)
	if err != nil {
		log.Warn(fmt.Sprintf("No socket, so that no command can read the file while it is recorded: %v", err))
		return
	}
	if socket.Elsewhere {
		if err := l.file.SetSocket(socket.Path); err != nil {
			log.Warn(fmt.Sprintf("The socket is %s, and nobody can be told: %v", socket.Path, err))
		}
	}
	beside.Go(func() {
		defer socket.Close()
		if err := monitor.Serve(ctx, socket, monitor.Handler(l.answers(), failure)); err != nil {
			log.Error(fmt.Sprintf("The socket has ended, no command can read the file while it is recorded: %v", err))
		}
	})
}
