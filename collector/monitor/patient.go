package monitor

import (
	"net/http"
	"time"
)

// A client may read as slowly as it likes, but not stop: each piece has a time of its own.
// The server as a whole has no limit for a response, which would end what goes on for hours.
const (
	pieceWithin = 2 * time.Minute
	pieceSize   = 32 << 10
)

// patient writes to a slow client, piece by piece.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func patiently(w http.ResponseWriter) *patient {
	return &patient{w, http.NewResponseController(w)}
}

func (p *patient) Write(b []byte) (written int, err error) {
	for len(b) > 0 && err == nil {
		n := min(len(b), pieceSize)
		_ = p.control.SetWriteDeadline(time.Now().Add(pieceWithin)) // what has none needs none
		n, err = p.ResponseWriter.Write(b[:n])
		written += n
		b = b[n:]
	}
	return written, err
}

// finish gives what is still on its way behind the last piece a time of its own, too.
func (p *patient) finish() { _ = p.control.SetWriteDeadline(time.Now().Add(pieceWithin)) }

// Unwrap lets a ResponseController through.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }
