package playback_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/playback"
)

// seeded is a source of randomness whose seed is printed when the test fails.
// TAPEDECK_TEST_SEED=n repeats a run.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TAPEDECK_TEST_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TAPEDECK_TEST_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("TAPEDECK_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is a server in a synctest bubble.
type world struct {
	t      *testing.T
	server *playback.Server
	pipes  *pipes
	cancel context.CancelFunc
	served chan error

	mu     sync.Mutex
	traced []playback.TraceEvent
}

func start(t *testing.T, src playback.Source, o playback.ServerOptions) *world {
	t.Helper()
	w := &world{t: t, pipes: newPipes(), served: make(chan error, 1)}
	o.Trace = func(e playback.TraceEvent) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.traced = append(w.traced, e)
	}
	w.server = playback.NewServer(src, o)
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.served <- w.server.Serve(ctx, w.pipes) }()
	return w
}

// stop ends the server; the bubble then checks that no goroutine is left.
func (w *world) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.served; err != nil {
		w.t.Errorf("Serve: %v", err)
	}
}

// traces are the events of a kind so far.
func (w *world) traces(kind playback.TraceKind) []playback.TraceEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []playback.TraceEvent
	for _, e := range w.traced {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// client reads all the time and notes when each frame came.
type client struct {
	t      *testing.T
	ws     *websocket.Conn
	raw    net.Conn
	header http.Header
	closed chan struct{} // when the connection has ended

	mu     sync.Mutex
	frames []string
	times  []time.Time
	err    error
}

func (w *world) dial(path string) *client {
	w.t.Helper()
	c := w.dialQuiet(path)
	go c.read()
	return c
}

// dialQuiet is a client that does not read.
func (w *world) dialQuiet(path string) *client {
	w.t.Helper()
	c := &client{t: w.t, closed: make(chan struct{})}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := w.pipes.dial(ctx, network, address)
		c.raw = conn
		return conn, err
	}}
	ws, response, err := websocket.Dial(context.Background(), "ws://feed"+path,
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		w.t.Fatalf("dial: %v", err)
	}
	c.ws, c.header = ws, response.Header
	return c
}

func (c *client) read() {
	defer close(c.closed)
	for {
		_, frame, err := c.ws.Read(context.Background())
		c.mu.Lock()
		if err != nil {
			c.err = err
			c.mu.Unlock()
			c.ws.CloseNow()
			return
		}
		c.frames = append(c.frames, string(frame))
		c.times = append(c.times, time.Now())
		c.mu.Unlock()
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.ws.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *client) subscribe(symbols ...string) {
	c.t.Helper()
	c.send(`{"action":"subscribe","symbols":"` + strings.Join(symbols, ",") + `"}`)
}

// got are the frames so far, after everything that can happen now has happened.
func (c *client) got() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.frames...)
}

// after are the frames after the first n.
func (c *client) after(n int) []string { return c.got()[n:] }

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%s: frame %d of %d, want %d:\n got %s\nwant %s", what, i, len(got), len(want), g, w)
			return
		}
	}
}

// friday is 2026-11-20 09:30 in New York.
var friday = time.Date(2026, 11, 20, 14, 30, 0, 0, time.UTC).UnixMilli()

// frame is a trade at friday + ms.
func frame(symbol string, price string, ms int64) string {
	return fmt.Sprintf(`{"s":%q,"p":%s,"c":[],"v":1,"dp":false,"ms":"open","t":%d}`, symbol, price, friday+ms)
}

func recording(t testing.TB, frames ...string) *playback.Recording {
	t.Helper()
	r, err := playback.ReadRecording(strings.NewReader(strings.Join(frames, "\n")), "tape")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	authorized = `{"status_code":200,"message":"Authorized"}`
	limited    = `{"status_code":422,"message":"Symbols limit reached"}`
)
