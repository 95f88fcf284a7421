package monitor_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/monitor"
)

// pipes is a listener in memory, with nothing between the two ends that would keep bytes.
type pipes struct {
	came chan net.Conn
	once sync.Once
	done chan struct{}
}

func newPipes() *pipes { return &pipes{came: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.came:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.came <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// within serves a handler in memory in fake time while f runs, and waits for all that was
// started. What is left then fails the test.
func within(t *testing.T, h http.Handler, f func(t *testing.T, p *pipes, client *http.Client, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- monitor.Serve(ctx, p, h) }()
		stop := sync.OnceFunc(func() {
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		transport := &http.Transport{DialContext: p.dial, DisableCompression: true}
		f(t, p, &http.Client{Transport: transport}, stop)
		transport.CloseIdleConnections()
		stop()
		synctest.Wait()
	})
}

// says writes a request as it stands there on a connection of its own.
func says(t *testing.T, p *pipes, text string) net.Conn {
	t.Helper()
	c, err := p.dial(context.Background(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// let is for how long a connection is kept on which nothing more is said or read.
func let(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if err := c.SetReadDeadline(began.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection is kept for ever")
	}
	return time.Since(began)
}

// TestServeEnds serves rows, and ends with its context in the middle of one.
func TestServeEnds(t *testing.T) {
	at := make(chan context.Context, 1)
	h := openSite(t, func(s *monitor.Site) {
		s.Rows["wait"] = func(ctx context.Context, _ url.Values, _ io.Writer) (url.Values, error) {
			at <- ctx
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	within(t, h, func(t *testing.T, p *pipes, client *http.Client, stop func()) {
		r, err := client.Get("http://localhost/api/dates")
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.Contains(body, []byte(marker)) {
			t.Errorf("%s %v", body, err)
		}
		asked := make(chan int, 1)
		go func() {
			code := 0
			if r, err := client.Get("http://localhost/api/wait"); err == nil {
				code = r.StatusCode
				_ = r.Body.Close()
			}
			asked <- code
		}()
		ctx := <-at
		stop()
		if ctx.Err() == nil {
			t.Error("what was being answered goes on")
		}
		if code := <-asked; code == http.StatusOK {
			t.Error("it was answered as if all was well")
		}
		if _, err := client.Get("http://localhost/healthz"); err == nil {
			t.Error("it still answers")
		}
	})
}

// TestServeListener returns the error of a listener that breaks.
func TestServeListener(t *testing.T) {
	p := newPipes()
	_ = p.Close()
	if err := monitor.Serve(context.Background(), p, openSite(t, nil)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestServeLimits has clients begin and not go on: none of them keeps a connection.
func TestServeLimits(t *testing.T) {
	const host = " HTTP/1.1\r\nHost: localhost\r\n"
	for _, c := range []struct {
		name, text string
		most       time.Duration
	}{
		{"nothing", "", 5 * time.Second},
		{"half a head", "GET /" + host + "X: ", 5 * time.Second},
		{"idle after an answer", "GET /healthz" + host + "\r\n", 2 * time.Minute},
		{"a form that does not come", "POST /login" + host + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\ntoken=", 3 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			within(t, openSite(t, nil), func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
				if kept := let(t, says(t, p, c.text)); kept > c.most {
					t.Errorf("kept for %v", kept)
				}
			})
		})
	}
}

// TestServeBodies sends the head of a request with a body that never comes, where nobody
// wants one: the answer comes, and the connection is not kept.
func TestServeBodies(t *testing.T) {
	for _, path := range []string{"GET /healthz", "POST /logout", "GET /api/dates", "PUT /"} {
		within(t, openSite(t, nil), func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
			c := says(t, p, path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
			if kept := let(t, c); kept > 3*time.Minute {
				t.Errorf("%s: kept for %v", path, kept)
			}
			_ = c.Close()
		})
	}
}

// TestServeUnread asks and does not read the answer: after a while it is let go.
func TestServeUnread(t *testing.T) {
	for _, path := range []string{"/api/dates", "/export/1s.csv", "/backup", "/", "/assets/app.js", "/healthz", "/nowhere"} {
		within(t, openSite(t, nil), func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
			c := says(t, p, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
			time.Sleep(5 * time.Minute)
			if n, err := io.Copy(io.Discard, c); n > 0 || err != nil {
				t.Errorf("%s: it was still there after 5 minutes: %d bytes, %v", path, n, err)
			}
			_ = c.Close()
		})
	}
}

// TestServeHeader refuses a head that is too long.
func TestServeHeader(t *testing.T) {
	within(t, openSite(t, nil), func(t *testing.T, p *pipes, client *http.Client, _ func()) {
		for n, want := range map[int]int{monitor.MostHeader / 2: http.StatusOK, 2 * monitor.MostHeader: http.StatusRequestHeaderFieldsTooLarge} {
			c, err := p.dial(context.Background(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			go func() { // the other end may stop reading
				_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", n)+"\r\n\r\n")
			}()
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || r.StatusCode != want {
				t.Errorf("%d bytes: %v %v", n, r, err)
			}
			_ = c.Close()
			time.Sleep(time.Second) // a server that refuses lets a client read why
		}
	})
}

// TestListen takes an address, and says who may reach it.
func TestListen(t *testing.T) {
	l, err := monitor.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if monitor.Outside(l.Addr()) {
		t.Errorf("%v can be reached from outside", l.Addr())
	}
	if _, err := monitor.ListenTCP(l.Addr().String()); err == nil {
		t.Error("it was taken twice")
	}
	if _, err := monitor.ListenTCP("nowhere"); err == nil {
		t.Error("it listens nowhere")
	}
	for address, want := range map[string]bool{"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": true, "::": true, "10.0.0.1": true} {
		if got := monitor.Outside(&net.TCPAddr{IP: net.ParseIP(address), Port: 80}); got != want {
			t.Errorf("%s is outside: %t", address, got)
		}
	}
	if !monitor.Outside(&net.UnixAddr{}) || !monitor.Outside(&net.TCPAddr{Port: 80}) {
		t.Error("what is not known to be of this machine is taken for that")
	}
}
