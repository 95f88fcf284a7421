package eodhd_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

const (
	authorized = `{"status_code":200,"message":"Authorized"}`
	// secret has characters that a URL must escape.
	secret = eodhd.Token("Sesame/Open+Knock 5678%é")
)

// memory is a listener whose connections are pipes, so that a synctest bubble can
// see that everybody waits.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
}

func newMemory() *memory { return &memory{make(chan net.Conn), make(chan struct{})} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}
func (m *memory) Close() error   { close(m.done); return nil }
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case m.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.done:
		return nil, errors.New("memory is closed")
	}
}

// serveHTTP serves a handler in memory, until the test ends.
func serveHTTP(t testing.TB, handle http.HandlerFunc) eodhd.Options {
	t.Helper()
	m := newMemory()
	var handlers sync.WaitGroup // the server forgets those that became WebSockets
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		handle(w, r)
	})}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		server.Serve(m)
	}()
	t.Cleanup(func() {
		server.Close()
		<-stopped
		handlers.Wait()
	})
	return eodhd.Options{URL: "ws://feed.test", Token: secret, DialContext: m.dial}
}

// serve serves WebSockets in memory. When talk returns, the connection is cut.
func serve(t testing.TB, talk func(ctx context.Context, ws *websocket.Conn)) eodhd.Options {
	t.Helper()
	return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		ws.SetReadLimit(1 << 20)
		talk(context.Background(), ws)
	})
}

// say writes text frames. It reports no failure: what the client does not get it
// will miss.
func say(ctx context.Context, ws *websocket.Conn, frames ...string) {
	for _, f := range frames {
		ws.Write(ctx, websocket.MessageText, []byte(f))
	}
}

// listen reads until the connection ends, and returns why.
func listen(ctx context.Context, ws *websocket.Conn) error {
	for {
		if _, _, err := ws.Read(ctx); err != nil {
			return err
		}
	}
}

func dial(t testing.TB, o eodhd.Options) *eodhd.Conn {
	t.Helper()
	c, err := eodhd.Dial(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// serveRaw answers handshakes on a loopback port with the bytes that follow, and
// then whatever more writes.
func serveRaw(t testing.TB, more func(net.Conn)) eodhd.Options {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
			base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
		c.Write(frame(0x81, authorized))
		more(c)
	})}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		<-stopped
	})
	return eodhd.Options{URL: "ws://" + l.Addr().String(), Token: secret}
}

// frame is one unmasked WebSocket frame.
func frame(head byte, payload string) []byte {
	b := []byte{head, byte(len(payload))}
	if len(payload) > 125 {
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	}
	return append(b, payload...)
}

// readAll reads until an error, and counts the kinds.
func readAll(ctx context.Context, c *eodhd.Conn) (trades []candle.Trade, kinds [eodhd.KindCount]int, err error) {
	for {
		var t candle.Trade
		kind, err := c.Read(ctx, &t)
		if err != nil {
			return trades, kinds, err
		}
		kinds[kind]++
		if kind == eodhd.KindTrade {
			trades = append(trades, t)
		}
	}
}
