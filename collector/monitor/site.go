package monitor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/klauspost/compress/gzhttp"
)

// Site is what is served over TCP to people and their programs: the page, its events, rows
// as JSON, downloads, health and metrics. It is made of functions, so that it knows neither
// the file nor the recorder. They are called by many goroutines at once and may block; each
// should end early with its context. Fill it in before Handler is called.
type Site struct {
	Access *Access
	// Health is what /healthz says, Ready what /readyz does.
	Health, Ready func() Health
	// Rows are the answers of /api/NAME.
	Rows map[string]Rows
	// Topics are those that a client of /api/events wants to hear of: what was asked for in
	// the hub's words.
	Topics func(asked url.Values) ([]string, error)
	Hub    *Hub
	// Download finds what /export/NAME is, without writing it.
	Download func(ctx context.Context, name string, asked url.Values) (*Download, error)
	// Snapshot makes a copy of the whole file, or with again hands out the last one.
	Snapshot func(ctx context.Context, again bool) (*Snapshot, error)
	// Metrics is /metrics.
	Metrics http.Handler
	// Explain says what of an error a client is told.
	Explain func(error) *Failure
}

// policy is what the page may load and talk to: this server, and nothing that stands in the
// text of the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the site.
func (s *Site) Handler() http.Handler {
	d := &downloads{site: s, known: newShelf()}
	busy := newTurnstile(mostRowsAtOnce)
	packed := http.NewServeMux() // what is worth packing, and short
	packed.HandleFunc("GET /{$}", index)
	packed.HandleFunc("GET /assets/{name}", asset)
	packed.HandleFunc("GET /login", s.Access.showLogin)
	packed.HandleFunc("POST /login", s.Access.login)
	packed.HandleFunc("POST /logout", s.Access.logout)
	packed.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { s.Health().write(w) })
	packed.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { s.Ready().write(w) })
	for name, rows := range s.Rows {
		packed.Handle("GET /api/"+name, busy.limit(s.rows(rows)))
	}
	packed.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, &Failure{Usage: true, Problem: "nothing is at " + r.URL.Path})
	})
	mux := http.NewServeMux()
	mux.Handle("/", gzhttp.GzipHandler(packed))
	mux.HandleFunc("GET /api/events", s.events)
	mux.Handle("GET /export/{name}", newTurnstile(mostDownloads).limit(http.HandlerFunc(d.serve)))
	mux.Handle("GET /backup", newTurnstile(mostSnapshots).limit(http.HandlerFunc(s.snapshot)))
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	return s.Access.guard(mux)
}

// How many of each are served at a time: each holds some MB while its client reads.
const (
	mostRowsAtOnce = 16
	mostDownloads  = 16
	mostSnapshots  = 4
)

// Health is whether all is well, and if not, why.
type Health struct {
	OK bool `json:"-"`
	// Status is ok or failing.
	Status string `json:"status"`
	// State is what the recorder is doing, in a word.
	State string `json:"state"`
	// Reason is what is wrong, a sentence; "" when nothing is.
	Reason string `json:"reason,omitempty"`
}

// Healthy is a Health that says so.
func Healthy(state string) Health { return Health{OK: true, Status: "ok", State: state} }

// Failing is a Health that says what is wrong.
func Failing(state, reason string) Health {
	return Health{Status: "failing", State: state, Reason: reason}
}

// write answers with 200, or with 503.
func (h Health) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !h.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h) // whoever asked may be gone
}

// turnstile lets so many pass at a time.
type turnstile chan struct{}

func newTurnstile(most int) turnstile { return make(turnstile, most) }

func (t turnstile) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case t <- struct{}{}:
			defer func() { <-t }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "5")
			refuse(w, http.StatusServiceUnavailable, &Failure{Problem: "too many are asking for this at once"})
		}
	})
}

// fail answers with an error that came before the first byte.
func (s *Site) fail(w http.ResponseWriter, err error) {
	f := s.Explain(err)
	status := http.StatusInternalServerError
	switch {
	case f.Usage:
		status = http.StatusBadRequest
	case f.NoRoom:
		status = http.StatusInsufficientStorage
	}
	for _, name := range []string{"ETag", "Content-Disposition", "Accept-Ranges", "Last-Modified"} {
		w.Header().Del(name)
	}
	patiently(w).finish() // it may have taken long
	refuse(w, status, f)
}
