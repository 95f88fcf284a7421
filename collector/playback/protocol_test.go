package playback_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/playback"
)

// quiet is a recording that has nothing to say during these tests.
func quiet(t *testing.T) *playback.Recording {
	hour := int64(3_600_000)
	return recording(t, frame("QLD", "70.44", hour), frame("AAPL", "300", hour), frame("SPY", "600.5", 2*hour))
}

func TestProtocol(t *testing.T) {
	const thursday = "1795121990000" // 15:59:50 New York, the first symbol's
	tests := []struct {
		name, path string
		wait       time.Duration // before the first word
		say        []string
		want       []string
		closed     bool
	}{
		{name: "a subscribe before Authorized kills the socket", path: "/ws/us?api_token=k", say: []string{
			`{"action":"subscribe","symbols":"QLD"}`, `{"action":"subscribe","symbols":"QLD"}`},
			want: []string{`{"status":500,"message":"Server error"}`}},
		{name: "no token", path: "/ws/us", wait: time.Second,
			want: []string{`{"status":403,"message":"Server error"}`}, closed: true},
		{name: "an array", path: "/ws/us?api_token=k", wait: time.Second,
			say:  []string{`{"action":"subscribe","symbols":["QLD"]}`},
			want: []string{authorized, `{"status_code":422,"message":"Action and symbols should be string"}`}},
		{name: "no action, not JSON", path: "/ws/us?api_token=k", wait: time.Second,
			say: []string{`{"symbols":"QLD"}`, `hello`},
			want: []string{authorized, `{"status_code":422,"message":"Action and symbols should be string"}`,
				`{"status_code":422,"message":"Action and symbols should be string"}`}},
		{name: "an unknown action", path: "/ws/us?api_token=k", wait: time.Second,
			say:  []string{`{"action":"buy","symbols":"QLD"}`},
			want: []string{authorized, `{"status":422,"message":"Server error"}`}},
		{name: "demo may not", path: "/ws/us?api_token=demo", wait: time.Second,
			say:  []string{`{"action":"subscribe","symbols":"AAPL,QLD"}`},
			want: []string{authorized, `{"status_code":422,"message":"Only limited symbols allowed for demo"}`}},
		{name: "demo may", path: "/ws/crypto?api_token=demo", wait: time.Second,
			say: []string{`{"action":"subscribe","symbols":"AAPL"}`},
			want: []string{authorized,
				`{"s":"AAPL","p":300,"c":[],"v":1,"dp":false,"ms":"open","t":1795121997919}`}},
		{name: "unknown symbols are silent, each subscribe echoes", path: "/ws/us?api_token=k", wait: time.Second,
			say: []string{`{"action":"subscribe","symbols":"QLD.US,QLD,nope"}`, `{"action":"subscribe","symbols":"QLD"}`},
			want: []string{authorized,
				`{"s":"QLD","p":70.44,"c":[],"v":1,"dp":false,"ms":"open","t":` + thursday + `}`,
				`{"s":"QLD","p":70.44,"c":[],"v":1,"dp":false,"ms":"open","t":` + thursday + `}`}},
		{name: "all or nothing", path: "/ws/us?api_token=k", wait: time.Second,
			say:  []string{`{"action":"subscribe","symbols":"QLD,AAPL,SPY,IBM"}`},
			want: []string{authorized, limited}},
		{name: "unsubscribe gives the slots back", path: "/ws/us?api_token=k", wait: time.Second,
			say: []string{`{"action":"subscribe","symbols":"A,B,C"}`, `{"action":"subscribe","symbols":"A,B"}`,
				`{"action":"subscribe","symbols":"D"}`, `{"action":"unsubscribe","symbols":"A"}`,
				`{"action":"subscribe","symbols":"D"}`},
			want: []string{authorized, limited}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, quiet(t), playback.ServerOptions{Speed: 1, Limit: 3})
				defer w.stop()
				c := w.dial(test.path)
				time.Sleep(test.wait)
				for _, text := range test.say {
					c.send(text)
					synctest.Wait()
				}
				time.Sleep(time.Second)
				expect(t, "frames", c.got(), test.want...)
				select {
				case <-c.closed:
					if !test.closed {
						t.Errorf("closed: %v", c.err)
					}
				default:
					if test.closed {
						t.Error("still open")
					}
				}
			})
		})
	}
}

// The key's slots are counted over connections, are free at once after a close
// frame, and only 1.5 s later after a connection that just died.
func TestSlotsOfTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, quiet(t), playback.ServerOptions{Speed: 10, Limit: 3})
		defer w.stop()
		open := func() *client {
			c := w.dial("/ws/us?api_token=k")
			time.Sleep(100 * time.Millisecond)
			return c
		}
		first, second, other := open(), open(), w.dial("/ws/us?api_token=other")
		time.Sleep(100 * time.Millisecond)
		first.subscribe("A", "B")
		second.subscribe("C", "D")
		expect(t, "two connections", second.after(1), limited)
		other.subscribe("A", "B", "C")
		expect(t, "another key", other.after(1))

		first.ws.Close(websocket.StatusNormalClosure, "")
		synctest.Wait()
		second.subscribe("C", "D")
		expect(t, "after a clean close", second.after(2))

		second.raw.Close()
		third := open() // 1 s of event time
		third.subscribe("A", "B")
		expect(t, "after a death", third.after(1), limited)
		time.Sleep(40 * time.Millisecond)
		third.subscribe("A", "B")
		expect(t, "still", third.after(2), limited)
		time.Sleep(20 * time.Millisecond)
		third.subscribe("A", "B")
		expect(t, "later", third.after(3))
		if closed := w.traces(playback.Closed); len(closed) != 2 || closed[0].Cause != "closed by client" || closed[1].Cause != "lost" {
			t.Errorf("closed: %+v", closed)
		}
	})
}

// A subscribe of more than 1 MiB is read, and answered in full.
func TestLongSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, quiet(t), playback.ServerOptions{Speed: 1})
		defer w.stop()
		c := w.dial("/ws/us?api_token=k")
		time.Sleep(time.Second)
		c.subscribe(strings.Repeat("NOTHING,", 200_000)+"SPY", "QLD")
		if got := c.after(1); len(got) != 2 || !strings.Contains(got[0], "SPY") || !strings.Contains(got[1], "QLD") {
			t.Errorf("%d echoes", len(got))
		}
	})
}

// A ping is answered while frames flow, and while they do not.
func TestPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, playback.NewMarket(playback.MarketOptions{Session: morning, Rate: 1000}),
			playback.ServerOptions{Speed: 100, Once: true})
		c := w.dial("/ws/us?api_token=k")
		time.Sleep(100 * time.Millisecond)
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if err := c.ws.Ping(ctx); err != nil {
				t.Fatalf("ping: %v", err)
			}
			cancel()
			c.subscribe("S00001", "S00002", "S00003")
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(c.got()); n < 1000 {
			t.Errorf("only %d frames", n)
		}
		w.stop()
	})
}

func TestOtherPaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, quiet(t), playback.ServerOptions{})
		defer w.stop()
		for _, path := range []string{"/", "/ws/", "/ws/us/x", "/other"} {
			conn, err := w.pipes.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			go conn.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: feed\r\nConnection: close\r\n\r\n"))
			answer := make([]byte, 12)
			if _, err := conn.Read(answer); err != nil || string(answer) != "HTTP/1.1 404" {
				t.Errorf("%s: %q, %v", path, answer, err)
			}
			conn.Close()
		}
	})
}
