package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// LookEvery is how often an Outbox looks at how things stand.
	LookEvery = 5 * time.Second

	retryFirst = 10 * time.Second
	retryMost  = 10 * time.Minute
)

// Outbox tells targets what is wrong, each for itself: what one cannot be told is tried again,
// and the others have it. Fill it and call Run once.
type Outbox struct {
	Targets []*Target
	// Every is the time between two messages of what stays wrong.
	Every time.Duration
	// Name begins each title: which recorder it is.
	Name string
	// State is what Save was handed by a process before; nil is nothing.
	State []byte
	// Save keeps what has been told, for the next process. It may block. After an error it is
	// called again.
	Save func(state []byte) error
	// Log is where failures go, each once until it works again.
	Log *slog.Logger

	mu    sync.Mutex
	boxes []*box
	dirty bool
}

// box is a target with what it was told.
type box struct {
	*Target
	told    Alarms
	failed  int // tries in a row
	next    time.Time
	sending bool
}

// Run looks every few seconds and sends what is due until ctx ends; messages that are on
// their way then are given up. look is called by this goroutine alone and should not block.
func (o *Outbox) Run(ctx context.Context, look func() []Condition) {
	o.open()
	var sending sync.WaitGroup
	defer sending.Wait()
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		o.round(ctx, look(), &sending)
		select {
		case <-ctx.Done():
			o.keep()
			return
		case <-tick.C:
		}
	}
}

// open takes what was kept. What cannot be read tells everything anew.
func (o *Outbox) open() {
	kept := make(map[string]Alarms)
	if len(o.State) > 0 {
		if err := json.Unmarshal(o.State, &kept); err != nil {
			o.Log.Warn(fmt.Sprintf("What alerts were sent before cannot be read, some may come again: %v", err))
			clear(kept)
		}
	}
	for _, t := range o.Targets {
		told := kept[t.id]
		if told == nil {
			told = make(Alarms)
		}
		o.boxes = append(o.boxes, &box{Target: t, told: told})
	}
}

// round sends each target what is due.
func (o *Outbox) round(ctx context.Context, conditions []Condition, sending *sync.WaitGroup) {
	now := time.Now()
	o.mu.Lock()
	for _, b := range o.boxes {
		due, changed := b.told.Due(now, o.Every, conditions)
		o.dirty = o.dirty || changed
		if len(due) == 0 || b.sending || now.Before(b.next) {
			continue
		}
		b.sending = true
		sending.Go(func() { o.send(ctx, b, due, conditions) })
	}
	o.mu.Unlock()
	o.keep()
}

// send sends one target its messages, as far as they get through.
func (o *Outbox) send(ctx context.Context, b *box, due []Message, conditions []Condition) {
	for _, m := range due {
		named := m
		if o.Name != "" {
			named.Title = o.Name + ": " + m.Title
		}
		err := b.Send(ctx, named)
		o.mu.Lock()
		if err == nil {
			o.sent(b, m, conditions)
		} else if ctx.Err() == nil {
			o.fail(b, err)
		}
		o.mu.Unlock()
		if err != nil {
			break
		}
		o.keep() // at once: who is killed now shall not tell it again
	}
	o.mu.Lock()
	b.sending = false
	o.mu.Unlock()
}

func (o *Outbox) sent(b *box, m Message, conditions []Condition) {
	for _, c := range conditions {
		if c.Alarm == m.Alarm {
			b.told.Sent(m, c)
		}
	}
	o.dirty = true
	if b.failed > 0 {
		o.Log.Info(fmt.Sprintf("Alerts reach %s again", b.Name()))
	}
	b.failed = 0
}

func (o *Outbox) fail(b *box, err error) {
	pause := min(retryFirst<<min(b.failed, 10), retryMost)
	b.next = time.Now().Add(pause)
	if b.failed == 0 {
		o.Log.Warn(fmt.Sprintf("An alert did not reach %s: %v. It is tried again until it does", b.Name(), err))
	}
	b.failed++
}

// keep keeps what was told, when that has changed.
func (o *Outbox) keep() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dirty {
		return
	}
	kept := make(map[string]Alarms)
	for _, b := range o.boxes {
		if len(b.told) > 0 {
			kept[b.id] = b.told
		}
	}
	state, err := json.Marshal(kept)
	if err == nil {
		err = o.Save(state)
	}
	if err == nil { // else again at the next look: a disk that is full is told of already
		o.dirty = false
	}
}
