package monitor_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tapedeck/collector/monitor"
)

var errNoRoom = errors.New("the disk is full")

// explainRoom is explain, which knows a full disk too.
func explainRoom(err error) *monitor.Failure {
	f := explain(err)
	f.NoRoom = errors.Is(err, errNoRoom)
	return f
}

// plainSite is a site of which every part answers, with a marker where only those who are
// admitted may look.
func plainSite(t testing.TB, access *monitor.Access) *monitor.Site {
	folder := t.TempDir()
	return &monitor.Site{
		Access: access, Hub: monitor.NewHub(), Explain: explainRoom,
		Health: func() monitor.Health { return monitor.Healthy("recording") },
		Ready:  func() monitor.Health { return monitor.Healthy(marker) },
		Rows:   map[string]monitor.Rows{"dates": rowsOf(`{"date":"`+marker+`"}`, `{"date":"2026-11-20"}`)},
		Topics: func(url.Values) ([]string, error) { return []string{"status"}, nil },
		Download: func(context.Context, string, url.Values) (*monitor.Download, error) {
			return (&written{data: []byte(marker), tag: "a"}).download(), nil
		},
		Snapshot: func(context.Context, bool) (*monitor.Snapshot, error) { return copyOf(folder, []byte(marker), false) },
		Metrics:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, marker) }),
	}
}

// rowsOf answers with rows as they stand there.
func rowsOf(rows ...string) monitor.Rows {
	return func(_ context.Context, _ url.Values, out io.Writer) (url.Values, error) {
		for _, row := range rows {
			if _, err := fmt.Fprintln(out, row); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// openSite is one for everybody on this machine, changed by change.
func openSite(t testing.TB, change func(*monitor.Site)) http.Handler {
	s := plainSite(t, &monitor.Access{})
	if change != nil {
		change(s)
	}
	return s.Handler()
}

// here asks as somebody on this machine.
func here(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	v := visitor{method: method, path: path, host: "localhost", header: make(http.Header)}
	for i := 0; i < len(header); i += 2 {
		v.header.Set(header[i], header[i+1])
	}
	return v.ask(h)
}

// isGuarded fails when an answer lets a browser do more with it than the page needs.
func isGuarded(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	for name, want := range map[string]string{"Content-Security-Policy": want, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := w.Header().Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("an answer %d with %s: %q", w.Code, name, got)
		}
	}
	if allowed := w.Header().Get("Access-Control-Allow-Origin"); allowed != "" {
		t.Errorf("other sites may read it: %s", allowed)
	}
}

// TestGate asks before there is a site, and after.
func TestGate(t *testing.T) {
	g := monitor.NewGate(monitor.Failing("recovering", "The file is being opened."))
	for _, path := range []string{"/healthz", "/readyz"} {
		w := here(g, http.MethodGet, path)
		if want := `{"status":"failing","state":"recovering","reason":"The file is being opened."}` + "\n"; w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("%s before: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/", "/login", "/api/dates", "/export/1s.csv", "/backup", "/assets/app.js"} {
		w := here(g, http.MethodGet, path)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" || w.Body.String() != "tapedeck: The file is being opened.\n" {
			t.Errorf("%s before: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	g.Open(openSite(t, nil))
	if w := here(g, http.MethodGet, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("/healthz after: %d %s", w.Code, w.Body)
	}
	if w := here(g, http.MethodGet, "/api/dates"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), marker) {
		t.Errorf("rows after: %d %s", w.Code, w.Body)
	}
}

// TestGateIsGuarded wants the same headers of what is answered before there is a site.
func TestGateIsGuarded(t *testing.T) {
	g := monitor.NewGate(monitor.Failing("recovering", "The file is being opened."))
	for _, path := range []string{"/", "/healthz"} {
		isGuarded(t, here(g, http.MethodGet, path))
	}
}

// TestGateOpens opens it while others ask: each gets the one or the other.
func TestGateOpens(t *testing.T) {
	g, site := monitor.NewGate(monitor.Failing("recovering", "Wait.")), openSite(t, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if w := here(g, http.MethodGet, "/healthz"); w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
					t.Errorf("%d", w.Code)
				}
			}
		})
	}
	g.Open(site)
	all.Wait()
	if w := here(g, http.MethodGet, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("at the end: %d", w.Code)
	}
}

// TestHealth looks at what /healthz and /readyz say.
func TestHealth(t *testing.T) {
	h := openSite(t, func(s *monitor.Site) {
		s.Health = func() monitor.Health { return monitor.Failing("refused", "The key is \"wrong\".") }
		s.Ready = func() monitor.Health { return monitor.Healthy("ready") }
	})
	for _, c := range []struct {
		path, body string
		code       int
	}{
		{"/healthz", `{"status":"failing","state":"refused","reason":"The key is \"wrong\"."}`, http.StatusServiceUnavailable},
		{"/readyz", `{"status":"ok","state":"ready"}`, http.StatusOK},
	} {
		w := here(h, http.MethodGet, c.path)
		if w.Code != c.code || w.Body.String() != c.body+"\n" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", c.path, w.Code, w.Header(), w.Body)
		}
	}
}

// TestRows asks for rows: some, none, and those behind a limit.
func TestRows(t *testing.T) {
	var asked url.Values
	h := openSite(t, func(s *monitor.Site) {
		s.Rows["none"] = rowsOf()
		s.Rows["one"] = rowsOf(`{"a":"\n,"}`)
		s.Rows["next"] = func(_ context.Context, v url.Values, out io.Writer) (url.Values, error) {
			asked = v
			return url.Values{"from": {"a b&c>"}, "limit": {"2"}}, copyText(out, "{\"n\":1}\n{\"n\":2}\n")
		}
	})
	for _, c := range []struct{ path, body, link string }{
		{"/api/dates", `[{"date":"` + marker + `"},{"date":"2026-11-20"}]`, ""},
		{"/api/none", `[]`, ""},
		{"/api/one", `[{"a":"\n,"}]`, ""},
		{"/api/next?symbols=QLD&symbols=SPY", `[{"n":1},{"n":2}]`, `</api/next?from=a+b%26c%3E&limit=2>; rel="next"`},
	} {
		w := here(h, http.MethodGet, c.path)
		if w.Code != http.StatusOK || w.Body.String() != c.body+"\n" || w.Header().Get("Link") != c.link ||
			w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", c.path, w.Code, w.Header(), w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s is no JSON: %s", c.path, w.Body)
		}
		isGuarded(t, w)
	}
	if !slices.Equal(asked["symbols"], []string{"QLD", "SPY"}) {
		t.Errorf("asked %v", asked)
	}
}

// failures are errors and what status each is.
var failures = map[error]int{errWrong: http.StatusBadRequest, errNoRoom: http.StatusInsufficientStorage, io.ErrUnexpectedEOF: http.StatusInternalServerError,
	fmt.Errorf("with more words: %w", errNoRoom): http.StatusInsufficientStorage}

// isFailure fails when an answer is not just the failure of an error.
func isFailure(t *testing.T, w *httptest.ResponseRecorder, err error, code int) {
	t.Helper()
	var f monitor.Failure
	if wrong := json.Unmarshal(w.Body.Bytes(), &f); wrong != nil || w.Code != code || f.Problem != err.Error() || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v: %d %v %s", err, w.Code, w.Header(), w.Body)
	}
	for _, name := range []string{"ETag", "Content-Disposition", "Accept-Ranges", "Last-Modified", "Link", "Content-Encoding"} {
		if w.Header().Get(name) != "" {
			t.Errorf("%v: the failure has a %s", err, name)
		}
	}
	isGuarded(t, w)
}

// TestRowsFail has an answer fail after it has written some rows: none of them is seen.
func TestRowsFail(t *testing.T) {
	for err, code := range failures {
		h := openSite(t, func(s *monitor.Site) {
			s.Rows["dates"] = func(_ context.Context, _ url.Values, out io.Writer) (url.Values, error) {
				return url.Values{"a": {"b"}}, errors.Join(copyText(out, "{}\n"), err)
			}
			s.Topics = func(url.Values) ([]string, error) { return nil, err }
			s.Snapshot = func(context.Context, bool) (*monitor.Snapshot, error) { return nil, err }
			s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) { return nil, err }
		})
		for _, path := range []string{"/api/dates", "/export/1s.csv"} {
			isFailure(t, here(h, http.MethodGet, path), err, code)
		}
		server := httptest.NewServer(h) // these two look at whether who asked is still there
		for _, path := range []string{"/api/events", "/backup"} {
			isFailure(t, recorded(t, server.URL+path), err, code)
		}
		server.Close()
	}
}

// recorded is an answer over the network as a recorder has it.
func recorded(t *testing.T, address string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	w := httptest.NewRecorder()
	maps.Copy(w.Header(), r.Header)
	w.WriteHeader(r.StatusCode)
	if _, err := io.Copy(w.Body, r.Body); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestNothingThere asks for what is not there.
func TestNothingThere(t *testing.T) {
	h := openSite(t, nil)
	for _, path := range []string{"/x", "/api/", "/api/x", "/api/dates/", "/export/", "/backup/x", "/index.html", "/assets/x.js", "/assets/page.html", "/favicon.ico", "/<script>alert(1)</script>"} {
		w := here(h, http.MethodGet, path)
		var f monitor.Failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != http.StatusNotFound || !f.Usage || f.Problem != "nothing is at "+path {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		isGuarded(t, w)
	}
}

// waits is a part of a site that stays in there until it is let go on.
type waits struct{ in, goOn chan struct{} }

func newWaits() *waits { return &waits{make(chan struct{}), make(chan struct{})} }

func (w *waits) here() {
	w.in <- struct{}{}
	<-w.goOn
}

// TestTurnstiles has as many in there as may be: the next is told to come back, others are
// not kept, and when they have gone there is room again.
func TestTurnstiles(t *testing.T) {
	rows, exports, copies := newWaits(), newWaits(), newWaits()
	h := openSite(t, func(s *monitor.Site) {
		s.Rows = map[string]monitor.Rows{"dates": func(context.Context, url.Values, io.Writer) (url.Values, error) { rows.here(); return nil, nil }, "other": rowsOf()}
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			exports.here()
			return nil, errWrong
		}
		s.Snapshot = func(context.Context, bool) (*monitor.Snapshot, error) { copies.here(); return nil, errWrong }
	})
	for _, c := range []struct {
		path, alike string
		most        int
		at          *waits
	}{{"/api/dates", "/api/other", monitor.MostRowsAtOnce, rows}, {"/export/1s.csv", "/export/x", monitor.MostDownloads, exports}, {"/backup", "/backup", monitor.MostSnapshots, copies}} {
		var all sync.WaitGroup
		for range c.most {
			all.Go(func() { here(h, http.MethodGet, c.path) })
			<-c.at.in
		}
		for _, path := range []string{c.path, c.alike} {
			w := here(h, http.MethodGet, path)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "5" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s beyond %d: %d %v %s", path, c.most, w.Code, w.Header(), w.Body)
			}
			isGuarded(t, w)
		}
		if w := here(h, http.MethodGet, "/healthz"); w.Code != http.StatusOK {
			t.Errorf("health meanwhile: %d", w.Code)
		}
		close(c.at.goOn)
		all.Wait()
		all.Go(func() {
			if w := here(h, http.MethodGet, c.path); w.Code == http.StatusServiceUnavailable {
				t.Errorf("%s after that: %d", c.path, w.Code)
			}
		})
		<-c.at.in
		all.Wait()
	}
}

// everyPath is all that is there, the events aside, which have no end.
var everyPath = []string{"/", "/assets/app.js", "/assets/style.css", "/assets/icon.svg", "/healthz", "/readyz", "/api/dates", "/export/1s.csv", "/backup", "/metrics"}

// TestMethods asks with methods that change things: nothing here can be changed.
func TestMethods(t *testing.T) {
	h := openSite(t, func(s *monitor.Site) {
		s.Rows["dates"] = func(context.Context, url.Values, io.Writer) (url.Values, error) {
			t.Error("rows are made")
			return nil, nil
		}
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			t.Error("a download is made")
			return nil, errWrong
		}
		s.Snapshot = func(context.Context, bool) (*monitor.Snapshot, error) {
			t.Error("a snapshot is made")
			return nil, errWrong
		}
		s.Topics = func(url.Values) ([]string, error) { t.Error("events are sent"); return nil, errWrong }
	})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace, http.MethodConnect, "PROPFIND", "get"} {
		for _, path := range slices.Concat(everyPath, []string{"/api/events", "/login", "/logout"}) {
			if method == http.MethodPost && (path == "/login" || path == "/logout") {
				continue
			}
			w := here(h, method, path)
			if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed || strings.Contains(w.Body.String(), marker) {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			isGuarded(t, w)
		}
	}
	if w := here(h, http.MethodGet, "/logout"); w.Code != http.StatusNotFound {
		t.Errorf("a link logs out: %d", w.Code)
	}
}

// TestHead asks for the head of everything, over the network: the status and the type of GET,
// and no body.
func TestHead(t *testing.T) {
	server := httptest.NewServer(openSite(t, nil))
	defer server.Close()
	for _, path := range everyPath {
		get := recorded(t, server.URL+path)
		r, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != 0 || r.StatusCode != get.Code || get.Code != http.StatusOK || r.Header.Get("Content-Type") != get.Header().Get("Content-Type") {
			t.Errorf("%s: %d %v %q %v", path, r.StatusCode, r.Header, body, err)
		}
		if want := get.Header().Get("ETag"); r.Header.Get("ETag") != want {
			t.Errorf("%s: %s, not %s", path, r.Header.Get("ETag"), want)
		}
	}
}

// TestPacked unpacks rows and the page, and finds that downloads and events come as they are.
func TestPacked(t *testing.T) {
	long := []byte(strings.Repeat("0123456789,", 1000))
	h := openSite(t, func(s *monitor.Site) {
		s.Rows["dates"] = rowsOf(fmt.Sprintf("%q", long))
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return (&written{data: long, tag: "b"}).download(), nil
		}
		folder := t.TempDir()
		s.Snapshot = func(context.Context, bool) (*monitor.Snapshot, error) { return copyOf(folder, long, false) }
	})
	for path, packed := range map[string]bool{"/": true, "/assets/app.js": true, "/assets/page.css": true, "/api/dates": true, "/export/1s.csv": false, "/backup": false, "/api/events": false, "/healthz": false} {
		plain := here(h, http.MethodGet, path)
		w := here(h, http.MethodGet, path, "Accept-Encoding", "gzip")
		if got := w.Header().Get("Content-Encoding"); (got == "gzip") != packed || !packed && got != "" {
			t.Errorf("%s: %q", path, got)
			continue
		}
		if packed != strings.Contains(fmt.Sprint(w.Header().Values("Vary")), "Accept-Encoding") && path != "/healthz" {
			t.Errorf("%s varies with %q", path, w.Header().Values("Vary"))
		}
		body := w.Body.Bytes()
		if packed {
			body = unpacked(t, body)
		}
		if !bytes.Equal(body, plain.Body.Bytes()) || plain.Header().Get("Content-Encoding") != "" || len(body) == 0 {
			t.Errorf("%s: %d bytes, %d when it is not packed", path, len(body), plain.Body.Len())
		}
	}
}

func unpacked(t *testing.T, body []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// copyOf is a snapshot with that in it.
func copyOf(folder string, data []byte, isNew bool) (*monitor.Snapshot, error) {
	name := filepath.Join(folder, "copy.db")
	if _, err := os.Stat(name); err != nil {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(name)
	return &monitor.Snapshot{File: f, Name: "tapedeck-copy.db", SHA256: "5ca1ab1e", At: time.Unix(1_700_000_000, 0), New: isNew}, err
}
