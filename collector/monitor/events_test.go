package monitor_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/monitor"
)

// streaming serves a hub whose clients listen to the topics they name.
func streaming(t *testing.T, f func(t *testing.T, hub *monitor.Hub, p *pipes, client *http.Client, stop func())) {
	t.Helper()
	hub := monitor.NewHub()
	h := openSite(t, func(s *monitor.Site) {
		s.Hub = hub
		s.Topics = func(asked url.Values) ([]string, error) { return asked["topic"], nil }
	})
	within(t, h, func(t *testing.T, p *pipes, client *http.Client, stop func()) { f(t, hub, p, client, stop) })
}

// heard is an event as a client has it.
type heard struct{ id, name, data string }

// stream is what a client reads.
type stream struct {
	*http.Response
	text *bufio.Reader
	end  context.CancelFunc
}

// listens asks for the events of a topic, after that with an id.
func listens(t *testing.T, client *http.Client, topic, id string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/events?topic="+topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	r.Header.Set("Accept-Encoding", "gzip, zstd")
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%d", answer.StatusCode)
	}
	synctest.Wait()
	return &stream{answer, bufio.NewReader(answer.Body), cancel}
}

// next is the next event, as the standard has it read: lines up to an empty one.
func (s *stream) next() (e heard, err error) {
	any := false
	for {
		line, err := s.text.ReadString('\n')
		if err != nil {
			return e, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data += value
			any = true
		case "":
			if any {
				return e, nil
			}
		}
	}
}

// hears reads the next events, and fails when they are others.
func (s *stream) hears(t *testing.T, want ...string) (ids []string) {
	t.Helper()
	for _, data := range want {
		e, err := s.next()
		if err != nil || e.data != data {
			t.Fatalf("%+v %v, not %s", e, err, data)
		}
		ids = append(ids, e.id)
	}
	return ids
}

func publish(hub *monitor.Hub, topic string, numbers ...int) {
	for _, n := range numbers {
		hub.Publish(topic, monitor.Event{Name: "n", Data: fmt.Append(nil, n)})
	}
}

// TestEventsText reads the bytes of the stream as they are.
func TestEventsText(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, _ *pipes, client *http.Client, _ func()) {
		s := listens(t, client, "a", "")
		defer s.end()
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "", "Content-Security-Policy": monitor.Policy} {
			if s.Header.Get(name) != want {
				t.Errorf("%s is %q", name, s.Header.Get(name))
			}
		}
		hub.Publish("a", monitor.Event{Name: "status", Data: []byte(`{"now":1}`)}, monitor.Event{Name: "candle", Data: []byte("{\"a\":\"b c\"}\n")})
		hub.Publish("b", monitor.Event{Name: "status", Data: []byte("of another topic")})
		want := regexp.MustCompile(`^retry: 2000\n\nid: ([0-9a-f]{8})-\d+\nevent: status\ndata: \{"now":1\}\n\nid: ([0-9a-f]{8})-\d+\nevent: candle\ndata: \{"a":"b c"\}\n\n$`)
		text := make([]byte, len("retry: 2000\n\nid: 01234567-1\nevent: status\ndata: {\"now\":1}\n\nid: 01234567-2\nevent: candle\ndata: {\"a\":\"b c\"}\n\n"))
		if _, err := io.ReadFull(s.text, text); err != nil || !want.Match(text) {
			t.Errorf("%q %v", text, err)
		}
		synctest.Wait()
		if s.text.Buffered() > 0 {
			t.Error("there is more")
		}
	})
}

// TestEventsKeptAlive reads a comment every 15 s where nothing happens.
func TestEventsKeptAlive(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, _ *pipes, client *http.Client, _ func()) {
		s := listens(t, client, "a", "")
		defer s.end()
		if _, err := s.text.Discard(len("retry: 2000\n\n")); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			began, comment := time.Now(), make([]byte, 3)
			if _, err := io.ReadFull(s.text, comment); err != nil || string(comment) != ":\n\n" || time.Since(began) != monitor.KeepAlive {
				t.Errorf("%q after %v, %v", comment, time.Since(began), err)
			}
		}
		publish(hub, "a", 1)
		s.hears(t, "1")
	})
}

// TestEventsResumed goes on after a cut where it was.
func TestEventsResumed(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, _ *pipes, client *http.Client, _ func()) {
		s := listens(t, client, "a", "")
		publish(hub, "a", 1, 2, 3)
		ids := s.hears(t, "1", "2", "3")
		s.end()
		synctest.Wait()
		if hub.Clients() != 0 {
			t.Errorf("%d clients listen", hub.Clients())
		}
		publish(hub, "a", 4, 5)
		again := listens(t, client, "a", ids[1])
		defer again.end()
		publish(hub, "a", 6)
		again.hears(t, "3", "4", "5", "6")
		fresh := listens(t, client, "a", "")
		defer fresh.end()
		publish(hub, "a", 7)
		fresh.hears(t, "7")
	})
}

// TestEventsReset comes back with an id that says nothing here, of another process or none at
// all: the client is told to look anew, and hears what happens from then on.
func TestEventsReset(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, _ *pipes, client *http.Client, _ func()) {
		first := listens(t, client, "a", "")
		defer first.end()
		publish(hub, "a", 1)
		id := first.hears(t, "1")[0]
		for _, foreign := range []string{"00000000-1", "x", id + "x", strings.Replace(id, "-", "--", 1), id[:8], id[:8] + "-99999999999999999999999", id[:9] + "%2B1"} {
			s := listens(t, client, "a", foreign)
			if e, err := s.next(); err != nil || e != (heard{"", "reset", "{}"}) {
				t.Errorf("%s: %+v %v", foreign, e, err)
			}
			publish(hub, "a", 2)
			s.hears(t, "2")
			s.end()
			synctest.Wait()
		}
	})
}

// TestEventsUnread has a client that never reads: publishing does not wait for it, others hear
// all, and after a while it is let go.
func TestEventsUnread(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, p *pipes, client *http.Client, _ func()) {
		c := says(t, p, "GET /api/events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
		defer c.Close()
		synctest.Wait()
		began := time.Now()
		s := listens(t, client, "a", "")
		defer s.end()
		data := bytes.Repeat([]byte("x"), 1000)
		for range 10 * monitor.MostWaiting {
			hub.Publish("a", monitor.Event{Name: "n", Data: data})
			if e, err := s.next(); err != nil || len(e.data) != len(data) || e.name != "n" {
				t.Fatalf("%s %v", e.name, err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("publishing took %v", took)
		}
		if hub.Clients() != 2 || hub.Dropped() == 0 {
			t.Errorf("%d clients, %d dropped", hub.Clients(), hub.Dropped())
		}
		go func() { _, _ = io.Copy(io.Discard, s.text) }()
		time.Sleep(monitor.ReadWithin - time.Second)
		if hub.Clients() != 2 {
			t.Errorf("%d clients early", hub.Clients())
		}
		time.Sleep(2 * time.Second)
		if hub.Clients() != 1 {
			t.Errorf("%d clients late", hub.Clients())
		}
	})
}

// TestEventsOverrun reads too late: what was dropped is told before what is left.
func TestEventsOverrun(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, p *pipes, _ *http.Client, _ func()) {
		c := says(t, p, "GET /api/events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
		defer c.Close()
		synctest.Wait() // it writes its head, and nobody reads
		for n := range 2 * monitor.MostWaiting {
			publish(hub, "a", n)
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &stream{Response: r, text: bufio.NewReader(r.Body)}
		if e, err := s.next(); err != nil || e != (heard{"", "reset", "{}"}) {
			t.Fatalf("%+v %v", e, err)
		}
		first := int(hub.Dropped())
		for n := first; n < 2*monitor.MostWaiting; n++ {
			s.hears(t, fmt.Sprint(n))
		}
		if first <= 0 || first > monitor.MostWaiting+monitor.DropAtOnce {
			t.Errorf("%d were dropped", first)
		}
	})
}

// TestEventsServerEnds ends the stream with the server.
func TestEventsServerEnds(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, _ *pipes, client *http.Client, stop func()) {
		s := listens(t, client, "a", "")
		defer s.end()
		publish(hub, "a", 1)
		s.hears(t, "1")
		stop()
		if e, err := s.next(); err == nil {
			t.Errorf("%+v", e)
		}
		synctest.Wait()
		if hub.Clients() != 0 {
			t.Errorf("%d clients listen", hub.Clients())
		}
	})
}

// TestEventsClientsEnd lets go of clients that close, or break off in a word.
func TestEventsClientsEnd(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, p *pipes, client *http.Client, _ func()) {
		s := listens(t, client, "a", "")
		c := says(t, p, "GET /api/events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
		synctest.Wait()
		if hub.Clients() != 2 {
			t.Errorf("%d clients", hub.Clients())
		}
		s.end()
		_ = c.Close()
		synctest.Wait()
		if hub.Clients() != 0 {
			t.Errorf("%d clients after that", hub.Clients())
		}
	})
}

// TestEventsHead asks for the head of the stream: an answer that has an end, behind which the
// connection can be used again.
func TestEventsHead(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, p *pipes, _ *http.Client, _ func()) {
		c := says(t, p, "HEAD /api/events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		r, err := http.ReadResponse(in, &http.Request{Method: http.MethodHead})
		if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%v %v", r, err)
		}
		synctest.Wait()
		if hub.Clients() != 0 {
			t.Errorf("%d clients listen", hub.Clients())
		}
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if r, err = http.ReadResponse(in, nil); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("the next answer: %v %v", r, err)
		}
	})
}

// TestEventsFull tells one too many to come back later.
func TestEventsFull(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, _ *pipes, client *http.Client, _ func()) {
		var all []*stream
		for range monitor.MostClients {
			all = append(all, listens(t, client, "a", ""))
		}
		r, err := client.Get("http://localhost/api/events?topic=a")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "30" || !bytes.Contains(body, []byte("128 clients")) {
			t.Errorf("%d %v %s %v", r.StatusCode, r.Header, body, err)
		}
		publish(hub, "a", 1)
		for _, s := range all {
			s.hears(t, "1")
			s.end()
		}
		synctest.Wait()
		listens(t, client, "a", "").end()
		synctest.Wait()
	})
}

// TestEventsBroken ends with a connection that breaks while something is sent.
func TestEventsBroken(t *testing.T) {
	streaming(t, func(t *testing.T, hub *monitor.Hub, p *pipes, _ *http.Client, _ func()) {
		near, far := net.Pipe()
		p.came <- failingConn{far}
		if _, err := io.WriteString(near, "GET /api/events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if hub.Clients() != 0 {
			t.Errorf("%d clients", hub.Clients())
		}
		_ = near.Close()
	})
}

// failingConn can be read and not written.
type failingConn struct{ net.Conn }

func (failingConn) Write([]byte) (int, error) { return 0, errors.New("broken") }
