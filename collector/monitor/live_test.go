package monitor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"tapedeck/collector/monitor"
)

// TestDownloadLive reads what is written as it comes: without an end there are no parts.
func TestDownloadLive(t *testing.T) {
	lines := make(chan string)
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return &monitor.Download{Name: "a.csv", Type: "text/csv", Live: true, Write: func(_ context.Context, w io.Writer) error {
				for line := range lines {
					if err := errors.Join(copyText(w, line), w.(interface{ Flush() error }).Flush()); err != nil {
						return err
					}
				}
				return nil
			}}, nil
		}
	})
	within(t, h, func(t *testing.T, _ *pipes, client *http.Client, _ func()) {
		asked, err := http.NewRequest(http.MethodGet, "http://localhost/export/a.csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		asked.Header.Set("Range", "bytes=1-")
		go func() { lines <- "0\n" }()
		r, err := client.Do(asked)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != http.StatusOK || r.Header.Get("Accept-Ranges") != "none" || r.Header.Get("ETag") != "" || r.ContentLength != -1 {
			t.Errorf("%d %v", r.StatusCode, r.Header)
		}
		text := bufio.NewReader(r.Body)
		for n := range 5 {
			if n > 0 {
				lines <- fmt.Sprintln(n)
			}
			if line, err := text.ReadString('\n'); err != nil || line != fmt.Sprintln(n) {
				t.Errorf("%d: %q %v", n, line, err)
			}
		}
		close(lines)
		if rest, err := io.ReadAll(text); err != nil || len(rest) > 0 {
			t.Errorf("%q %v", rest, err)
		}
		if r, err := client.Head("http://localhost/export/a.csv"); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("head: %v %v", r, err)
		}
	})
}

// TestDownloadLiveFails has what is live fail before its first byte, and after.
func TestDownloadLiveFails(t *testing.T) {
	text := ""
	server := httptest.NewServer(openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return &monitor.Download{Name: "a.csv", Type: "text/csv", Live: true, Write: func(_ context.Context, w io.Writer) error {
				if text == "" {
					return errWrong
				}
				return errors.Join(copyText(w, text), w.(interface{ Flush() error }).Flush(), errWrong)
			}}, nil
		}
	}))
	defer server.Close()
	isFailure(t, recorded(t, server.URL+"/export/a.csv"), errWrong, http.StatusBadRequest)
	text = "some\n"
	if g := gets(t, http.MethodGet, server.URL+"/export/a.csv"); !errors.Is(g.err, io.ErrUnexpectedEOF) || string(g.body) != text {
		t.Errorf("%d %q %v", g.StatusCode, g.body, g.err)
	}
}

// TestDownloadLiveQuiet has nothing come for longer than a piece may take, and then the end, or
// the first of it: the client has all, and no broken transfer.
func TestDownloadLiveQuiet(t *testing.T) {
	for name, parts := range map[string][2]string{"a quiet end": {"some\n", ""}, "a quiet start": {"", "some\n"}} {
		t.Run(name, func(t *testing.T) {
			within(t, quietBetween(t, parts), func(t *testing.T, _ *pipes, client *http.Client, _ func()) {
				r, err := client.Get("http://localhost/export/a.csv")
				if err != nil {
					t.Error(err)
					return
				}
				if text, err := io.ReadAll(r.Body); err != nil || string(text) != "some\n" {
					t.Errorf("%q %v", text, err)
				}
			})
		})
	}
}

// quietBetween serves something live of two parts, with a long silence between them.
func quietBetween(t *testing.T, parts [2]string) http.Handler {
	return openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return &monitor.Download{Name: "a.csv", Type: "text/csv", Live: true, Write: func(_ context.Context, w io.Writer) error {
				flush := w.(interface{ Flush() error }).Flush
				if parts[0] != "" {
					if err := errors.Join(copyText(w, parts[0]), flush()); err != nil {
						return err
					}
				}
				time.Sleep(monitor.PieceWithin + time.Second)
				return errors.Join(flush(), copyText(w, parts[1]))
			}}, nil
		}
	})
}
