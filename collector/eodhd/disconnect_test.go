package eodhd_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"tapedeck/collector/eodhd"
)

// Every way to lose a connection, with its category.
func TestDisconnected(t *testing.T) {
	lose := func(talk func(ctx context.Context, ws *websocket.Conn)) eodhd.Options {
		return serve(t, func(ctx context.Context, ws *websocket.Conn) {
			say(ctx, ws, authorized)
			talk(ctx, ws)
		})
	}
	for name, c := range map[string]struct {
		options  eodhd.Options
		category string
		code     int
		says     string
	}{
		"close frame": {lose(func(_ context.Context, ws *websocket.Conn) { ws.Close(1001, "bye "+string(secret)) }),
			"closed", 1001, "reading from the feed: the feed closed the connection with code 1001 bye ***"},
		"close frame without a code": {serveRaw(t, func(c net.Conn) { c.Write(frame(0x88, "")) }),
			"closed", 1005, "reading from the feed: the feed closed the connection with code 1005"},
		"no close frame": {lose(func(context.Context, *websocket.Conn) {}),
			"eof", 0, "reading from the feed: the feed hung up without a close frame"},
		"half a frame": {serveRaw(t, func(c net.Conn) { c.Write(frame(0x81, stockFrame)[:50]) }),
			"eof", 0, "reading from the feed: the feed hung up without a close frame"},
		"reset": {serveRaw(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }),
			"reset", 0, "reading from the feed: the connection was reset"},
		"too big": {lose(func(ctx context.Context, ws *websocket.Conn) {
			go listen(ctx, ws)
			say(ctx, ws, strings.Repeat(" ", 4<<20+1))
		}), "too_big", 0, "reading from the feed: a frame was over the limit of 4 MiB"},
		"no such frame": {serveRaw(t, func(c net.Conn) { c.Write(frame(0x87, "x")); c.Read(make([]byte, 100)) }),
			"protocol", 0, "reading from the feed: the feed broke the WebSocket protocol"},
		"bad close frame": {serveRaw(t, func(c net.Conn) { c.Write(frame(0x88, "x")); c.Read(make([]byte, 100)) }),
			"protocol", 0, "reading from the feed: the feed broke the WebSocket protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := eodhd.Dial(background, c.options)
			if err == nil {
				_, _, err = readAll(background, conn)
			}
			var d *eodhd.Disconnected
			if !errors.As(err, &d) {
				t.Fatalf("lost by %v", err)
			}
			// A reset may overtake Authorized.
			says := strings.Replace(d.Error(), "waiting for Authorized", "reading from the feed", 1)
			if d.Category() != c.category || d.Code != c.code || says != c.says || d.Timeout() {
				t.Errorf("lost by %s %d: %s\nwant %s %d: %s", d.Category(), d.Code, d, c.category, c.code, c.says)
			}
			if conn != nil {
				if _, _, again := readAll(background, conn); again != err {
					t.Errorf("then by %v", again)
				}
			}
		})
	}
}

// A frame of exactly 4 MiB is read, and so is the small one behind it.
func TestLargeFrames(t *testing.T) {
	c := dial(t, serve(t, func(ctx context.Context, ws *websocket.Conn) {
		say(ctx, ws, authorized)
		ws.Read(ctx)
		say(ctx, ws, `{"x":"`+strings.Repeat("y", 4<<20-8)+`"}`, stockFrame, strings.Repeat("x", 1<<20), stockFrame)
		ws.Close(websocket.StatusNormalClosure, "")
	}))
	if err := c.Subscribe(background, []string{"AAPL"}); err != nil {
		t.Fatal(err)
	}
	trades, kinds, err := readAll(background, c)
	if len(trades) != 2 || kinds[eodhd.KindUnknown] != 1 || kinds[eodhd.KindGarbage] != 1 {
		t.Errorf("%d trades, kinds %v, %v", len(trades), kinds, err)
	}
}
