package monitor_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tapedeck/collector/monitor"
)

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
