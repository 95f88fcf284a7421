package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapedeck/collector/monitor"
)

// answering serves answers on a socket until the test ends, and returns its path.
func answering(t *testing.T, answers map[string]monitor.Answer) (socket string, stop func()) {
	t.Helper()
	s, err := monitor.Listen(filepath.Join(t.TempDir(), "a.db"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- monitor.Serve(ctx, s, monitor.Handler(answers, explain)) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = s.Close()
		done <- nil
	}
	t.Cleanup(stop)
	return s.Path, stop
}

var errWrong = errors.New("asked wrongly")

func explain(err error) *monitor.Failure {
	return &monitor.Failure{Usage: errors.Is(err, errWrong), Problem: err.Error(), Try: "this"}
}

// TestAsk puts questions that are answered, refused, and broken off.
func TestAsk(t *testing.T) {
	text := strings.Repeat("0123456789\n", 50_000)
	socket, stop := answering(t, map[string]monitor.Answer{
		"echo": func(_ context.Context, asked url.Values, out io.Writer) (string, error) {
			fmt.Fprint(out, asked.Get("say"))
			return "said \"" + asked.Get("say") + "\"\nтоже", nil
		},
		"long":  func(_ context.Context, _ url.Values, out io.Writer) (string, error) { return "", copyText(out, text) },
		"wrong": func(context.Context, url.Values, io.Writer) (string, error) { return "", errWrong },
		"late": func(_ context.Context, _ url.Values, out io.Writer) (string, error) {
			return "", errors.Join(copyText(out, text), io.ErrUnexpectedEOF)
		},
		"endless": func(ctx context.Context, _ url.Values, out io.Writer) (string, error) {
			for ctx.Err() == nil {
				if err := copyText(out, text); err != nil {
					return "", err
				}
			}
			return "", ctx.Err()
		},
	})
	ask := func(name string, asked url.Values) (string, string, error) {
		var out bytes.Buffer
		notes, err := monitor.Ask(context.Background(), socket, name, asked, &out)
		return out.String(), notes, err
	}
	if out, notes, err := ask("echo", url.Values{"say": {"a b&c=d\n"}}); err != nil || out != "a b&c=d\n" || notes != "said \"a b&c=d\n\"\nтоже" {
		t.Errorf("echo: %q %q %v", out, notes, err)
	}
	if out, _, err := ask("long", nil); err != nil || out != text {
		t.Errorf("long: %d bytes, %v", len(out), err)
	}
	var f *monitor.Failure
	if out, _, err := ask("wrong", nil); !errors.As(err, &f) || !f.Usage || f.Problem != errWrong.Error() || f.Try != "this" || out != "" {
		t.Errorf("wrong: %q %+v", out, err)
	}
	if out, _, err := ask("late", nil); !errors.As(err, &f) || f.Usage || out != text {
		t.Errorf("late: %d bytes, %+v", len(out), err)
	}
	if _, _, err := ask("unheard-of", nil); !errors.As(err, &f) || !f.Usage {
		t.Errorf("unheard-of: %v", err)
	}
	if _, err := monitor.Ask(context.Background(), socket, "endless", nil, failing{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that has gone: %v", err)
	}
	gone := onceWritten{stop: stop}
	if _, err := monitor.Ask(context.Background(), socket, "endless", nil, &gone); !errors.Is(err, monitor.ErrEnded) {
		t.Errorf("a recorder that ends meanwhile: %v", err)
	}
	if _, _, err := ask("echo", nil); !errors.Is(err, monitor.ErrNobody) {
		t.Errorf("a recorder that has ended: %v", err)
	}
}

func copyText(out io.Writer, text string) error {
	_, err := io.WriteString(out, text)
	return err
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// onceWritten ends the recorder when the first bytes have come.
type onceWritten struct {
	stop func()
	done bool
}

func (w *onceWritten) Write(p []byte) (int, error) {
	if !w.done {
		w.done = true
		w.stop()
	}
	return len(p), nil
}

// TestSocket makes the socket where a stale one lies, and where the path is too long.
func TestSocket(t *testing.T) {
	folder := t.TempDir()
	db := filepath.Join(folder, "a.db")
	for range 2 { // the second finds what the first left, as if it had died
		s, err := monitor.Listen(db, "")
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(monitor.SocketPath(db))
		if err != nil || info.Mode().Perm() != 0o600 || s.Elsewhere {
			t.Errorf("the socket is %v %v, elsewhere %v", info, err, s.Elsewhere)
		}
		if err := s.Listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := monitor.Ask(context.Background(), monitor.SocketPath(db), "x", nil, io.Discard); !errors.Is(err, monitor.ErrNobody) {
		t.Errorf("a stale socket: %v", err)
	}
	t.Setenv("TMPDIR", folder)
	long := filepath.Join(folder, strings.Repeat("long", 30), "a.db")
	left, err := monitor.Listen(long, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := monitor.Listen(long, left.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left.Path); !os.IsNotExist(err) {
		t.Errorf("what a dead one left is still there: %v", err)
	}
	info, err := os.Stat(filepath.Dir(s.Path))
	if err != nil || info.Mode().Perm() != 0o700 || !s.Elsewhere || len(s.Path) > 100 {
		t.Errorf("%s: %v %v", s.Path, info, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(s.Path)); !os.IsNotExist(err) {
		t.Errorf("its folder is still there: %v", err)
	}
}

// TestTooManyAsk refuses the 65th at once.
func TestTooManyAsk(t *testing.T) {
	here, goOn := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(monitor.Handler(map[string]monitor.Answer{
		"wait": func(context.Context, url.Values, io.Writer) (string, error) {
			here <- struct{}{}
			<-goOn
			return "", nil
		},
	}, explain))
	defer server.Close()
	done := make(chan error)
	for range 64 {
		go func() {
			r, err := http.Get(server.URL + "/wait")
			if err == nil {
				err = r.Body.Close()
			}
			done <- err
		}()
		<-here
	}
	r, err := http.Get(server.URL + "/wait")
	if err != nil || r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%v %v", r, err)
	}
	close(goOn)
	for range 64 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	_ = r.Body.Close()
}
