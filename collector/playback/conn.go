package playback

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"
)

// ending is how a connection is to be ended once all that waits is written.
type ending uint8

const (
	endNone  ending = iota
	endClose        // a close frame, code 1000
	endCut          // a FIN without one
)

// conn is one client. Two goroutines serve it: read takes its requests, pump
// writes what the player and the requests have queued. The lock is the server's.
type conn struct {
	s      *Server
	id     int
	key    string // never shown
	raw    net.Conn
	wake   chan struct{} // pokes the pump
	pumped chan struct{} // closed when the pump has ended

	greetAt int64 // event time of the answer to the key
	greeted bool
	mute    bool // asked too early: never gets anything

	subs  map[string]*listing
	known int   // of the subs: symbols that the source knows
	cutAt int64 // event time; 0 none

	queue   []*block
	backlog int   // bytes in queue and being written
	queued  int64 // bytes ever queued
	written int64 // bytes of them written; pongs are not counted
	pong    []byte
	end     ending
	dead    bool // takes nothing more; the connection is closed
	done    bool // the pump has ended: written is final

	base   int64 // speed 0: queued before the present chunk of the tape,
	target int64 // and after it
	chunk  int   // events of the chunk

	sent int // events written
	last int64
}

// block is a run of whole frames.
type block struct {
	data   []byte
	events int
	last   int64 // Due of the last event in it
}

const (
	blockBytes = 256 << 10
	freeBlocks = 32
)

// push queues a frame. Needs the lock, does not block.
func (c *conn) push(op byte, payload []byte) *block {
	if c.dead || c.end != endNone {
		return nil
	}
	var b *block
	if n := len(c.queue); n > 0 && len(c.queue[n-1].data)+frameSize(len(payload)) <= blockBytes {
		b = c.queue[n-1]
	} else {
		b = c.s.newBlock()
		c.queue = append(c.queue, b)
	}
	b.data = appendFrame(b.data, op, payload)
	size := frameSize(len(payload))
	c.backlog += size
	c.queued += int64(size)
	return b
}

// event queues a trade of the tape.
func (c *conn) event(frame []byte, due int64) {
	if b := c.push(opText, frame); b != nil {
		b.events++
		b.last = due
	}
}

// finish ends the connection when everything queued so far is written.
func (c *conn) finish(how ending) {
	if c.dead || c.end != endNone {
		return
	}
	if how == endClose {
		c.push(opClose, []byte{1000 >> 8, 1000 & 255})
	}
	c.end = how
	c.poke()
}

// kill ends the connection now.
func (c *conn) kill() {
	c.dead = true
	c.raw.Close()
	c.poke()
}

func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// ping queues the answer to a ping, in place of one still waiting: only the last
// needs one (RFC 6455, 5.5.3). The library calls it from within read.
func (c *conn) ping(_ context.Context, payload []byte) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.pong = appendFrame(nil, opPong, payload)
	c.poke()
	return false // the library answers nothing
}

// read takes the client's requests until the connection ends.
func (c *conn) read(ws *websocket.Conn) error {
	for {
		_, r, err := ws.Reader(context.Background())
		if err != nil {
			return err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		c.s.request(c, parseRequest(text))
	}
}

// pump writes until the connection ends. It blocks on the client.
func (c *conn) pump() {
	s := c.s
	defer s.poke()
	for {
		s.mu.Lock()
		pong := c.pong
		c.pong = nil
		var b *block
		if len(c.queue) > 0 {
			b = c.queue[0]
			c.queue = append(c.queue[:0], c.queue[1:]...)
		}
		if dead, end := c.dead, c.end; dead || b == nil && end != endNone {
			c.done = true
			s.mu.Unlock()
			if !dead {
				c.finished(end)
			}
			return
		}
		s.mu.Unlock()

		if pong != nil {
			if _, err := c.raw.Write(pong); err != nil {
				c.broken(0)
				return
			}
		}
		if b == nil {
			if pong == nil {
				<-c.wake
			}
			continue
		}
		n, err := c.raw.Write(b.data)
		if err != nil {
			c.broken(n)
			return
		}
		s.mu.Lock()
		c.backlog -= n
		c.written += int64(n)
		if !s.paced() && b.events > 0 { // paced, the player counts to the event
			c.sent += b.events
			c.last = b.last
		}
		s.freeBlock(b)
		waited := s.paced() && c.written >= c.target
		s.mu.Unlock()
		if waited {
			s.poke()
		}
	}
}

// broken notes a failed write, after n bytes of the block.
func (c *conn) broken(n int) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.written += int64(n)
	c.done = true
	c.kill()
}

// finished ends the sending side and gives the client some time to read what is
// on the way and to answer; read ends with that.
func (c *conn) finished(end ending) {
	patience := answerClose
	if end == endCut {
		patience = answerCut
		if halfClose(c.raw) != nil {
			c.raw.Close()
		}
	}
	if c.raw.SetReadDeadline(time.Now().Add(patience)) != nil {
		c.raw.Close() // it is closed already
	}
}

func (s *Server) newBlock() *block {
	if n := len(s.free); n > 0 {
		b := s.free[n-1]
		s.free = s.free[:n-1]
		return b
	}
	return new(block)
}

func (s *Server) freeBlock(b *block) {
	if len(s.free) < freeBlocks {
		*b = block{data: b.data[:0]}
		s.free = append(s.free, b)
	}
}
