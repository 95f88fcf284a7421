package monitor

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

const (
	keepAlive   = 15 * time.Second // a comment, where nothing happens: proxies end what is idle
	readWithin  = 30 * time.Second // a client that takes longer for what is sent is let go
	eventsRetry = 2 * time.Second  // when a browser comes back after a cut
)

// ResetEvent is the name of the event that tells a client that something is missing in what it
// has.
const ResetEvent = "reset"

// events streams what happens as server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func (s *Site) events(w http.ResponseWriter, r *http.Request) {
	topics, err := s.Topics(r.URL.Query())
	if err != nil {
		s.fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would gather it
	if r.Method == http.MethodHead {
		return
	}
	l := s.Hub.join(topics, r.Header.Get("Last-Event-ID"))
	if l == nil {
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusServiceUnavailable, &Failure{Problem: fmt.Sprintf("%d clients listen already", mostClients)})
		return
	}
	defer s.Hub.leave(l)
	out := &eventWriter{w: w, to: http.NewResponseController(w)}
	out.text = fmt.Appendf(nil, "retry: %d\n\n", eventsRetry.Milliseconds())
	idle := time.NewTicker(keepAlive)
	defer idle.Stop()
	for out.send() == nil {
		select {
		case <-r.Context().Done():
			return
		case <-idle.C:
			out.text = append(out.text, ":\n\n"...)
		case <-l.ready:
			events, missed := s.Hub.take(l)
			if missed {
				out.text = fmt.Appendf(out.text, "event: %s\ndata: {}\n\n", ResetEvent)
			}
			for _, e := range events {
				out.text = fmt.Appendf(out.text, "id: %s\nevent: %s\ndata: %s\n\n", s.Hub.idOf(e.number), e.Name, bytes.TrimSuffix(e.Data, []byte("\n")))
			}
		}
	}
}

// eventWriter sends what is gathered in text.
type eventWriter struct {
	w    http.ResponseWriter
	to   *http.ResponseController
	text []byte
}

func (e *eventWriter) send() error {
	_ = e.to.SetWriteDeadline(time.Now().Add(readWithin)) // what has none needs none
	if _, err := e.w.Write(e.text); err != nil {
		return err
	}
	e.text = e.text[:0]
	return e.to.Flush()
}
