package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
)

// mailbox is a target that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	got   []string
	tries int
	fails func(try int) error
	takes time.Duration
}

func (m *mailbox) target(id string) *Target {
	begun := time.Now()
	return &Target{id: id, name: id, send: func(_ context.Context, msg Message) error {
		time.Sleep(m.takes) // of a bubble
		m.mu.Lock()
		defer m.mu.Unlock()
		m.tries++
		if m.fails != nil {
			if err := m.fails(m.tries); err != nil {
				return err
			}
		}
		m.got = append(m.got, fmt.Sprintf("%s %s %s", time.Since(begun).Truncate(time.Second), msg.State, msg.Title))
		return nil
	}}
}

// TestOutbox tells three targets of an alarm over two processes: one that works, one that
// fails for a while, one that hangs.
func TestOutbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, flaky, stuck := new(mailbox), &mailbox{fails: func(try int) error {
			if try <= 4 {
				return errors.New("busy with secretpart")
			}
			return nil
		}}, &mailbox{takes: 24 * time.Hour}
		targets := []*Target{good.target("good"), flaky.target("flaky"), stuck.target("stuck")}
		var log strings.Builder
		var kept []byte
		begun := time.Now()
		look := func() []Condition {
			switch at := time.Since(begun); {
			case at < 20*time.Second:
				return []Condition{{Alarm: "feed", Is: Fine}}
			case at < 4*time.Hour:
				return []Condition{{Alarm: "feed", Is: Wrong, Title: "mute"}}
			}
			return []Condition{{Alarm: "feed", Is: Fine, Words: "Again."}}
		}
		saves := 0
		process := func(length time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), length)
			defer cancel()
			o := &Outbox{Targets: targets, Every: 3 * time.Hour, Name: "tapedeck QLD", State: kept, Log: slog.New(slog.NewTextHandler(&log, nil)),
				Save: func(state []byte) error {
					if saves++; saves%2 == 1 { // the disk is full now and then
						return errors.New("no room")
					}
					kept = state
					return nil
				}}
			o.Run(ctx, look)
		}
		process(time.Hour)
		process(time.Minute)
		process(4 * time.Hour)
		stuck.mu.Lock()
		if got, want := fmt.Sprint(good.got), "[20s raised tapedeck QLD: mute 3h0m20s reminder tapedeck QLD: mute, still 4h0m0s resolved tapedeck QLD: over: mute]"; got != want {
			t.Errorf("the good one got %s,\nwant %s", got, want)
		}
		// Tries after 20 s, 30 s, 50 s, 90 s, 170 s: twice as long each time.
		if got, want := fmt.Sprint(flaky.got), "[2m50s raised tapedeck QLD: mute 3h2m50s reminder tapedeck QLD: mute, still 4h0m0s resolved tapedeck QLD: over: mute]"; got != want {
			t.Errorf("the flaky one got %s,\nwant %s", got, want)
		}
		if len(stuck.got) > 0 || !strings.Contains(log.String(), "An alert did not reach stuck") {
			t.Errorf("the stuck one got %s", stuck.got)
		}
		if n := strings.Count(log.String(), "did not reach flaky"); n != 1 || strings.Count(log.String(), "reach flaky again") != 1 {
			t.Errorf("the log says\n%s", log.String())
		}
		stuck.mu.Unlock()
		time.Sleep(25 * time.Hour) // the service that hangs
	})
}

// memory is a listener whose connections are pipes.
type memory chan net.Conn

func (m memory) Accept() (net.Conn, error) {
	c, ok := <-m
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (m memory) Close() error   { return nil }
func (m memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// TestHeartbeat holds what a server hears against the protocol.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var heard []string
		down := func(at time.Duration) bool { return at > 5*time.Minute && at < 8*time.Minute }
		l := make(memory)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at := time.Since(begun)
			if down(at) {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			body, _ := io.ReadAll(r.Body)
			heard = append(heard, fmt.Sprintf("%s %s %s %s", at.Truncate(time.Second), r.Method, r.URL.Path, body))
		})}
		go func() { _ = server.Serve(l) }()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			l <- there
			return here, nil
		}}}
		var log strings.Builder
		h := &Heartbeat{URL: "http://hc.example/uuid-of-a-check", Client: client, Log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+30*time.Second)
		defer cancel()
		h.Run(ctx, func() (bool, string) {
			at := time.Since(begun)
			return at < 2*time.Minute+28*time.Second || at >= 4*time.Minute, fmt.Sprintf("words %s", at)
		})
		close(l)
		_ = server.Close()
		want := `0s GET /uuid-of-a-check/start 
0s GET /uuid-of-a-check 
1m0s GET /uuid-of-a-check 
2m0s GET /uuid-of-a-check 
2m30s POST /uuid-of-a-check/fail words 2m30s
3m30s POST /uuid-of-a-check/fail words 3m30s
4m0s GET /uuid-of-a-check 
5m0s GET /uuid-of-a-check 
8m0s GET /uuid-of-a-check 
9m0s GET /uuid-of-a-check 
10m0s GET /uuid-of-a-check `
		if got := strings.Join(heard, "\n"); got != want {
			t.Errorf("heard\n%s\nwant\n%s", got, want)
		}
		if text := log.String(); strings.Count(text, "does not get through") != 1 || strings.Count(text, "gets through again") != 1 || strings.Contains(text, "uuid") {
			t.Errorf("the log says\n%s", text)
		}
	})
}

// TestTargets reads addresses, good and bad, and looks that no error repeats a secret.
func TestTargets(t *testing.T) {
	for _, c := range []struct {
		address, name, host string
		bad                 bool
	}{
		{"https://hooks.example.com/services/SECRETPART?key=SECRETPART", "webhook hooks.example.com", "hooks.example.com:443", false},
		{"http://127.0.0.1:8000/SECRETPART", "webhook 127.0.0.1", "127.0.0.1:8000", false},
		{"telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1@telegram?chats=@SECRETPART", "telegram", "", false},
		{"ntfy://ntfy.sh/SECRETPART", "ntfy", "", false},
		{"discord://SECRETPART@123456789", "discord", "", false},
		{"slack://xoxb:1234-5678-SECRETPART", "", "", true},
		{"nosuch://SECRETPART", "", "", true},
		{"telegram://SECRETPART", "", "", true},
		{"SECRETPART", "", "", true},
		{"https:///SECRETPART", "", "", true},
		{":SECRETPART", "", "", true},
	} {
		list, err := Targets([]string{"ntfy://ntfy.sh/first", c.address})
		var bad *BadTarget
		if c.bad != errors.As(err, &bad) {
			t.Errorf("%s: %v", c.address, err)
			continue
		}
		if c.bad {
			if bad.Place != 2 || strings.Contains(err.Error(), "SECRETPART") {
				t.Errorf("%s: %v", c.address, err)
			}
			continue
		}
		if list[1].Name() != c.name || list[1].Host() != c.host {
			t.Errorf("%s: %q at %q", c.address, list[1].Name(), list[1].Host())
		}
	}
}

// TestSend sends to a server that takes it, refuses it, and is not there.
func TestSend(t *testing.T) {
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
		if strings.HasSuffix(r.URL.Path, "SECRETNO") {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	m := Message{Title: "tapedeck: mute", Text: "Nothing is heard.", Alarm: "feed", State: Raised, Time: begin}
	send := func(address string) error {
		t.Helper()
		list, err := Targets([]string{address})
		if err != nil {
			t.Fatal(err)
		}
		return list[0].Send(t.Context(), m)
	}
	if err := send(server.URL + "/SECRETYES"); err != nil || body != `{"title":"tapedeck: mute","text":"Nothing is heard.","alarm":"feed","state":"raised","time":"2026-11-20T15:00:00Z"}` {
		t.Errorf("%v, %s", err, body)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	if err := send("generic://" + host + "/SECRETYES?disabletls=yes&template=json"); err != nil || !strings.Contains(body, "Nothing is heard.") || !strings.Contains(body, "tapedeck: mute") {
		t.Errorf("%v, %s", err, body)
	}
	if err := send("signal://" + host + "/+1234567890/+1234567891?disabletls=yes"); err != nil || !strings.Contains(body, `tapedeck: mute\nNothing is heard.`) {
		t.Errorf("%v, %s", err, body)
	}
	for _, address := range []string{server.URL + "/SECRETNO", "generic://" + host + "/SECRETNO?disabletls=yes", "http://127.0.0.1:1/SECRETNO", "generic://127.0.0.1:1/SECRETNO?disabletls=yes"} {
		if err := send(address); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestTitleless knows each service of shoutrrr: of one that is new, or gone, somebody has to look
// whether it takes a title.
func TestTitleless(t *testing.T) {
	titled := []string{"bark", "discord", "generic", "gotify", "ifttt", "join", "lark", "matrix", "mattermost", "notifiarr", "ntfy", "opsgenie", "pushbullet",
		"pushover", "slack", "smtp", "teams", "telegram", "zulip"}
	known := slices.Sorted(slices.Values(append(titled, titleless...)))
	if list := slices.Sorted(slices.Values(new(router.ServiceRouter).ListServices())); !slices.Equal(list, known) {
		t.Errorf("the services are %q, known are %q", list, known)
	}
}

// TestSystemd listens where systemd does.
func TestSystemd(t *testing.T) {
	place := t.TempDir() + "/notify"
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: place, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	var s Systemd
	if err := errors.Join(s.Ready("Recording."), s.Alive(), s.Stopping()); err != nil { // nobody runs us
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", place)
	if err := errors.Join(s.Ready("Recording."), s.Status("Recording."), s.Alive(), s.Status("The disk is full."), s.Stopping()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READY=1\nSTATUS=Recording.", "WATCHDOG=1", "STATUS=The disk is full.", "STOPPING=1"} {
		text := make([]byte, 1000)
		n, err := socket.Read(text)
		if err != nil || string(text[:n]) != want {
			t.Errorf("systemd reads %q, %v, want %q", text[:n], err, want)
		}
	}
}
