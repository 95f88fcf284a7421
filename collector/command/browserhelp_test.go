package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// screenshots is where the browser tests leave what they see, for a person to look at.
var screenshots = flag.String("screenshots", "", "write the screenshots of the browser tests into this folder")

// browserLimit is how long a person would wait for anything; a machine that is busy with other tests
// needs some of it.
const browserLimit = 60 * time.Second

// browser is a real Chromium without a window, and what it complained of.
type browser struct {
	t   *testing.T
	ctx context.Context
	at  string // the page

	mu     sync.Mutex
	noise  []string          // errors and warnings of the console, and what was thrown
	hosts  map[string]string // that something was asked of, with an address as an example
	status map[string]int64  // of each address, the last one
}

// newBrowser starts one that is closed when the test ends. Without Chromium the test skips.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser is a process of its own: go test without -short")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium: Debian has it as the package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 900))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocated)
	t.Cleanup(stop)
	b := &browser{t: t, ctx: ctx, hosts: make(map[string]string), status: make(map[string]int64)}
	chromedp.ListenTarget(ctx, b.hear)
	b.do(network.Enable(), log.Enable(), runtime.Enable())
	return b
}

// hear notes what a person would see in the developer's tools.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			b.noise = append(b.noise, fmt.Sprintf("console: %s %s", e.Type, e.Args[0].Value))
		}
	case *runtime.EventExceptionThrown:
		b.noise = append(b.noise, "thrown: "+e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Level != log.LevelError && e.Entry.Level != log.LevelWarning {
			return
		}
		b.noise = append(b.noise, fmt.Sprintf("log: %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" {
			b.hosts[u.Host] = e.Request.URL
		}
	case *network.EventResponseReceived:
		b.status[e.Response.URL] = e.Response.Status
	}
}

// do does it, within the limit.
func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := b.try(actions...); err != nil {
		b.fail(err)
	}
}

func (b *browser) try(actions ...chromedp.Action) error {
	if err := chromedp.Run(b.ctx); err != nil { // the browser itself lives as long as its first context
		return err
	}
	ctx, stop := context.WithTimeout(b.ctx, browserLimit)
	defer stop()
	return chromedp.Run(ctx, actions...)
}

// fail ends the test with what the browser shows.
func (b *browser) fail(why any) {
	b.t.Helper()
	b.shoot("failed")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("%v; the console: %q", why, b.noise)
}

// open goes to the page.
func (b *browser) open(at string) {
	b.t.Helper()
	b.at = at
	b.do(chromedp.Navigate(at))
}

// until waits until an expression of JavaScript is true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	poll := chromedp.Poll("Boolean("+expression+")", nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(browserLimit))
	err := b.try(poll)
	var gone *cdproto.Error
	for tries := 0; errors.As(err, &gone) && tries < 20; tries++ { // the page has made place for another one
		err = b.try(poll)
	}
	if err != nil {
		b.fail(fmt.Sprintf("%s: %s never held: %v; the page says: %s", what, expression, err, b.text("main")))
	}
}

// text is what a part of the page reads.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return b.value(fmt.Sprintf("(document.querySelector(%q) || {innerText: ''}).innerText", selector))
}

// value is an expression of JavaScript, as a text.
func (b *browser) value(expression string) (text string) {
	b.t.Helper()
	if err := b.try(chromedp.Evaluate("String("+expression+")", &text)); err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// number is an expression of JavaScript that is one.
func (b *browser) number(expression string) (n float64) {
	b.t.Helper()
	if err := b.try(chromedp.Evaluate(expression, &n)); err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return n
}

// look changes what the browser is: dark or light, as wide as a phone.
func (b *browser) look(scheme string, width, height int64) {
	b.t.Helper()
	b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.EmulateViewport(width, height))
}

// shoot keeps what there is to see, when somebody wants to look.
func (b *browser) shoot(name string) {
	b.t.Helper()
	var png []byte
	if err := b.try(chromedp.FullScreenshot(&png, 100)); err != nil {
		b.t.Logf("no screenshot: %v", err)
		return
	}
	if len(png) < 2000 {
		b.t.Errorf("screenshot %s has %d bytes: there is nothing to see", name, len(png))
	}
	if *screenshots != "" {
		if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
			b.t.Error(err)
		}
	}
}

// quiet is an error if anything was said on the console, or asked of another host. What is
// allowed is known to be said.
func (b *browser) quiet(allowed ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, line := range b.noise {
		for _, a := range allowed {
			if strings.Contains(line, a) {
				continue next
			}
		}
		b.t.Errorf("the browser complains: %s", line)
	}
	here, err := url.Parse(b.at)
	if err != nil {
		b.t.Fatal(err)
	}
	for host, example := range b.hosts {
		if host != here.Host {
			b.t.Errorf("something was asked of %q: %s", host, example)
		}
	}
}

// fits is an error where the page is wider than its window.
func (b *browser) fits() {
	b.t.Helper()
	if over := b.number("document.documentElement.scrollWidth - window.innerWidth"); over > 0 {
		b.t.Errorf("the page is %v pixels wider than its window", over)
	}
}

// inBackground runs a command of the program in this process until the test ends, or stop is
// called, and returns what the pattern finds in its output.
func inBackground(t *testing.T, pattern string, args ...string) (found string, stop func()) {
	t.Helper()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	var said syncBuffer
	go func() {
		both := io.MultiWriter(w, &said)
		code := dispatch(ctx, args, console{both, both})
		_ = w.Close()
		done <- code
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("%v ended with %d: %s", args, code, &said)
		}
	})
	t.Cleanup(stop)
	matches := make(chan string, 1)
	go func() {
		defer close(matches)
		var text bytes.Buffer
		expression, buf := regexp.MustCompile(pattern), make([]byte, 4096)
		for sent := false; ; {
			n, err := r.Read(buf)
			if text.Write(buf[:n]); !sent {
				if m := expression.FindStringSubmatch(text.String()); m != nil {
					sent = true
					matches <- m[len(m)-1]
					text.Reset()
				}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case m, ok := <-matches:
		if !ok {
			t.Fatalf("%v never said %s: %s", args, pattern, &said)
		}
		return m, stop
	case <-time.After(browserLimit):
		t.Fatalf("%v never said %s: %s", args, pattern, &said)
	}
	return "", nil
}

// fetched is what an address answers.
func fetched(t *testing.T, at string) (status int, body string) {
	t.Helper()
	response, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// syncBuffer may be written and read at once.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
