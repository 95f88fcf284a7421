package rss_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/news"
	"tapedeck/collector/news/rss"
)

var weekDays = flag.Int("newsdays", 2, "how many days TestWeek asks the owner's feeds; a week has 7")

// TestWeek asks the owner's 334 entries of servers that answer in every way that feeds do, over
// days of time in a bubble, with a stop and a start each day. The servers see to it that they
// are asked as they allow.
func TestWeek(t *testing.T) {
	feeds := ownersFeeds(t)
	if testing.Short() {
		*weekDays = min(*weekDays, 1)
	}
	var w *web
	var lines, most int
	var heaps []uint64
	synctest.Test(t, func(t *testing.T) {
		w = newWeb(t, feeds)
		file := newShelf(t)
		file.light = true // whose growth is not the poller's
		log := new(linesOfDay)
		for range *weekDays {
			o := file.options(feeds, w)
			o.Log = slog.New(slog.NewTextHandler(log, nil))
			run(t, o, 24*time.Hour)
			n := log.take()
			lines, most = lines+n, max(most, n)
			heaps = append(heaps, heap())
		}
		w.close()
		t.Logf("%d requests in %d days, %d articles, answers %v", w.requests, *weekDays, len(file.ids), w.answers)
		if len(file.ids) == 0 {
			t.Error("no article")
		}
		if s := file.states["https://www.reuters.com/finance/markets/rss"]; s.Last != "no such host" || w.unknown == 0 || w.unknown > 40**weekDays {
			t.Errorf("%d dials of hosts that are no more: %+v", w.unknown, s)
		}
	})
	t.Logf("%d lines of log, at most %d a day; heap at the end of each day, KB: %v", lines, most, heaps)
	if most >= 10 || lines < *weekDays {
		t.Errorf("%d lines of log in a day", most)
	}
	if first, last := heaps[0], heaps[len(heaps)-1]; last > first+2<<10 {
		t.Errorf("the heap grew from %d to %d KB", first, last)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if w.answers[kind] == 0 {
			t.Errorf("nobody was answered with %s", kind)
		}
	}
}

// run lets a poller run for some time.
func run(t *testing.T, o rss.Options, d time.Duration) {
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	p := rss.New(o)
	p.Run(ctx)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc >> 10
}

func ownersFeeds(t *testing.T) []news.Feed {
	t.Helper()
	data, err := os.ReadFile("../../../../shared/data/feeds/owner_rss_feeds.json")
	if err != nil {
		t.Skipf("without the owner's list: %v", err)
	}
	feeds, problems, err := news.ParseList(data)
	if err != nil || len(feeds) != 330 || len(problems) != 4 { // a blank in a host, three that are there twice
		t.Fatalf("%d feeds, problems %v: %v", len(feeds), problems, err)
	}
	return feeds
}

// linesOfDay counts what is written to a log.
type linesOfDay struct{ n int }

func (l *linesOfDay) Write(p []byte) (int, error) {
	l.n++
	return len(p), nil
}

func (l *linesOfDay) take() int {
	n := l.n
	l.n = 0
	return n
}

// shelf is a file of news in memory. It takes nothing twice.
type shelf struct {
	t        *testing.T
	ids      map[news.ID]bool
	articles map[news.ID]news.Article
	states   map[string]news.State
	light    bool // only the ids are kept
}

func newShelf(t *testing.T) *shelf {
	return &shelf{t, make(map[news.ID]bool), make(map[news.ID]news.Article), make(map[string]news.State), false}
}

func (s *shelf) options(feeds []news.Feed, w *web) rss.Options {
	return rss.Options{
		Feeds: feeds, States: slices.Collect(maps.Values(s.states)), Known: s.known, Save: s.save,
		Open:  func(at time.Time) bool { return at.UTC().Hour() >= 14 && at.UTC().Hour() < 21 },
		Agent: "tapedeck/test", Transport: w.transport(), Log: slog.New(slog.DiscardHandler),
	}
}

func (s *shelf) known(ids []news.ID) ([]bool, error) {
	known := make([]bool, len(ids))
	for i, id := range ids {
		known[i] = s.ids[id]
	}
	return known, nil
}

func (s *shelf) save(articles []news.Article, states []news.State) error {
	for _, a := range articles {
		if s.ids[a.ID] {
			s.t.Errorf("%s %q comes twice", a.ID, a.Title)
		}
		s.ids[a.ID] = true
		if !s.light {
			s.articles[a.ID] = a
		}
	}
	for _, state := range states {
		state.Outcomes = maps.Clone(state.Outcomes)
		s.states[state.URL] = state
	}
	return nil
}

// web is every server that there is. It sees to it that none is asked too often.
type web struct {
	t        *testing.T
	server   *http.Server
	conns    chan net.Conn
	done     chan struct{}
	kind     map[string]string // by address
	mu       sync.Mutex
	asked    map[string]*asked // by address
	hosts    map[string]*busy
	requests int
	unknown  int            // dials of hosts that are no more
	answers  map[string]int // by kind
}

// asked is what a server told of one address.
type asked struct {
	times    int
	allowed  time.Time // not before
	etag     string
	modified string
	moved    bool
	gone     bool
}

// busy is what goes on at a host.
type busy struct {
	now   int
	ended time.Time
	after time.Time // of a Retry-After
}

func newWeb(t *testing.T, feeds []news.Feed) *web {
	w := &web{t: t, conns: make(chan net.Conn), done: make(chan struct{}), kind: make(map[string]string),
		asked: make(map[string]*asked), hosts: make(map[string]*busy), answers: make(map[string]int)}
	names := slices.Sorted(maps.Keys(kinds))
	for i, f := range feeds {
		w.kind[key(f.URL)] = names[i%len(names)]
	}
	w.server = &http.Server{Handler: w}
	go func() { _ = w.server.Serve(w) }()
	return w
}

// key is an address without its scheme.
func key(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host + u.RequestURI()
}

func (w *web) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}
func (w *web) Close() error   { return nil }
func (w *web) Addr() net.Addr { return &net.UnixAddr{Name: "web", Net: "unix"} }

func (w *web) close() {
	close(w.done)
	_ = w.server.Close()
}

// transport leads everywhere into the web, also with TLS.
func (w *web) transport() *http.Transport {
	transport := rss.NewTransport()
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		if strings.Contains(address, "reuters.com") { // since June 2020
			w.mu.Lock()
			defer w.mu.Unlock()
			w.unknown++
			return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
		}
		mine, theirs := net.Pipe()
		select {
		case w.conns <- theirs:
			return mine, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	transport.Proxy, transport.DialContext, transport.DialTLSContext = nil, dial, dial
	return transport
}

func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	address := r.Host + r.URL.RequestURI()
	if after, ok := strings.CutPrefix(r.URL.Path, "/elsewhere"); ok { // a redirect led here
		address = r.Host + after
		if q := r.URL.RawQuery; q != "" {
			address += "?" + q
		}
	}
	kind, ok := w.kind[address]
	if !ok {
		w.t.Errorf("%s is asked, which is no feed", address)
		return
	}
	a, leave := w.enter(address, kind, r)
	defer leave()
	if a != nil {
		kinds[kind](out, r, a)
	}
}

// enter looks whether this request is one that was allowed.
func (w *web) enter(address, kind string, r *http.Request) (*asked, func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.requests++
	w.answers[kind]++
	a, h := w.asked[address], w.hosts[r.Host]
	if a == nil {
		a = new(asked)
		w.asked[address] = a
	}
	if h == nil {
		h = new(busy)
		w.hosts[r.Host] = h
	}
	if hour := now.UTC().Hour(); kind == "skipHours" && a.times > 0 && hour >= 3 && hour <= 5 {
		w.t.Errorf("%s is asked at %v, an hour that is to be skipped", address, now)
	}
	hop := r.Header.Get("Referer") != ""
	switch {
	case a.gone:
		w.t.Errorf("%s is asked again, which is gone", address)
	case a.moved && !strings.HasPrefix(r.URL.Path, "/elsewhere"):
		w.t.Errorf("%s is asked again where it is no more", address)
	case hop: // the same request
	case now.Before(a.allowed):
		w.t.Errorf("%s (%s) is asked %v before it is allowed, the %dth time", address, kind, a.allowed.Sub(now), a.times)
	case h.now > 0 || now.Before(h.ended.Add(900*time.Millisecond)):
		w.t.Errorf("%s is asked %v after its host was: %d under way", address, now.Sub(h.ended), h.now)
	case now.Before(h.after):
		w.t.Errorf("%s (%s, %d) is asked %v before its host allows, at %v", address, kind, a.times, h.after.Sub(now), now)
	case r.Header.Get("If-None-Match") != a.etag, a.etag == "" && r.Header.Get("If-Modified-Since") != a.modified:
		w.t.Errorf("%s is asked without what is known: %v", address, r.Header)
	case r.Header.Get("User-Agent") != "tapedeck/test":
		w.t.Errorf("asked as %q", r.Header.Get("User-Agent"))
	}
	h.now++
	a.times++
	a.allowed = now.Add(5 * time.Minute)
	return a, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		h.now--
		h.ended = time.Now()
		if strings.HasPrefix(kind, "429") {
			h.after = a.allowed
		}
	}
}

// document is an RSS document whose newest item changes each three hours.
func document(r *http.Request, head string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title><link>https://%s/</link>%s`, r.Host, r.Host, head)
	hour := time.Now().Unix() / 3600 / 3
	for i := range int64(5) {
		fmt.Fprintf(&b, `<item><title>Item %d, edited %d times</title><link>https://%s/story/%s-%d</link><guid>%d</guid></item>`, hour-i, i, r.Host, url.PathEscape(r.URL.Path), hour-i, time.Now().Unix())
	}
	b.WriteString(`</channel></rss>`)
	return b.String()
}

func edition() string { return fmt.Sprintf(`"%d"`, time.Now().Unix()/3600/3) }

// kinds are the ways to answer.
var kinds = map[string]func(http.ResponseWriter, *http.Request, *asked){
	"200": func(out http.ResponseWriter, r *http.Request, a *asked) { fmt.Fprint(out, document(r, "")) },
	"200 the same": func(out http.ResponseWriter, r *http.Request, a *asked) {
		fmt.Fprintf(out, `<rss version="2.0"><channel><item><title>%s</title><link>https://%s/only</link></item></channel></rss>`, r.Host, r.Host)
	},
	"304 by ETag": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.etag = edition()
		out.Header().Set("ETag", a.etag)
		out.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		if r.Header.Get("If-None-Match") == a.etag {
			out.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(out, document(r, ""))
	},
	"304 by date": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.modified = time.Now().Truncate(3 * time.Hour).UTC().Format(http.TimeFormat)
		if r.Header.Get("If-Modified-Since") == a.modified {
			out.WriteHeader(http.StatusNotModified)
			return
		}
		out.Header().Set("Last-Modified", a.modified)
		fmt.Fprint(out, document(r, ""))
	},
	"max-age": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.allowed = time.Now().Add(2 * time.Hour)
		out.Header().Set("Cache-Control", "public, max-age=7200")
		fmt.Fprint(out, document(r, ""))
	},
	"Expires": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.allowed = time.Now().Add(90 * time.Minute).Truncate(time.Second)
		out.Header().Set("Expires", a.allowed.UTC().Format(http.TimeFormat))
		fmt.Fprint(out, document(r, ""))
	},
	"ttl": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.allowed = time.Now().Add(time.Hour)
		fmt.Fprint(out, document(r, "<ttl>60</ttl>"))
	},
	"skipHours": func(out http.ResponseWriter, r *http.Request, a *asked) {
		fmt.Fprint(out, document(r, "<skipHours><hour>3</hour><hour>4</hour><hour>5</hour></skipHours>"))
	},
	"301": func(out http.ResponseWriter, r *http.Request, a *asked) {
		if !strings.HasPrefix(r.URL.Path, "/elsewhere") {
			a.moved = true
			http.Redirect(out, r, "/elsewhere"+r.URL.RequestURI(), http.StatusMovedPermanently)
			return
		}
		fmt.Fprint(out, document(r, ""))
	},
	"302": func(out http.ResponseWriter, r *http.Request, a *asked) {
		if !strings.HasPrefix(r.URL.Path, "/elsewhere") {
			http.Redirect(out, r, "/elsewhere"+r.URL.RequestURI(), http.StatusFound)
			return
		}
		fmt.Fprint(out, document(r, ""))
	},
	"403": status(http.StatusForbidden),
	"404": status(http.StatusNotFound),
	"410": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.gone = true
		out.WriteHeader(http.StatusGone)
	},
	"429 for seconds": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.allowed = time.Now().Add(5 * time.Hour)
		out.Header().Set("Retry-After", "18000")
		out.WriteHeader(http.StatusTooManyRequests)
	},
	"429 until": func(out http.ResponseWriter, r *http.Request, a *asked) {
		a.allowed = time.Now().Add(3 * time.Hour).Truncate(time.Second)
		out.Header().Set("Retry-After", a.allowed.UTC().Format(http.TimeFormat))
		out.WriteHeader(http.StatusTooManyRequests)
	},
	"500": status(http.StatusInternalServerError),
	"timeout": func(out http.ResponseWriter, r *http.Request, a *asked) {
		<-r.Context().Done()
	},
	"slow drip": func(out http.ResponseWriter, r *http.Request, a *asked) {
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprint(out, "<")
			if http.NewResponseController(out).Flush() != nil {
				return
			}
			time.Sleep(100 * time.Millisecond) // as fast as it sees that nobody listens any more
		}
	},
	"endless": func(out http.ResponseWriter, r *http.Request, a *asked) {
		fmt.Fprint(out, `<rss version="2.0"><channel>`)
		piece := strings.Repeat("<item><title>more</title></item>", 1000)
		for {
			if _, err := fmt.Fprint(out, piece); err != nil {
				return
			}
		}
	},
	"HTML": func(out http.ResponseWriter, r *http.Request, a *asked) {
		fmt.Fprint(out, "<!DOCTYPE html><html><head><title>Are you a robot?</title></head><body><p>Please wait</body></html>")
	},
	"cut off": func(out http.ResponseWriter, r *http.Request, a *asked) {
		out.Header().Set("Content-Length", "100000")
		fmt.Fprint(out, document(r, ""))
		panic(http.ErrAbortHandler)
	},
	"malformed": func(out http.ResponseWriter, r *http.Request, a *asked) {
		fmt.Fprint(out, `<rss version="2.0"><channel><item><title>no end`)
	},
	"empty": func(out http.ResponseWriter, r *http.Request, a *asked) {},
	"loop": func(out http.ResponseWriter, r *http.Request, a *asked) {
		http.Redirect(out, r, r.URL.RequestURI(), http.StatusFound)
	},
}

func status(code int) func(http.ResponseWriter, *http.Request, *asked) {
	return func(out http.ResponseWriter, r *http.Request, a *asked) { out.WriteHeader(code) }
}
