package monitor

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	mostWaiting = 1024             // events that wait for a client; what is older is dropped
	mostKept    = 1024             // events of a topic, for who comes back
	keptAlive   = 60 * time.Second // for how long a topic is kept that nobody listens to
	mostClients = 128
	mostTopics  = 256
	dropAtOnce  = 256 // of a queue that is full: to drop one by one would cost
	keyLook     = 16  // how far back it is looked for an event of the same key
)

// Event is something that happened on a topic. Data is one line.
type Event struct {
	Name string
	// Key, if not "", names what the event tells the state of: an earlier event of the same
	// key that nobody has read yet is not worth reading any more.
	Key  string
	Data []byte
}

// Hub hands events to whoever listens, and never waits for them: each has a queue, from which
// the oldest is dropped when it is full, and is then told to look anew. Who comes back after
// a cut gets what it missed, or is told that it is not there any more. It may be used from any
// goroutine. Make one with NewHub.
type Hub struct {
	begun string // in every id: another process has other ids
	came  chan struct{}

	mu      sync.Mutex
	last    uint64 // number of the last event
	topics  map[string]*topic
	clients int

	dropped atomic.Int64
}

// topic is one stream of events.
type topic struct {
	since     uint64 // what came before is not known
	kept      []numbered
	listeners []*listener
	left      time.Time // when the last one went
}

// numbered is an event of a topic with its number, which grows.
type numbered struct {
	Event
	of     *topic
	number uint64
}

// listener is a client.
type listener struct {
	queue  []numbered
	missed bool // something: it has to look anew
	ready  chan struct{}
	topics []*topic
}

// NewHub makes a hub that nobody listens to yet.
func NewHub() *Hub {
	var boot [4]byte
	_, _ = rand.Read(boot[:]) // never fails
	return &Hub{begun: hex.EncodeToString(boot[:]), came: make(chan struct{}, 1), topics: make(map[string]*topic)}
}

// Came has something in it when somebody has begun to listen.
func (h *Hub) Came() <-chan struct{} { return h.came }

// Clients are how many listen.
func (h *Hub) Clients() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clients
}

// Dropped is how many events were dropped because a client did not read them.
func (h *Hub) Dropped() int64 { return h.dropped.Load() }

// Topics are those that somebody listens to, or did a moment ago and may come back.
func (h *Hub) Topics() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name, t := range h.topics {
		if len(t.listeners) == 0 && time.Since(t.left) > keptAlive {
			delete(h.topics, name)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Publish hands events to those who listen to a topic. It does not block.
func (h *Hub) Publish(name string, events ...Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[name]
	if t == nil {
		return
	}
	for _, e := range events {
		h.last++
		one := numbered{e, t, h.last}
		t.kept = withoutKey(t.kept, &one)
		if len(t.kept) == mostKept {
			t.since = t.kept[dropAtOnce-1].number
			t.kept = slices.Delete(t.kept, 0, dropAtOnce)
		}
		t.kept = append(t.kept, one)
		for _, l := range t.listeners {
			h.dropped.Add(l.put(one))
		}
	}
}

// put queues an event, and says how many it dropped.
func (l *listener) put(e numbered) (dropped int64) {
	l.queue = withoutKey(l.queue, &e)
	if len(l.queue) == mostWaiting {
		l.queue, l.missed, dropped = slices.Delete(l.queue, 0, dropAtOnce), true, dropAtOnce
	}
	l.queue = append(l.queue, e)
	poke(l.ready)
	return dropped
}

// withoutKey is a queue without the last event of the same topic and key, if that is near its
// end.
func withoutKey(queue []numbered, e *numbered) []numbered {
	if e.Key == "" {
		return queue
	}
	for i := len(queue) - 1; i >= max(0, len(queue)-keyLook); i-- {
		if queue[i].Key == e.Key && queue[i].of == e.of {
			return slices.Delete(queue, i, i+1)
		}
	}
	return queue
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// join begins to listen; id is that of the last event that the client has, "" when it has
// none. It is nil when too many listen.
func (h *Hub) join(names []string, id string) *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients >= mostClients || len(h.topics)+h.unknown(names) > mostTopics {
		return nil
	}
	h.clients++
	l := &listener{ready: make(chan struct{}, 1)}
	after, known := h.numberOf(id)
	l.missed = id != "" && !known
	for _, name := range names {
		t := h.topics[name]
		if t == nil {
			h.last++ // so that no id of before vouches for it
			t = &topic{since: h.last}
			h.topics[name] = t
		}
		t.listeners = append(t.listeners, l)
		l.topics = append(l.topics, t)
		if !known {
			continue
		}
		l.missed = l.missed || after < t.since
		for _, e := range t.kept {
			if e.number > after {
				l.queue = append(l.queue, e)
			}
		}
	}
	slices.SortFunc(l.queue, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	if n := len(l.queue) - mostWaiting; n > 0 {
		l.queue, l.missed = slices.Delete(l.queue, 0, n), true
		h.dropped.Add(int64(n))
	}
	if l.missed || len(l.queue) > 0 {
		poke(l.ready)
	}
	poke(h.came)
	return l
}

// unknown is how many of the topics there are not yet.
func (h *Hub) unknown(names []string) (n int) {
	for _, name := range names {
		if h.topics[name] == nil {
			n++
		}
	}
	return n
}

func (h *Hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients--
	for _, t := range l.topics {
		t.listeners = slices.DeleteFunc(t.listeners, func(other *listener) bool { return other == l })
		if len(t.listeners) == 0 {
			t.left = time.Now()
		}
	}
}

// take empties the queue of a listener.
func (h *Hub) take(l *listener) (events []numbered, missed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	events, missed = l.queue, l.missed
	l.queue, l.missed = nil, false
	return events, missed
}

// idOf is an event's id as a client keeps it.
func (h *Hub) idOf(number uint64) string { return fmt.Sprintf("%s-%d", h.begun, number) }

// numberOf is the number in an id of this process.
func (h *Hub) numberOf(id string) (number uint64, ok bool) {
	text, ok := strings.CutPrefix(id, h.begun+"-")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(text, 10, 64)
	return number, err == nil
}
