package monitor

import (
	"net/http"
	"time"
)

// What tests measure the inside by.
const (
	MostWaiting   = mostWaiting
	MostKept      = mostKept
	DropAtOnce    = dropAtOnce
	MostClients   = mostClients
	MostTopics    = mostTopics
	KeptAlive     = keptAlive
	KeepAlive     = keepAlive
	ReadWithin    = readWithin
	PieceWithin   = pieceWithin
	FormWithin    = formWithin
	MostHeader    = mostHeader
	CookieName    = cookieName
	CookieAge     = cookieAge
	TryEvery      = tryEvery
	TriesAtOnce   = triesAtOnce
	MostAddresses = mostAddresses
	WholeInMemory = wholeInMemory
	MostShelved   = mostShelved
	ShelvedBytes  = shelvedBytes
	Policy        = policy
)

// Most are how many of each are served at a time.
const (
	MostRowsAtOnce = mostRowsAtOnce
	MostDownloads  = mostDownloads
	MostSnapshots  = mostSnapshots
)

// Listener is one that joined a hub.
type Listener struct {
	hub *Hub
	in  *listener
}

// Taken is an event as its listener gets it.
type Taken struct {
	Event
	ID     string
	Number uint64
}

// Join begins to listen; nil is a refusal.
func (h *Hub) Join(id string, names ...string) *Listener {
	if l := h.join(names, id); l != nil {
		return &Listener{h, l}
	}
	return nil
}

// Leave ends it.
func (l *Listener) Leave() { l.hub.leave(l.in) }

// Take empties the queue.
func (l *Listener) Take() (events []Taken, missed bool) {
	list, missed := l.hub.take(l.in)
	for _, e := range list {
		events = append(events, Taken{e.Event, l.hub.idOf(e.number), e.number})
	}
	return events, missed
}

// Waiting is how long the queue is, Room how much memory it has, in events.
func (l *Listener) Waiting() (length, room int) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	return len(l.in.queue), cap(l.in.queue)
}

// Ready has something in it when there is something to take.
func (l *Listener) Ready() <-chan struct{} { return l.in.ready }

// AllTopics are how many the hub holds, without letting go of any.
func (h *Hub) AllTopics() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics)
}

// Addresses are how many the access tells apart.
func (a *Access) Addresses() int {
	a.tries.mu.Lock()
	defer a.tries.mu.Unlock()
	return len(a.tries.of)
}

// CookieUntil is a cookie that is good until then.
func (a *Access) CookieUntil(until time.Time) string { return a.cookie(until) }

// LoginPage renders the form with a problem.
func LoginPage(w http.ResponseWriter, status int, problem string) { loginPage(w, status, problem) }

// Shelf is what is kept of downloads.
type Shelf struct{ s *shelf }

// NewShelf makes an empty one.
func NewShelf() Shelf { return Shelf{newShelf()} }

// Keep keeps n bytes under a tag.
func (s Shelf) Keep(tag string, n int) { s.s.keep(tag, made{size: int64(n), whole: make([]byte, n)}) }

// Has says whether a tag is still there.
func (s Shelf) Has(tag string) bool {
	_, ok := s.s.find(tag)
	return ok
}

// Holds are how many tags and bytes it has.
func (s Shelf) Holds() (tags, bytes int) {
	for _, m := range s.s.of {
		bytes += len(m.whole)
	}
	return len(s.s.of), bytes
}
