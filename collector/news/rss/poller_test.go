package rss_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/news"
	"tapedeck/collector/news/rss"
)

// answers is a network that answers by a function.
type answers func(r *http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(r *http.Request, code int, body string, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Status: fmt.Sprint(code, " ", http.StatusText(code)), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

func story(n int) string {
	return fmt.Sprintf(`<rss version="2.0"><channel><item><title>Story %d on $QLD</title><link>https://e.com/story/%d</link></item></channel></rss>`, n, n)
}

func (s *shelf) of(transport http.RoundTripper, urls ...string) rss.Options {
	var feeds []news.Feed
	for _, u := range urls {
		feeds = append(feeds, news.Feed{URL: u, Source: u})
	}
	o := s.options(feeds, nil)
	o.Transport = transport
	return o
}

// What cannot be saved waits, and no feed is asked for more than may wait; nothing is lost.
func TestSaveThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		var n atomic.Int64
		o := s.of(answers(func(r *http.Request) (*http.Response, error) {
			return respond(r, 200, story(int(n.Add(1)))), nil
		}), "https://a.com/1", "https://b.com/1")
		var log bytes.Buffer
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		var full atomic.Bool
		full.Store(true)
		o.Save = func(articles []news.Article, states []news.State) error {
			if full.Load() {
				return errors.New("the disk is full")
			}
			return s.save(articles, states)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { rss.New(o).Run(ctx); close(done) }()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if len(s.articles) > 0 {
			t.Error("it was saved")
		}
		full.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.Load() < 10 || len(s.articles) != int(n.Load()) {
			t.Errorf("%d of %d articles", len(s.articles), n.Load())
		}
		if c := strings.Count(log.String(), "the disk is full"); c != 1 {
			t.Errorf("the log says\n%s", &log)
		}
		stop()
		<-done
	})
}

// A start goes on where the last run stopped: nobody is asked who is fresh, nothing that is
// known is stored, and what was stored at the stop is there.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		var asked []time.Time
		transport := answers(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, time.Now())
			if len(asked) > 1 && r.Header.Get("If-None-Match") != `W/"1"` {
				t.Errorf("asked with %v", r.Header)
			}
			return respond(r, 200, story(1)+strings.Repeat(" ", len(asked)), "ETag", `W/"1"`, "Cache-Control", "max-age=3600"), nil
		})
		begun := time.Now()
		for range 90 { // a start each minute
			run(t, s.of(transport, "https://a.com/1"), 50*time.Second)
			time.Sleep(10 * time.Second)
		}
		if len(asked) != 2 || asked[1].Sub(asked[0]) < time.Hour {
			t.Errorf("asked at %v", asked)
		}
		if len(s.articles) != 1 {
			t.Errorf("%d articles", len(s.articles))
		}
		for _, a := range s.articles {
			if a.Seen < begun.UnixMilli() || a.Seen > begun.Add(time.Minute).UnixMilli() || strings.Join(a.Symbols, " ") != "QLD" {
				t.Errorf("%+v", a)
			}
		}
	})
}

// A clock that was set wrong neither stops a feed for years nor has it asked at once again.
func TestClockThatWasWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		var n atomic.Int64
		transport := answers(func(r *http.Request) (*http.Response, error) {
			return respond(r, 200, story(int(n.Add(1)))), nil
		})
		s.states["https://a.com/1"] = news.State{URL: "https://a.com/1", Next: time.Now().AddDate(20, 0, 0).UnixMilli()}
		s.states["https://b.com/1"] = news.State{URL: "https://b.com/1", Next: time.Now().AddDate(-20, 0, 0).UnixMilli()}
		run(t, s.of(transport, "https://a.com/1", "https://b.com/1"), 4*time.Minute)
		if n.Load() != 2 {
			t.Errorf("%d requests", n.Load())
		}
	})
}

// A panic, here of a function that a parser calls, costs that fetch only; it is said to who
// asked for it. Every other failure that is usual is not said at all.
func TestPanicAndSilence(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(t)
			o := s.of(answers(func(r *http.Request) (*http.Response, error) {
				switch r.URL.Host {
				case "a.com":
					return respond(r, 200, story(1)), nil
				case "b.com":
					return respond(r, 200, strings.Replace(story(2), "QLD", "PANIC", 1)), nil
				case "c.com":
					return respond(r, 403, ""), nil
				}
				return nil, io.ErrUnexpectedEOF
			}), "https://a.com/1", "https://b.com/1", "https://c.com/1", "https://d.com/1")
			o.Recorded = func(symbol string) bool {
				if symbol == "PANIC" {
					panic("a fault in a parser")
				}
				return false
			}
			var log bytes.Buffer
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
			run(t, o, 8*time.Hour)
			want := 1 // the sum after an hour
			if verbose {
				want = 2
			}
			if n := strings.Count(log.String(), "\n"); n != want || verbose && !strings.Contains(log.String(), "a fault in a parser") {
				t.Errorf("verbose %v: the log says\n%s", verbose, &log)
			}
			if len(s.articles) != 1 || s.states["https://a.com/1"].Articles != 1 {
				t.Errorf("%d articles", len(s.articles))
			}
			for u, want := range map[string]string{"https://a.com/1": "same", "https://b.com/1": "panic", "https://c.com/1": "403", "https://d.com/1": "broken off"} {
				if got := s.states[u]; got.Last != want || got.Outcomes[want] < 2 || (got.Failures == 0) != (want == "same") {
					t.Errorf("%s: %+v", u, got)
				}
			}
		})
	}
}

// A stop in the middle of requests is quick, and keeps what is there.
func TestStopWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		o := s.of(answers(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "a.com" {
				return respond(r, 200, story(1)), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), "https://a.com/1", "https://b.com/1")
		begun := time.Now()
		run(t, o, 5*time.Second)
		if took := time.Since(begun); took != 5*time.Second || len(s.articles) != 1 {
			t.Errorf("stopped after %v with %d articles", took, len(s.articles))
		}
		if state, ok := s.states["https://b.com/1"]; ok {
			t.Errorf("a request that was broken off by the stop counts: %+v", state)
		}
	})
}

// What is on the list no more is kept, and marked: it may come back.
func TestFeedThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		asked := 0
		transport := answers(func(r *http.Request) (*http.Response, error) {
			asked++
			return respond(r, 410, ""), nil
		})
		run(t, s.of(transport, "https://a.com/1"), time.Minute)
		run(t, s.of(transport, "https://b.com/1"), time.Minute)
		if a, b := s.states["https://a.com/1"], s.states["https://b.com/1"]; !a.Left || !a.Retired || b.Left {
			t.Errorf("%+v and %+v", a, b)
		}
		run(t, s.of(transport, "https://a.com/1"), time.Minute)
		if a, b := s.states["https://a.com/1"], s.states["https://b.com/1"]; !b.Left || a.Left || asked != 2 {
			t.Errorf("%d requests, %+v and %+v", asked, a, b)
		}
	})
}
