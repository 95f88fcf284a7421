package playback

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// ServerOptions say how a Source is played. The zero value plays it as fast as it
// is read.
type ServerOptions struct {
	// Speed is the number of event seconds in a second. At 0, or less, the
	// server waits for its readers: the tape stands still while nobody is
	// subscribed to a symbol that the source knows, moves as fast as the slowest
	// of those who are takes it, and stays where it is when they leave, so that
	// the next one goes on there.
	Speed float64
	// Lead is how much event time passes between the first handshake, which
	// starts the clock, and the first event; 0 means 90 s, a negative Lead none.
	// Without meaning at speed 0.
	Lead time.Duration
	// Once ends Serve when everything has been played and read.
	Once bool
	// CutEvery cuts a connection this much event time after its first subscribe,
	// with a reset; 0 never. At speed 0 the time counts from the first trade
	// after the subscribe, and the connection gets all trades up to there before
	// it is ended with a FIN: no trade is lost by that.
	CutEvery time.Duration
	// Limit is the number of symbols that the live connections of one key may
	// have together; 0 means no limit.
	Limit int
	// Trace is told what happens to the connections. It is called with the
	// server's lock held, from several goroutines, one after the other: it must
	// be quick and must not call the server.
	Trace func(TraceEvent)
	// Source says in the handshake what is played, such as "simulated, seed 1", so
	// that a recording of it is never taken for the market's. Empty says nothing.
	Source string
}

const (
	defaultLead = 90 * time.Second
	readLimit   = 4 << 20  // of a client's frame: 11,000 symbols take 80 KB
	slowReader  = 16 << 20 // bytes that may wait for a reader at a speed other than 0
	heldSlots   = 1500     // ms that the slots of a connection that died stay taken
	// How long a client may take to read what is on the way and to answer the
	// end of a connection. Wall time.
	answerClose = 30 * time.Second
	answerCut   = 5 * time.Second
)

// Server plays a Source to any number of WebSocket clients, at the paths /ws/us,
// /ws/crypto and so on, all alike: the source decides what is played. The key is
// the query parameter api_token; every key is accepted, but demo only for the
// symbols that it may have, and a missing one is refused like a wrong one.
type Server struct {
	src    Source
	o      ServerOptions
	buffer int // slowReader, or less in tests

	wake     chan struct{} // pokes the player; one pending poke is enough
	batches  chan *batch
	spare    chan *batch
	handlers sync.WaitGroup

	mu       sync.Mutex // over all below and the mutable part of every conn
	clock    clock
	random   *rand.Rand
	conns    []*conn
	lastID   int
	listings map[string]*listing
	keys     map[string]*slots
	free     []*block
	stopping bool // no more connections

	batch    *batch // what is being played
	at       int    // the next item of it
	position int    // its number in the tape
	played   int64  // Due of the last item played, at speed 0 the event time
	ended    bool
	failed   error
	pending  []func() // at speed 0: what to do before the tape moves on
}

// NewServer makes a server that plays src. It starts nothing: that does Serve.
func NewServer(src Source, o ServerOptions) *Server {
	if o.Lead == 0 {
		o.Lead = defaultLead
	}
	o.Lead, o.Speed = max(o.Lead, 0), max(o.Speed, 0)
	return &Server{
		src: src, o: o, buffer: slowReader,
		wake:    make(chan struct{}, 1),
		batches: make(chan *batch, 2), spare: make(chan *batch, 3),
		random:   rand.New(rand.NewPCG(1, 1)),
		listings: make(map[string]*listing),
		keys:     make(map[string]*slots),
		batch:    new(batch),
		played:   src.Begin(),
	}
}

// Serve plays the source once to the clients that connect to l, and closes l. It
// blocks until ctx ends, and then returns nil; with Once also until everything
// has been played, every client has had the time to read it, and all connections
// are closed with code 1000, and then returns nil too. At a speed other than 0
// the end of the tape comes whether or not anybody is connected. Without Once a
// server whose tape has ended stays, silent, and echoes the last trades.
//
// An error of l or of the source ends it and is returned. When Serve returns,
// every connection is closed and every goroutine it started has ended. It must
// be called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	caller := ctx
	ctx, cancel := context.WithCancelCause(caller)
	defer cancel(nil)
	web := &http.Server{
		Handler:           http.HandlerFunc(s.connect),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // its lines may hold a URL, and so a key
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serving the feed: %w", err))
		}
	})
	running.Go(func() { s.feed(ctx) })

	play := s.playTimed
	if s.paced() {
		play = s.playPaced
	}
	err := play(ctx)
	if err == nil && caller.Err() == nil {
		err = context.Cause(ctx) // the listener broke; a caller who stops us is no error
	}
	cancel(nil)
	s.stop()
	web.Close()
	running.Wait()
	s.handlers.Wait()
	s.mu.Lock()
	s.runPending() // the connections that left last
	s.mu.Unlock()
	return err
}

func (s *Server) paced() bool { return s.o.Speed == 0 }

// stop ends all connections at once.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for _, c := range s.conns {
		c.kill()
	}
}

// poke wakes the player. It does not block.
func (s *Server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// now is the event time. Needs the lock.
func (s *Server) now() int64 {
	switch {
	case s.paced():
		return s.played
	case s.clock.running():
		return s.clock.now()
	}
	return s.src.Begin() - s.o.Lead.Milliseconds()
}

// handshake is called as the response to a handshake is written, and numbers the
// connection. The first one starts the clock.
func (s *Server) handshake(c *conn, h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	c.id = s.lastID
	if s.o.Source != "" {
		h.Set(SourceHeader, s.o.Source)
	}
	if s.paced() {
		return
	}
	if !s.clock.running() {
		s.clock.start(s.now(), s.o.Speed)
		s.poke()
	}
	h.Set(ClockHeader, s.clock.header())
}

// connect is the life of one connection, from the handshake to the end.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/ws/"); !ok || name == "" || strings.Contains(name, "/") {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		http.Error(w, "the recording has ended", http.StatusServiceUnavailable)
		return
	}
	s.handlers.Add(1) // under the lock: Serve waits only after stopping is set
	s.mu.Unlock()
	defer s.handlers.Done()

	c := &conn{s: s, key: r.URL.Query().Get("api_token"), subs: make(map[string]*listing),
		wake: make(chan struct{}, 1), pumped: make(chan struct{})}
	u := &upgrade{ResponseWriter: w, c: c}
	ws, err := websocket.Accept(u, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // any origin: there is nothing here to protect
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     c.ping,
	})
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(readLimit)
	if !s.enter(c) {
		ws.CloseNow()
		return
	}
	go func() {
		defer close(c.pumped)
		c.pump()
	}()
	err = c.read(ws)
	s.leave(c, websocket.CloseStatus(err) != -1)
	ws.CloseNow()
}

// enter adds a connection; not when the server is stopping.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.conns = append(s.conns, c)
	s.trace(Connected, c, nil, "")
	// The feed takes 0.3 to 0.6 s to look at the key.
	c.greetAt = s.now() + 300 + s.random.Int64N(301)
	if s.paced() {
		s.greet(c)
	}
	s.poke()
	return true
}

// leave waits for the connection's pump and takes the connection out. clean says
// whether the client has sent a close frame.
func (s *Server) leave(c *conn, clean bool) {
	s.mu.Lock()
	c.kill()
	s.mu.Unlock()
	<-c.pumped
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poke()
	if s.paced() { // the player is still counting what was written
		s.pending = append(s.pending, func() { s.remove(c, clean) })
		return
	}
	s.remove(c, clean)
}

func (s *Server) remove(c *conn, clean bool) {
	for i, other := range s.conns {
		if other == c {
			s.conns = append(s.conns[:i], s.conns[i+1:]...)
			break
		}
	}
	n := len(c.subs)
	for symbol := range c.subs {
		s.detach(c, symbol)
	}
	if clean = clean && c.end != endCut; !clean {
		s.hold(c.key, n)
	}
	cause := "lost"
	if clean {
		cause = "closed by client"
	}
	s.trace(Closed, c, nil, cause)
}

// finish ends every connection in good order, after the tape has been played,
// and takes no more of them. Needs the lock.
func (s *Server) finish() {
	if s.stopping {
		return
	}
	s.stopping = true
	for _, c := range s.conns {
		c.finish(endClose)
	}
}

func (s *Server) runPending() {
	for len(s.pending) > 0 {
		do := s.pending
		s.pending = nil
		for _, f := range do {
			f()
		}
	}
}

// upgrade is a ResponseWriter from which a conn learns the moment of the handshake and the
// connection under it.
type upgrade struct {
	http.ResponseWriter
	c *conn
}

func (u *upgrade) WriteHeader(code int) {
	if code == http.StatusSwitchingProtocols {
		u.c.s.handshake(u.c, u.Header())
	}
	u.ResponseWriter.WriteHeader(code)
}

func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	raw, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	u.c.raw = raw
	return raw, buffered, err
}
