package rss

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"tapedeck/collector/news"
)

const (
	// bodyMost bounds a document, unpacked.
	bodyMost = 4 << 20
	// fetchMost bounds a request, its redirects and the whole of its body.
	fetchMost = 45 * time.Second
	hopsMost  = 5
)

// accept names what is understood; some servers give a page to who does not ask for a feed.
const accept = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"

// NewTransport is a transport for feeds: each step has its time limit. No connection is used
// twice: one that its server had closed meanwhile would have a request sent again at once,
// and the next look is minutes away. It may be used by any goroutine.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  20 * time.Second,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// fetcher makes requests, and articles of what they bring. It may be used by any goroutine.
type fetcher struct {
	transport http.RoundTripper
	agent     string
	recorded  func(string) bool
	parsing   chan struct{} // holds one when nobody parses
}

func newFetcher(o Options) *fetcher {
	f := &fetcher{transport: o.Transport, agent: o.Agent, recorded: o.Recorded, parsing: make(chan struct{}, 1)}
	f.parsing <- struct{}{}
	return f
}

// answer is what a request came to.
type answer struct {
	outcome  string
	err      error         // of one that is not good
	fresh    time.Duration // how long it holds; -1 when nobody says
	after    time.Duration // before when nobody is to come again
	moved    string        // where it is for good, if elsewhere
	etag     string
	modified string
	sum      uint64
	document *document // nil unless it was read
	articles []news.Article
}

// fetch asks a feed once. It takes at most fetchMost, and less when ctx ends. What panics is
// an answer like any other.
func (f *fetcher) fetch(ctx context.Context, s *news.State) (a answer) {
	defer func() {
		if v := recover(); v != nil {
			a = answer{outcome: panicked, err: fmt.Errorf("%v\n%s", v, debug.Stack())}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, fetchMost)
	defer cancel()
	r, moved, err := f.request(ctx, s)
	if err != nil {
		return failed(err)
	}
	defer r.Body.Close()
	now := time.Now()
	a = answer{fresh: freshness(r.Header, now), after: retryAfter(r.Header, now), moved: moved,
		etag: r.Header.Get("ETag"), modified: r.Header.Get("Last-Modified")}
	switch {
	case r.StatusCode == http.StatusNotModified:
		a.outcome = unchanged
		return a
	case r.StatusCode != http.StatusOK:
		a.outcome, a.err = fmt.Sprint(r.StatusCode), errors.New(r.Status)
		return a
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMost+1))
	if err != nil {
		bad := failed(err)
		bad.after = a.after
		return bad
	}
	f.read(ctx, &a, s, body, r.Header.Get("Content-Type"), now)
	return a
}

// request asks with what is known of the document. moved is where permanent redirects led,
// if only such stood before the answer.
func (f *fetcher) request(ctx context.Context, s *news.State) (_ *http.Response, moved string, err error) {
	at := s.URL
	if s.Moved != "" {
		at = s.Moved
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("User-Agent", f.agent)
	r.Header.Set("Accept", accept)
	switch {
	case s.ETag != "":
		r.Header.Set("If-None-Match", s.ETag)
	case s.Modified != "":
		r.Header.Set("If-Modified-Since", s.Modified)
	}
	permanent := true
	client := &http.Client{Transport: f.transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > hopsMost {
			return errRedirects
		}
		switch next.Response.StatusCode {
		case http.StatusMovedPermanently, http.StatusPermanentRedirect:
		default:
			permanent = false
		}
		if permanent {
			moved = next.URL.String()
		}
		return nil
	}}
	response, err := client.Do(r)
	return response, moved, err
}

// read makes articles of a document, unless it is the one that is known.
func (f *fetcher) read(ctx context.Context, a *answer, s *news.State, body []byte, contentType string, now time.Time) {
	hash := fnv.New64a()
	_, _ = hash.Write(body)
	a.sum = hash.Sum64()
	switch {
	case len(body) > bodyMost:
		a.outcome, a.err = tooLarge, fmt.Errorf("more than %d MB", bodyMost>>20)
	case len(body) == 0:
		a.outcome, a.err = empty, errors.New("nothing in it")
	case a.sum == s.Sum:
		a.outcome = same
	default:
		f.parse(ctx, a, s, body, contentType, now)
	}
}

func (f *fetcher) parse(ctx context.Context, a *answer, s *news.State, body []byte, contentType string, now time.Time) {
	select {
	case <-f.parsing:
		defer func() { f.parsing <- struct{}{} }()
	case <-ctx.Done():
		a.outcome, a.err = timedOut, ctx.Err()
		return
	}
	d, err := parse(ctx, body, contentType, s.URL)
	if err != nil {
		a.outcome, a.err = malformed, err
		if errors.Is(err, errNoFeed) {
			a.outcome = noFeed
		}
		return
	}
	a.outcome, a.document = fine, d
	a.articles = news.Articles(d.items, s.Source, d.home, now.UnixMilli(), f.recorded)
}

// hostName is whom a request to an address bothers.
func hostName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
