package eodhd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

var background = context.Background()

// TestConn is a whole life: handshake, clock, Authorized, subscribe, all kinds of
// frames, a polite close.
func TestConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var ended error
		o := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path, r.URL.Query().Get("api_token"), r.URL.Query().Get("x"))
			w.Header().Set("Tapedeck-Clock", time.Now().UTC().Format("2006-01-02T15:04:05.000Z")+" 2.5")
			ws, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(400 * time.Millisecond)
			say(background, ws, `{"s":"EARLY","p":1,"v":1,"t":1}`, authorized)
			for range 2 {
				_, subscribe, _ := ws.Read(background)
				asked = append(asked, string(subscribe))
			}
			ws.Write(background, websocket.MessageBinary, []byte(stockFrame))
			say(background, ws, stockFrame, `{"s":"QQQ","p":1,"v":1,"t":1}`, `{"s":"X","p":1,"v":1,"t":1}`, `nonsense`, authorized)
			ended = listen(background, ws)
			ws.CloseNow()
		})
		o.URL += "/?x=y&api_token=other"
		c := dial(t, o)
		clock, ok := c.Clock()
		if !ok || clock.Speed != 2.5 || !clock.At(time.Now()).Equal(clock.Start.Add(time.Second)) {
			t.Errorf("400 ms after the handshake the clock is %+v, %v", clock, ok)
		}
		for _, symbols := range [][]string{{"AAPL", "É\"<"}, {"QQQ"}} {
			if err := c.Subscribe(background, symbols); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(background, time.Minute)
		defer cancel()
		read := make(chan struct{})
		go func() {
			defer close(read)
			trades, kinds, err := readAll(ctx, c)
			if len(trades) != 2 || shown(&trades[0]) != "AAPL 316.9603 48 1784115290873 14|37|41| false" || trades[1].Symbol != "QQQ" ||
				kinds[eodhd.KindUnsubscribed] != 1 || kinds[eodhd.KindGarbage] != 2 || kinds[eodhd.KindControl] != 1 {
				t.Errorf("read %+v, kinds %v", trades, kinds)
			}
			if !errors.As(err, new(*eodhd.Disconnected)) {
				t.Errorf("the read ended with %v", err)
			}
		}()
		synctest.Wait()
		if err := c.Ping(ctx); err != nil {
			t.Error(err)
		}
		if err := c.Close(strings.Repeat("end of session ", 20)); err != nil {
			t.Error(err)
		}
		<-read
		if err := errors.Join(c.Close("again"), c.CloseNow(), c.CloseNow()); err != nil {
			t.Errorf("closed again: %v", err)
		}
		synctest.Wait()
		want := []string{"/ws/us", string(secret), "y", `{"action":"subscribe","symbols":"AAPL,É\"<"}`, `{"action":"subscribe","symbols":"QQQ"}`}
		want[3] = `{"action":"subscribe","symbols":"AAPL,É\"\u003c"}`
		if fmt.Sprint(asked) != fmt.Sprint(want) {
			t.Errorf("the server was asked %q, want %q", asked, want)
		}
		if websocket.CloseStatus(ended) != websocket.StatusNormalClosure || !strings.Contains(ended.Error(), "end of session") {
			t.Errorf("the server saw the end as %v", ended)
		}
	})
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		path   string
		market eodhd.Market
		want   string
	}{{"", "", "/ws/us"}, {"/", eodhd.Crypto, "/ws/crypto"}, {"/feed", eodhd.Crypto, "/feed"}, {"#x", eodhd.US, "/ws/us"}} {
		o := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != c.want || r.URL.Query().Get("api_token") != string(secret) {
				t.Errorf("%q is dialled as %s", c.path, r.URL.Path)
			}
			w.WriteHeader(http.StatusForbidden)
		})
		o.URL, o.Market = o.URL+c.path, c.market
		if _, err := eodhd.Dial(background, o); !errors.As(err, new(*eodhd.Refused)) {
			t.Error(err)
		}
	}
}

// Servers that leave us waiting, and the moment when we stop to.
func TestDialWaits(t *testing.T) {
	mute := func(ctx context.Context, ws *websocket.Conn) { listen(ctx, ws) }
	chatty := func(ctx context.Context, ws *websocket.Conn) {
		go listen(ctx, ws)
		for ctx.Err() == nil && ws.Write(ctx, websocket.MessageText, []byte(stockFrame)) == nil {
			time.Sleep(300 * time.Millisecond)
		}
	}
	for name, c := range map[string]struct {
		talk   func(context.Context, *websocket.Conn) // nil: it accepts and says nothing at all
		limit  time.Duration
		want   time.Duration
		says   string
		system error
	}{
		"no answer":      {nil, time.Hour, 10 * time.Second, "cannot reach the feed: no answer within 10s", context.DeadlineExceeded},
		"no answer, ctx": {nil, time.Second, time.Second, "cannot reach the feed: cancelled", context.DeadlineExceeded},
		"mute":           {mute, time.Hour, 10 * time.Second, "waiting for Authorized: no Authorized within 10s", nil},
		"chatty":         {chatty, time.Hour, 10 * time.Second, "waiting for Authorized: no Authorized within 10s", nil},
		"mute, ctx":      {mute, time.Second, time.Second, "waiting for Authorized: context deadline exceeded", context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o eodhd.Options
				if c.talk != nil {
					o = serve(t, c.talk)
				} else {
					m := newMemory()
					o = eodhd.Options{URL: "ws://feed.test", Token: secret, DialContext: m.dial}
					go func() {
						conn, _ := m.Accept()
						for b := make([]byte, 100); ; {
							if _, err := conn.Read(b); err != nil {
								return
							}
						}
					}()
				}
				ctx, cancel := context.WithTimeout(background, c.limit)
				defer cancel()
				begin := time.Now()
				_, err := eodhd.Dial(ctx, o)
				if err == nil || err.Error() != c.says || c.system != nil && !errors.Is(err, c.system) {
					t.Errorf("the dial ended with %v, want %s", err, c.says)
				}
				var timeout interface{ Timeout() bool }
				if c.limit == time.Hour && (!errors.As(err, &timeout) || !timeout.Timeout()) {
					t.Errorf("%v is no timeout", err)
				}
				if took := time.Since(begin); took != c.want {
					t.Errorf("it took %s, want %s", took, c.want)
				}
			})
		})
	}
}

// A polite close of a server that does not answer takes 200 ms, with and without
// somebody reading.
func TestCloseSilent(t *testing.T) {
	for _, reading := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := serve(t, func(ctx context.Context, ws *websocket.Conn) {
				say(ctx, ws, authorized)
				time.Sleep(time.Hour)
			})
			o.DialContext = roomyDial(o.DialContext)
			c := dial(t, o)
			read := make(chan error, 1)
			if reading {
				go func() {
					_, err := c.Read(background, new(candle.Trade))
					read <- err
				}()
			} else {
				read <- net.ErrClosed
			}
			synctest.Wait()
			begin := time.Now()
			err := c.Close("bye")
			if took := time.Since(begin); took != 200*time.Millisecond || err == nil {
				t.Errorf("closed in %s: %v", took, err)
			}
			if err := <-read; !errors.Is(err, net.ErrClosed) {
				t.Errorf("the read ended with %v", err)
			}
			if err := errors.Join(c.Close("again"), c.CloseNow()); err != nil {
				t.Errorf("closed again: %v", err)
			}
		})
	}
}

// roomy swallows all that is written after the handshake: a pipe would block where
// a socket has room.
type roomy struct {
	net.Conn
	asked bool
}

func (r *roomy) Write(b []byte) (int, error) {
	if r.asked {
		return len(b), nil
	}
	r.asked = true
	return r.Conn.Write(b)
}

func roomyDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return &roomy{Conn: c}, err
	}
}

// The context of Read ends the connection: in the middle, between two reads, and
// not any more once there is another.
func TestReadContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := func() *eodhd.Conn {
			return dial(t, serve(t, func(ctx context.Context, ws *websocket.Conn) {
				say(ctx, ws, authorized, stockFrame, stockFrame)
				listen(ctx, ws)
			}))
		}
		c := begin()
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		if _, _, err := readAll(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in the middle: %v", err)
		}
		if _, err := c.Read(background, new(candle.Trade)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the end: %v", err)
		}

		c = begin()
		ctx, cancel = context.WithCancel(background)
		read := func(ctx context.Context) error {
			_, err := c.Read(ctx, new(candle.Trade))
			return err
		}
		if err := read(ctx); err != nil {
			t.Error(err)
		}
		if err := read(background); err != nil {
			t.Error(err)
		}
		cancel()
		synctest.Wait()
		if err := c.Subscribe(background, []string{"A"}); err != nil {
			t.Errorf("a context given up closed the connection: %v", err)
		}

		c = begin()
		ctx, cancel = context.WithCancel(background)
		if err := read(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		synctest.Wait()
		if err := read(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("between two reads: %v", err)
		}
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := serve(t, func(ctx context.Context, ws *websocket.Conn) {
			say(ctx, ws, authorized)
			time.Sleep(10 * time.Second) // nobody reads, so no pong is sent
			listen(ctx, ws)
		})
		o.DialContext = roomyDial(o.DialContext)
		c := dial(t, o)
		lost := make(chan error)
		go func() {
			_, err := c.Read(background, new(candle.Trade))
			lost <- err
		}()
		ctx, cancel := context.WithTimeout(background, 15*time.Second)
		defer cancel()
		begin := time.Now()
		if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 15*time.Second {
			t.Errorf("without a pong, after %s: %v", time.Since(begin), err)
		}
		synctest.Wait()
		select {
		case err := <-lost:
			t.Errorf("a ping without a pong woke the reader: %v", err)
		default:
		}
		c.CloseNow()
		if err := <-lost; !errors.Is(err, net.ErrClosed) {
			t.Errorf("CloseNow woke the reader with %v", err)
		}
		var d *eodhd.Disconnected
		if err := c.Ping(background); !errors.As(err, &d) || d.Category() != "closed" || !errors.Is(err, net.ErrClosed) {
			t.Errorf("of a closed connection: %v", err)
		}
	})
}

func TestSubscribe(t *testing.T) {
	many := make([]string, 11_000)
	for i := range many {
		many[i] = fmt.Sprintf("LONGSYMBOL%05d", i)
	}
	got := make(chan string, 1)
	c := dial(t, serve(t, func(ctx context.Context, ws *websocket.Conn) {
		say(ctx, ws, authorized)
		_, frame, _ := ws.Read(ctx)
		got <- string(frame)
		say(ctx, ws, `{"s":"LONGSYMBOL10999","p":1,"v":1,"t":1}`)
		listen(ctx, ws)
	}))
	for _, bad := range [][]string{nil, {""}, {"A,B"}, {"A", " B"}, {strings.Repeat("x", 1<<20)}} {
		if err := c.Subscribe(background, bad); err == nil {
			t.Errorf("%.20q was subscribed", bad)
		}
	}
	if err := c.Subscribe(background, many); err != nil {
		t.Fatal(err)
	}
	if want := `{"action":"subscribe","symbols":"` + strings.Join(many, ",") + `"}`; <-got != want {
		t.Error("the subscribe frame is another")
	}
	if kind, err := c.Read(background, new(candle.Trade)); kind != eodhd.KindTrade || err != nil {
		t.Errorf("read %s, %v", kind, err)
	}
}
