package eodhd_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

// A refused handshake, with the wait that the server asks for. The bubble's clock
// starts at midnight of 1 January 2000.
func TestRefusedHandshake(t *testing.T) {
	for _, c := range []struct {
		status     int
		retryAfter string
		refusal    string
		wait       time.Duration // -1: none
		says       string
	}{
		{401, "", "key", -1, "the feed refused the handshake: 401 Unauthorized"},
		{403, "", "key", -1, "the feed refused the handshake: 403 Forbidden"},
		{404, "", "key", -1, "the feed refused the handshake: 404 Not Found"},
		{422, "", "request", -1, "the feed refused the handshake: 422 Unprocessable Entity"},
		{429, "7", "rate", 7 * time.Second, "the feed refused the handshake: 429 Too Many Requests"},
		{429, "0", "rate", 0, ""},
		{429, "301", "rate", 300 * time.Second, ""},
		{429, "99999999999999999999999", "rate", 300 * time.Second, ""},
		{429, "-5", "rate", -1, ""},
		{429, "soon", "rate", -1, ""},
		{429, "Sat, 01 Jan 2000 00:01:30 GMT", "rate", 90 * time.Second, ""},
		{429, "Sat, 01 Jan 2000 10:00:00 GMT", "rate", 300 * time.Second, ""},
		{429, "Fri, 31 Dec 1999 10:00:00 GMT", "rate", 0, ""},
		{429, "Sat, 01 Jan 2000 00:01:30 EST", "rate", -1, ""},
		{500, "", "server", -1, "the feed refused the handshake: 500 Internal Server Error"},
		{503, "30", "server", 30 * time.Second, ""},
		{599, "", "server", -1, "the feed refused the handshake: 599"},
		{200, "", "request", -1, "the feed refused the handshake: 200 OK"},
		{302, "", "request", -1, "the feed refused the handshake: 302 Found (redirects are not followed: they would carry the key elsewhere)"},
	} {
		t.Run(fmt.Sprintf("%d %s", c.status, c.retryAfter), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				o := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
					asked++
					w.Header().Set("Location", "http://elsewhere.test"+r.URL.String())
					if c.retryAfter != "" {
						w.Header().Set("Retry-After", c.retryAfter)
					}
					w.WriteHeader(c.status)
				})
				_, err := eodhd.Dial(background, o)
				var r *eodhd.Refused
				if !errors.As(err, &r) {
					t.Fatalf("refused with %v", err)
				}
				wait, ok := r.RetryAfter()
				if !ok {
					wait = -1
				}
				if r.Code != c.status || !r.Handshake || r.Refusal() != c.refusal || wait != c.wait || c.says != "" && r.Error() != c.says {
					t.Errorf("refused with %s, %s, wait %s; want %s, %s, %s", r, r.Refusal(), wait, c.says, c.refusal, c.wait)
				}
				if asked != 1 {
					t.Errorf("the server was asked %d times", asked)
				}
			})
		})
	}
}

// A refusal by frame, by either key, before Authorized, after the subscribe and in
// mid-stream.
func TestRefusedFrame(t *testing.T) {
	for _, c := range []struct {
		code             int
		message, refusal string
	}{
		{401, "x", "key"}, {403, "Server error", "key"}, {404, "", "key"},
		{422, "Only limited symbols allowed for demo", "key"},
		{422, "Only limited symbols allowed for demo.", "request"}, // messages are compared whole
		{422, "Symbols limit reached", "slots"},
		{422, "symbols limit reached", "request"},
		{422, "Action and symbols should be string", "request"},
		{429, "Too many requests", "rate"},
		{500, "Internal error. Try again later", "server"}, {503, "", "server"}, {600, "", "request"},
		{400, "", "request"}, {0, "", "request"}, {201, "", "request"},
	} {
		for _, key := range []string{"status_code", "status"} {
			refused := func(err error) {
				t.Helper()
				var r *eodhd.Refused
				if !errors.As(err, &r) || r.Code != c.code || r.Message != c.message || r.Handshake || r.Refusal() != c.refusal {
					t.Errorf("%s %d %s: %v", key, c.code, c.message, err)
					return
				}
				if _, ok := r.RetryAfter(); ok || r.Error() != strings.TrimSpace(fmt.Sprintf("the feed refused: %d %s", c.code, c.message)) {
					t.Errorf("it says %q", r)
				}
			}
			no := fmt.Sprintf(`{"%s":%d,"message":%q}`, key, c.code, c.message)
			_, err := eodhd.Dial(background, serve(t, func(ctx context.Context, ws *websocket.Conn) {
				say(ctx, ws, no)
				listen(ctx, ws)
			}))
			refused(err)

			conn := dial(t, serve(t, func(ctx context.Context, ws *websocket.Conn) {
				say(ctx, ws, authorized)
				ws.Read(ctx)
				say(ctx, ws, no, stockFrame, no, stockFrame)
				listen(ctx, ws)
			}))
			if err := conn.Subscribe(background, []string{"AAPL"}); err != nil {
				t.Error(err)
			}
			for range 2 { // and the connection goes on
				kind, err := conn.Read(background, new(candle.Trade))
				if kind != eodhd.KindControl {
					t.Errorf("%s is %s", no, kind)
				}
				refused(err)
				if kind, err := conn.Read(background, new(candle.Trade)); kind != eodhd.KindTrade || err != nil {
					t.Errorf("after it: %s, %v", kind, err)
				}
			}
			conn.CloseNow()
		}
	}
}
