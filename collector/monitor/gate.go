package monitor

import (
	"net/http"
	"sync/atomic"
)

// Gate stands where a site will be, from before there is one: it answers /healthz and
// /readyz with what is waited for, and everything else with 503 and the same in words. Make
// one with NewGate. It may be used from any goroutine.
type Gate struct {
	waiting Health
	site    atomic.Pointer[http.Handler]
}

// NewGate makes a gate that says what is waited for.
func NewGate(waiting Health) *Gate { return &Gate{waiting: waiting} }

// Open has the site answer from now on.
func (g *Gate) Open(site http.Handler) { g.site.Store(&site) }

// ServeHTTP answers a request.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if site := g.site.Load(); site != nil {
		(*site).ServeHTTP(w, r)
		return
	}
	protect(w.Header())
	limit(w, r)
	switch {
	case r.URL.Path == "/healthz" || r.URL.Path == "/readyz":
		g.waiting.write(w)
	default:
		w.Header().Set("Retry-After", "2")
		http.Error(w, "tapedeck: "+g.waiting.Reason, http.StatusServiceUnavailable)
	}
}
