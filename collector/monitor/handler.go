// Package monitor is what a running recorder answers: one HTTP handler on a unix socket
// beside its file, and the client of it. It knows neither the file nor the recorder, but
// the functions it is handed.
package monitor

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Answer answers one kind of question: it writes what was asked for to out, and returns
// what a person should know besides. out blocks for as long as whoever asked does not
// read: nothing may be held meanwhile that others wait for. It has a Flush() error, for what
// should be there before the end. ctx ends when he has gone.
type Answer func(ctx context.Context, asked url.Values, out io.Writer) (notes string, err error)

// Failure is an error that crosses the socket: what went wrong, and a line that helps.
type Failure struct {
	Usage   bool   `json:"usage"` // it was asked wrongly
	Problem string `json:"problem"`
	Try     string `json:"try,omitempty"`     // can be run as it stands
	NoRoom  bool   `json:"no_room,omitempty"` // a disk has too little
}

func (f *Failure) Error() string { return f.Problem }

// What comes behind the answer.
const (
	trailerNotes   = "Tapedeck-Notes"   // a quoted string
	trailerFailure = "Tapedeck-Failure" // a Failure as JSON
)

// mostAtOnce is how many questions are answered at a time. Each may hold 16 MB for as long
// as its reader pleases.
const mostAtOnce = 64

// Handler answers GET /NAME?PARAMETERS with the answer of that name. explain says what of an error crosses the socket. An answer that
// fails before its first bytes are on their way has the status 400 or 500 and a Failure as
// its body; one that fails later, the Failure as a trailer. One that fails because the recorder
// ends is cut off, so that its reader sees that and not a failure.
func Handler(answers map[string]Answer, explain func(error) *Failure) http.Handler {
	mux := http.NewServeMux()
	busy := make(chan struct{}, mostAtOnce)
	for name, answer := range answers {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			select {
			case busy <- struct{}{}:
				defer func() { <-busy }()
			default:
				refuse(w, http.StatusServiceUnavailable, &Failure{Problem: "too many are asking at once"})
				return
			}
			serve(w, r, answer, explain)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, &Failure{Usage: true, Problem: "the recorder that has the file does not know that question: it may be an older version"})
	})
	return mux
}

func serve(w http.ResponseWriter, r *http.Request, answer Answer, explain func(error) *Failure) {
	w.Header().Set("Trailer", trailerNotes+", "+trailerFailure)
	w.Header().Set("Content-Type", contentType(r.URL.Query().Get("format")))
	sent := &started{w: w}
	out := &stream{bufio.NewWriterSize(sent, 64<<10), http.NewResponseController(w)}
	notes, err := answer(r.Context(), r.URL.Query(), out)
	if err == nil {
		err = out.Writer.Flush()
	}
	if err != nil && r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the server takes it for what it says: close the connection
	}
	if err != nil {
		f := explain(err)
		if sent.any {
			text, _ := json.Marshal(f)
			_ = out.Writer.Flush()
			w.Header().Set(trailerFailure, string(text))
			return
		}
		status := http.StatusInternalServerError
		if f.Usage {
			status = http.StatusBadRequest
		}
		refuse(w, status, f)
		return
	}
	w.Header().Set(trailerNotes, strconv.QuoteToASCII(notes))
}

// stream gathers an answer. Flush sends what there is, for an answer that goes on for long.
type stream struct {
	*bufio.Writer
	to *http.ResponseController
}

func (s *stream) Flush() error {
	if err := s.Writer.Flush(); err != nil {
		return err
	}
	return s.to.Flush()
}

func refuse(w http.ResponseWriter, status int, f *Failure) {
	w.Header().Del("Trailer")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f) // whoever asked may be gone
}

// started knows whether anything was written.
type started struct {
	w   io.Writer
	any bool
}

func (s *started) Write(p []byte) (int, error) {
	s.any = true
	return s.w.Write(p)
}

func contentType(format string) string {
	switch format {
	case "csv":
		return "text/csv; charset=utf-8"
	case "json":
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}
