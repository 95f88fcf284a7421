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
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/monitor"
)

// reader asks on a connection of its own, in memory, and reads n bytes of the body.
func reader(t *testing.T, p *pipes, path, header string, n int64) net.Conn {
	t.Helper()
	c := says(t, p, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+header+"\r\n")
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, r.Body, n); err != nil {
		t.Fatal(err)
	}
	return c
}

// endless is a download that is written for as long as its context goes on; what it is known
// by is how many are being written.
type endless struct {
	written
	going atomic.Int64
}

func (e *endless) write(ctx context.Context, w io.Writer) error {
	e.going.Add(1)
	defer e.going.Add(-1)
	return e.written.write(ctx, w)
}

func (e *endless) download() *monitor.Download {
	d := e.written.download()
	d.Write = e.write
	return d
}

// TestDownloadGone has the client go away in the middle: the writing ends, and nothing is left.
func TestDownloadGone(t *testing.T) {
	for name, header := range map[string]string{"whole": "", "part": "Range: bytes=100-\r\n", "parts": "Range: bytes=0-4000000,5000000-9000000\r\n"} {
		t.Run(name, func(t *testing.T) {
			e := &endless{written: written{data: noise(10 << 20), tag: "t", settled: true}}
			h := openSite(t, func(s *monitor.Site) {
				s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) { return e.download(), nil }
			})
			within(t, h, func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
				for n := range int64(5) {
					c := reader(t, p, "/export/a.csv", header, 3_000_000+n*200_000)
					if e.going.Load() != 1 {
						t.Fatalf("%d are being written", e.going.Load())
					}
					_ = c.Close()
					synctest.Wait()
					if going := e.going.Load(); going != 0 {
						t.Errorf("%d are still being written", going)
					}
				}
			})
		})
	}
}

// TestDownloadGoneEarly has the client go away while the file is made for its size.
func TestDownloadGoneEarly(t *testing.T) {
	ended := make(chan error, 1)
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return &monitor.Download{Name: "a", Type: "text/csv", Tag: "t", Settled: true, Write: func(ctx context.Context, _ io.Writer) error {
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}}, nil
		}
	})
	within(t, h, func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
		c := says(t, p, "GET /export/a.csv HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-\r\n\r\n")
		synctest.Wait()
		_ = c.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// TestDownloadStands has a client stop reading and stay: it is let go, and the writing ends.
func TestDownloadStands(t *testing.T) {
	e := &endless{written: written{data: noise(10 << 20), tag: "t", settled: true}}
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) { return e.download(), nil }
	})
	within(t, h, func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
		c := reader(t, p, "/export/a.csv", "", 3_000_000)
		time.Sleep(monitor.PieceWithin - time.Second)
		if e.going.Load() != 1 {
			t.Error("a slow one was let go too early")
		}
		time.Sleep(2 * time.Second)
		if e.going.Load() != 0 {
			t.Error("it is still being written")
		}
		_ = c.Close()
	})
}

// TestDownloadSlow reads a piece a minute, for an hour and more: that is slow, and goes on.
func TestDownloadSlow(t *testing.T) {
	data := noise(monitor.WholeInMemory + 1<<20)
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return (&written{data: data, tag: "t", chunk: 1 << 19}).download(), nil
		}
	})
	within(t, h, func(t *testing.T, _ *pipes, client *http.Client, _ func()) {
		r, err := client.Get("http://localhost/export/a.csv")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var whole bytes.Buffer
		for err == nil {
			time.Sleep(time.Minute)
			_, err = io.CopyN(&whole, r.Body, 32<<10)
		}
		if !errors.Is(err, io.EOF) || !bytes.Equal(whole.Bytes(), data) || time.Since(began) < time.Hour {
			t.Errorf("%d bytes in %v, %v", whole.Len(), time.Since(began), err)
		}
	})
}

// TestDownloadPartsGone has clients go away everywhere in an answer of several parts: what is
// read for it is not touched by two at once (go test -race), and nothing is left that writes.
func TestDownloadPartsGone(t *testing.T) {
	e := &endless{written: written{data: noise(10 << 20), tag: "t", settled: true}}
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) { return e.download(), nil }
	})
	within(t, h, func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
		for n := range int64(60) {
			c := reader(t, p, "/export/a.csv", "Range: bytes=0-100000,200000-300000,5-500000,9000000-9500000,100-8000000\r\n", 50_000+n*17_000)
			_ = c.Close()
			synctest.Wait()
			if going := e.going.Load(); going != 0 {
				t.Fatalf("%d are still being written", going)
			}
		}
	})
}
