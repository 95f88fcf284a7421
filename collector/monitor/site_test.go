package monitor_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

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

// pageFiles are the names of what the page is made of.
func pageFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("page")
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func pageText(t *testing.T, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(os.DirFS("page"), name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPageFiles serves every file of the page with a type, the HTML only where it belongs, and
// says nothing anew to a browser that has it.
func TestPageFiles(t *testing.T) {
	h := openSite(t, nil)
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	for _, name := range pageFiles(t) {
		w := here(h, http.MethodGet, "/assets/"+name)
		if path.Ext(name) == ".html" {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", name, w.Code)
			}
			continue
		}
		kind := types[path.Ext(name)]
		if w.Code != http.StatusOK || kind == "" || w.Header().Get("Content-Type") != kind || w.Header().Get("Cache-Control") != "no-cache" || !bytes.Equal(w.Body.Bytes(), pageText(t, name)) {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		tag := w.Header().Get("ETag")
		if w := here(h, http.MethodGet, "/assets/"+name, "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 || tag == "" {
			t.Errorf("%s again: %d", name, w.Code)
		}
	}
	if w := here(h, http.MethodGet, "/"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || !bytes.Equal(w.Body.Bytes(), pageText(t, "index.html")) {
		t.Errorf("the page: %d %v", w.Code, w.Header())
	}
}

// TestPageIsSmall packs the page: a phone has it in a moment.
func TestPageIsSmall(t *testing.T) {
	sum := 0
	for _, name := range pageFiles(t) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(pageText(t, name)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		sum += packed.Len()
	}
	t.Logf("the page is %d bytes, packed", sum)
	if sum > 80<<10 {
		t.Errorf("the page is %d bytes, packed", sum)
	}
}

// TestPageIsPlain reads the HTML as a browser does: it has nothing in it that the policy
// forbids, and refers to nothing outside but by links that a person follows.
func TestPageIsPlain(t *testing.T) {
	seen := 0
	for _, name := range pageFiles(t) {
		if path.Ext(name) != ".html" {
			continue
		}
		seen++
		for _, problem := range forbiddenIn(bytes.NewReader(pageText(t, name))) {
			t.Errorf("%s: %s", name, problem)
		}
	}
	if seen < 3 {
		t.Errorf("only %d files of HTML", seen)
	}
}

// TestPlainIsLooked has the test itself find what is forbidden.
func TestPlainIsLooked(t *testing.T) {
	for text, want := range map[string]int{
		`<script>x()</script>`: 1, `<script src="/assets/a.js">x()</script>`: 1, `<script type="module" src="/assets/a.js"></script>`: 0, `<style>a{}</style>`: 2,
		`<p style="color:red">`: 1, `<p onclick="x()">`: 1, `<P ONLOAD=x>`: 1, `<a href="https://x.com">x</a>`: 0, `<img src="https://x.com/a.png">`: 1, `<img src="//x.com/a.png">`: 1,
		`<link href=http://x.com/a.css>`: 1, `<a href="javascript:x()">`: 1, `<form action="https://x.com">`: 1, `<img srcset="/assets/a.png 1x, https://x.com/b.png 2x">`: 1, `<base href="/x">`: 1,
		`<p class="style" id="on">`: 0,
	} {
		if got := forbiddenIn(strings.NewReader(text)); len(got) != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// forbiddenIn is what may not stand in a page.
func forbiddenIn(r io.Reader) (problems []string) {
	z := html.NewTokenizer(r)
	inside := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return problems
		case html.EndTagToken:
			inside = ""
		case html.TextToken:
			if text := strings.TrimSpace(string(z.Text())); text != "" && (inside == "script" || inside == "style") {
				problems = append(problems, "inline "+inside+": "+text)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			inside = token.Data
			problems = append(problems, forbiddenOf(token)...)
		}
	}
}

func forbiddenOf(token html.Token) (problems []string) {
	if token.Data == "style" || token.Data == "base" || token.Data == "iframe" || token.Data == "object" {
		problems = append(problems, "a "+token.Data)
	}
	sourced := false
	for _, a := range token.Attr {
		sourced = sourced || a.Key == "src"
		outside := regexp.MustCompile(`(?i)(https?:|^\s*)//`).MatchString(a.Val) && !(token.Data == "a" && a.Key == "href")
		switch {
		case a.Key == "style", len(a.Key) > 2 && strings.HasPrefix(a.Key, "on"), strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:"), outside:
			problems = append(problems, fmt.Sprintf("<%s %s=%q>", token.Data, a.Key, a.Val))
		}
	}
	if token.Data == "script" && !sourced {
		if len(token.Attr) > 0 {
			problems = append(problems, "a script without src")
		}
	}
	return problems
}

// references are what a file of the page has a browser fetch.
var references = map[string]*regexp.Regexp{
	".html": regexp.MustCompile(`(?:src|href)="/assets/([^"]*)"`),
	".css":  regexp.MustCompile(`url\(["']?([^"')]*)`),
	".js":   regexp.MustCompile(`(?:from|import\(?)\s*['"]\./([^'"]*)`),
}

// TestPageReferences finds every file that another one refers to, and that no file of
// scripts or styles fetches anything from elsewhere.
func TestPageReferences(t *testing.T) {
	names, found := pageFiles(t), make(map[string]int)
	outside := regexp.MustCompile(`(?:import|from|fetch|url|EventSource|WebSocket|src)\W{0,4}(?:https?:|wss?:)?//\w`)
	for _, name := range names {
		text, ext := pageText(t, name), path.Ext(name)
		if references[ext] == nil {
			continue
		}
		for _, m := range references[ext].FindAllSubmatch(text, -1) {
			to := strings.TrimPrefix(string(m[1]), "/assets/")
			found[ext]++
			if !slices.Contains(names, to) || path.Ext(to) == ".html" {
				t.Errorf("%s refers to %s, which is not there", name, to)
			}
		}
		if at := outside.Find(text); at != nil && ext != ".html" {
			t.Errorf("%s fetches from elsewhere: %s", name, at)
		}
	}
	if found[".html"] == 0 || found[".js"] == 0 {
		t.Errorf("found %v", found)
	}
}

// TestTemplates renders a hostile problem, and what is shown while all is closed.
func TestTemplates(t *testing.T) {
	w := httptest.NewRecorder()
	monitor.LoginPage(w, http.StatusTeapot, `"><script>alert('x')</script><img onerror=x>`)
	if text := w.Body.String(); w.Code != http.StatusTeapot || strings.Contains(text, "<script>") || strings.Contains(text, "<img onerror") || !strings.Contains(text, "&lt;script&gt;") {
		t.Errorf("%d %s", w.Code, text)
	}
	if w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v", w.Header())
	}
	w = visitor{path: "/", host: "evil.com"}.ask(plainSite(t, &monitor.Access{Outside: true}).Handler())
	if text := w.Body.String(); w.Code != http.StatusForbidden || !strings.Contains(text, "HTTP_TOKEN=$(openssl rand -hex 16)") || !strings.Contains(text, "tapedeck run") || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v %s", w.Code, w.Header(), text)
	}
}

// pipes is a listener in memory, with nothing between the two ends that would keep bytes.
type pipes struct {
	came chan net.Conn
	once sync.Once
	done chan struct{}
}

func newPipes() *pipes { return &pipes{came: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.came:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.came <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// within serves a handler in memory in fake time while f runs, and waits for all that was
// started. What is left then fails the test.
func within(t *testing.T, h http.Handler, f func(t *testing.T, p *pipes, client *http.Client, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- monitor.Serve(ctx, p, h) }()
		stop := sync.OnceFunc(func() {
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		transport := &http.Transport{DialContext: p.dial, DisableCompression: true}
		f(t, p, &http.Client{Transport: transport}, stop)
		transport.CloseIdleConnections()
		stop()
		synctest.Wait()
	})
}

// says writes a request as it stands there on a connection of its own.
func says(t *testing.T, p *pipes, text string) net.Conn {
	t.Helper()
	c, err := p.dial(context.Background(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// let is for how long a connection is kept on which nothing more is said or read.
func let(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if err := c.SetReadDeadline(began.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection is kept for ever")
	}
	return time.Since(began)
}

// TestServeEnds serves rows, and ends with its context in the middle of one.
func TestServeEnds(t *testing.T) {
	at := make(chan context.Context, 1)
	h := openSite(t, func(s *monitor.Site) {
		s.Rows["wait"] = func(ctx context.Context, _ url.Values, _ io.Writer) (url.Values, error) {
			at <- ctx
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	within(t, h, func(t *testing.T, p *pipes, client *http.Client, stop func()) {
		r, err := client.Get("http://localhost/api/dates")
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.Contains(body, []byte(marker)) {
			t.Errorf("%s %v", body, err)
		}
		asked := make(chan int, 1)
		go func() {
			code := 0
			if r, err := client.Get("http://localhost/api/wait"); err == nil {
				code = r.StatusCode
				_ = r.Body.Close()
			}
			asked <- code
		}()
		ctx := <-at
		stop()
		if ctx.Err() == nil {
			t.Error("what was being answered goes on")
		}
		if code := <-asked; code == http.StatusOK {
			t.Error("it was answered as if all was well")
		}
		if _, err := client.Get("http://localhost/healthz"); err == nil {
			t.Error("it still answers")
		}
	})
}

// TestServeListener returns the error of a listener that breaks.
func TestServeListener(t *testing.T) {
	p := newPipes()
	_ = p.Close()
	if err := monitor.Serve(context.Background(), p, openSite(t, nil)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestServeLimits has clients begin and not go on: none of them keeps a connection.
func TestServeLimits(t *testing.T) {
	const host = " HTTP/1.1\r\nHost: localhost\r\n"
	for _, c := range []struct {
		name, text string
		most       time.Duration
	}{
		{"nothing", "", 5 * time.Second},
		{"half a head", "GET /" + host + "X: ", 5 * time.Second},
		{"idle after an answer", "GET /healthz" + host + "\r\n", 2 * time.Minute},
		{"a form that does not come", "POST /login" + host + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\ntoken=", 3 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			within(t, openSite(t, nil), func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
				if kept := let(t, says(t, p, c.text)); kept > c.most {
					t.Errorf("kept for %v", kept)
				}
			})
		})
	}
}

// TestServeBodies sends the head of a request with a body that never comes, where nobody
// wants one: the answer comes, and the connection is not kept.
func TestServeBodies(t *testing.T) {
	for _, path := range []string{"GET /healthz", "POST /logout", "GET /api/dates", "PUT /"} {
		within(t, openSite(t, nil), func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
			c := says(t, p, path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
			if kept := let(t, c); kept > 3*time.Minute {
				t.Errorf("%s: kept for %v", path, kept)
			}
			_ = c.Close()
		})
	}
}

// TestServeUnread asks and does not read the answer: after a while it is let go.
func TestServeUnread(t *testing.T) {
	for _, path := range []string{"/api/dates", "/export/1s.csv", "/backup", "/", "/assets/app.js", "/healthz", "/nowhere"} {
		within(t, openSite(t, nil), func(t *testing.T, p *pipes, _ *http.Client, _ func()) {
			c := says(t, p, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
			time.Sleep(5 * time.Minute)
			if n, err := io.Copy(io.Discard, c); n > 0 || err != nil {
				t.Errorf("%s: it was still there after 5 minutes: %d bytes, %v", path, n, err)
			}
			_ = c.Close()
		})
	}
}

// TestServeHeader refuses a head that is too long.
func TestServeHeader(t *testing.T) {
	within(t, openSite(t, nil), func(t *testing.T, p *pipes, client *http.Client, _ func()) {
		for n, want := range map[int]int{monitor.MostHeader / 2: http.StatusOK, 2 * monitor.MostHeader: http.StatusRequestHeaderFieldsTooLarge} {
			c, err := p.dial(context.Background(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			go func() { // the other end may stop reading
				_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", n)+"\r\n\r\n")
			}()
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || r.StatusCode != want {
				t.Errorf("%d bytes: %v %v", n, r, err)
			}
			_ = c.Close()
			time.Sleep(time.Second) // a server that refuses lets a client read why
		}
	})
}

// TestListen takes an address, and says who may reach it.
func TestListen(t *testing.T) {
	l, err := monitor.ListenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if monitor.Outside(l.Addr()) {
		t.Errorf("%v can be reached from outside", l.Addr())
	}
	if _, err := monitor.ListenTCP(l.Addr().String()); err == nil {
		t.Error("it was taken twice")
	}
	if _, err := monitor.ListenTCP("nowhere"); err == nil {
		t.Error("it listens nowhere")
	}
	for address, want := range map[string]bool{"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": true, "::": true, "10.0.0.1": true} {
		if got := monitor.Outside(&net.TCPAddr{IP: net.ParseIP(address), Port: 80}); got != want {
			t.Errorf("%s is outside: %t", address, got)
		}
	}
	if !monitor.Outside(&net.UnixAddr{}) || !monitor.Outside(&net.TCPAddr{Port: 80}) {
		t.Error("what is not known to be of this machine is taken for that")
	}
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
