package eodhd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/candle"
)

const (
	// readLimit is the longest frame. The feed's have a hundred bytes; 1 MiB was
	// never seen.
	readLimit = 4 << 20
	// A frame longer than bigFrame does not keep its buffer.
	smallFrame = 4 << 10
	bigFrame   = 64 << 10
	// closeLimit is how long a polite close may take. A process that is told to
	// stop has 300 ms for everything.
	closeLimit = 200 * time.Millisecond
)

// Conn is a connection to the feed, authorised. Read and Sample are for one
// goroutine at a time; all other methods may be called from any, at any time, while
// somebody reads. Somebody must read, or pings and closes of the server go unseen.
// It must be ended with Close or CloseNow, whatever errors it gave.
type Conn struct {
	ws      *websocket.Conn
	socket  net.Conn            // below TLS: closing it wakes everybody at once
	clean   func(string) string // takes the key out of a server's text
	clock   Clock               // Speed 0 when none was stated
	source  string              // what a playback server says it plays
	decoder *Decoder

	// Of whoever reads.
	buffer []byte
	length int // of the last frame, in buffer
	lost   error
	done   <-chan struct{} // of the context that is watched

	mu     sync.Mutex
	stop   func() bool // ends the watch
	closed bool
}

// Clock is the clock that the server stated in the handshake; ok is false when it
// stated none, as EODHD does not and playback servers at speed 0 do not.
func (c *Conn) Clock() (clock Clock, ok bool) { return c.clock, c.clock.Speed > 0 }

// Source is what the server said in the handshake that it plays, such as "simulated,
// seed 1", in printable characters, at most 200; EODHD says nothing.
func (c *Conn) Source() string { return c.source }

// String says no more than what it is.
func (c *Conn) String() string { return "eodhd.Conn" }

// GoString is String.
func (c *Conn) GoString() string { return c.String() }

// Read waits for one frame and decodes it into *t, which is set for KindTrade only
// (see Decoder.Decode). Received and Echo are the caller's to set.
//
// A refusal in mid-stream comes as KindControl and a *Refused, and the connection
// stays as it is. Every other error ends it: a *Disconnected, or the error of ctx,
// wrapped; further calls return the same.
//
// ctx ends the connection, not just the call: once it has been given to Read, its
// end closes the connection, also between two calls, until Read is given another.
// Give it the same one each time, for a change costs some allocations. Otherwise a
// frame costs none.
func (c *Conn) Read(ctx context.Context, t *candle.Trade) (Kind, error) {
	return c.read(ctx, t, reading)
}

func (c *Conn) read(ctx context.Context, t *candle.Trade, doing string) (Kind, error) {
	if c.lost != nil {
		return 0, c.lost
	}
	if done := ctx.Done(); done != c.done {
		c.watch(ctx)
	}
	typ, err := c.next()
	if err != nil {
		if ctx.Err() != nil {
			c.lost = fmt.Errorf("%s: %w", doing, ctx.Err())
		} else {
			c.lost = disconnected(doing, err, c.clean)
		}
		c.CloseNow()
		return 0, c.lost
	}
	if typ != websocket.MessageText {
		return KindGarbage, nil
	}
	kind, control := c.decoder.Decode(c.buffer[:c.length], t)
	if kind == KindControl && control.Code != 200 {
		return kind, refusedFrame(control, c.clean)
	}
	return kind, nil
}

// next reads one frame into the buffer. No context goes down: the library would
// allocate for each frame to watch it.
func (c *Conn) next() (websocket.MessageType, error) {
	c.length = 0
	if len(c.buffer) > bigFrame {
		c.buffer = make([]byte, smallFrame)
	}
	typ, r, err := c.ws.Reader(context.Background())
	for err == nil {
		if c.length == len(c.buffer) {
			c.buffer = append(c.buffer, make([]byte, len(c.buffer))...)
		}
		var n int
		n, err = r.Read(c.buffer[c.length:])
		c.length += n
	}
	if err == io.EOF && r != nil { // bare: the end of the frame; others are wrapped
		return typ, nil
	}
	return 0, err
}

// Sample is the last frame that Read has read, for a log: without the key, in
// printable characters, at most 200. It is for the goroutine that reads.
func (c *Conn) Sample() string { return tidy(c.clean(string(c.buffer[:c.length]))) }

// watch closes the connection when ctx ends, and forgets the context before it.
func (c *Conn) watch(ctx context.Context) {
	c.unwatch()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = ctx.Done()
	if c.done != nil && !c.closed {
		c.stop = context.AfterFunc(ctx, func() { c.CloseNow() })
	}
}

// unwatch forgets the watched context. It is false when the connection is closed, or
// that context has ended and is about to close it.
func (c *Conn) unwatch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = nil
	return c.release() && !c.closed
}

// release ends the watch, and is false when it is too late for that; mu is held.
func (c *Conn) release() bool {
	if c.stop == nil {
		return true
	}
	stop := c.stop
	c.stop = nil
	return stop()
}

// Ping sends a ping and blocks until its pong has come, which needs somebody to
// read meanwhile, or until ctx ends. Without a pong the connection is left as it
// is: it is for the caller to give it up with CloseNow, which also wakes Read. (A
// ping that could not even be written, for 5 s or until ctx ended, has closed it.)
// The error is a *Disconnected, or wraps that of ctx.
func (c *Conn) Ping(ctx context.Context) error {
	err := c.ws.Ping(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: no pong: %w", pinging, ctx.Err())
	}
	return disconnected(pinging, err, c.clean)
}

// Close ends the connection politely: it sends a close frame with code 1000 and the
// reason (cut to 123 bytes), and waits for the server's. After 200 ms it closes the
// connection regardless and returns an error that says so. It wakes Read. On a
// connection that has ended it does nothing and returns nil.
func (c *Conn) Close(reason string) error {
	c.forget()
	timer := time.AfterFunc(closeLimit, func() { c.CloseNow() })
	// What can go wrong here is that the connection is lost, which is what we want.
	_ = c.ws.Close(websocket.StatusNormalClosure, reason[:min(len(reason), 123)])
	if !timer.Stop() {
		return errors.New("the feed did not answer the close frame")
	}
	return c.CloseNow()
}

// CloseNow ends the connection at once, without a word to the server. It wakes
// Read, Ping and Close. More calls do nothing and return nil.
func (c *Conn) CloseNow() error {
	c.forget()
	err := c.socket.Close()
	_ = c.ws.CloseNow() // frees what the library holds; the socket is closed already
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// forget ends the watch for good, so that a long-lived context holds no dead
// connections.
func (c *Conn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.release()
}
