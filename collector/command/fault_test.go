package command

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/collector/logs"
	"tapedeck/store"
)

// pipes is a listener in memory: a bubble sees that everybody waits.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// faulty is a server whose n-th connection does what the n-th script says, and every
// later one is as it should be.
type faulty struct {
	scripts []func(*attempt)
	refuse  map[int]error // of the n-th dial

	mu    sync.Mutex
	dials []time.Duration // since the beginning
	sent  map[string]int  // trades that were written whole, by time and price
	begun time.Time
	pipes *pipes
}

// attempt is one connection, as a script sees it.
type attempt struct {
	*faulty
	n   int
	w   http.ResponseWriter
	r   *http.Request
	ws  *websocket.Conn
	raw net.Conn
}

func (f *faulty) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	f.mu.Lock()
	n := len(f.dials)
	f.dials = append(f.dials, time.Since(f.begun))
	f.mu.Unlock()
	if err := f.refuse[n]; err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	select {
	case f.pipes.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve answers until the bubble's test ends.
func (f *faulty) serve() (stop func()) {
	f.pipes = &pipes{make(chan net.Conn), make(chan struct{})}
	f.begun, f.sent = time.Now(), map[string]int{}
	served := 0
	for n := range f.refuse {
		served = max(served, n+1)
	}
	var handlers sync.WaitGroup
	web := &http.Server{ErrorLog: stdlog.New(io.Discard, "", 0), ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, rawConn{}, c)
	}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		a := &attempt{faulty: f, n: served, w: w, r: r, raw: r.Context().Value(rawConn{}).(net.Conn)}
		served++
		if i := a.n - len(f.refuse); i < len(f.scripts) {
			f.scripts[i](a)
			return
		}
		healthy(a)
	})}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = web.Serve(f.pipes)
	}()
	return func() {
		_ = web.Close()
		<-stopped
		handlers.Wait()
	}
}

type rawConn struct{}

// accept upgrades, authorises and takes the subscribe.
func (a *attempt) accept() bool {
	var err error
	if a.ws, err = websocket.Accept(a.w, a.r, nil); err != nil {
		return false
	}
	a.say(`{"status_code":200,"message":"Authorized"}`)
	_, _, err = a.ws.Read(context.Background())
	return err == nil
}

func (a *attempt) say(text string) bool {
	return a.ws.Write(context.Background(), websocket.MessageText, []byte(text)) == nil
}

// trade sends a trade of a symbol stamped that long from now.
func (a *attempt) trade(symbol string, from time.Duration) bool {
	now := time.Now()
	at := now.Add(from).UnixMilli()
	price := fmt.Sprintf("%d.5", now.Unix()%10_000+1)
	if !a.say(fmt.Sprintf(`{"s":"%s","p":%s,"v":100,"t":%d}`, symbol, price, at)) {
		return false
	}
	a.mu.Lock()
	a.sent[fmt.Sprintf("%s %d %s", symbol, at, price)]++
	a.mu.Unlock()
	return true
}

// answerPings reads what the client sends, until the connection ends.
func (a *attempt) answerPings() {
	go func() {
		for {
			if _, _, err := a.ws.Read(context.Background()); err != nil {
				return
			}
		}
	}()
}

// ignorePings takes what the client sends off the wire, as a network does, and answers none
// of it.
func (a *attempt) ignorePings() {
	go func() { _, _ = io.Copy(io.Discard, a.raw) }()
}

// trades sends one a second of each symbol, half a second after the second, for a while.
func (a *attempt) trades(d time.Duration, symbols ...string) bool {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		for _, s := range symbols {
			if !a.trade(s, 0) {
				return false
			}
		}
	}
	return true
}

// healthy is a connection as it should be.
func healthy(a *attempt) {
	if !a.accept() {
		return
	}
	defer a.ws.CloseNow()
	a.answerPings()
	a.trades(24*time.Hour, "QLD")
}

// after is a connection that is as it should be for a minute.
func after(then func(*attempt)) func(*attempt) {
	return func(a *attempt) {
		if !a.accept() {
			return
		}
		defer a.ws.CloseNow()
		a.answerPings()
		if a.trades(time.Minute, "QLD") {
			then(a)
		}
	}
}

func closes(code websocket.StatusCode) func(*attempt) {
	return after(func(a *attempt) { _ = a.ws.Close(code, "so long") })
}

func says(frame string) func(*attempt) {
	return after(func(a *attempt) {
		a.say(frame)
		a.trades(24*time.Hour, "QLD")
	})
}

func answers(status int, header ...string) func(*attempt) {
	return func(a *attempt) {
		for i := 0; i < len(header); i += 2 {
			a.w.Header().Set(header[i], header[i+1])
		}
		http.Error(a.w, "no", status)
	}
}

// refuses authorises, or not, and then says no.
func refuses(frame string) func(*attempt) {
	return func(a *attempt) {
		var err error
		if a.ws, err = websocket.Accept(a.w, a.r, nil); err != nil {
			return
		}
		defer a.ws.CloseNow()
		if strings.Contains(frame, "status_code") {
			a.say(`{"status_code":200,"message":"Authorized"}`)
			_, _, _ = a.ws.Read(context.Background())
		}
		a.say(frame)
		_ = a.ws.Close(1000, "")
	}
}

// anHour is a plan of one session around the beginning of a bubble.
type anHour struct{}

func (anHour) Next(time.Time) ledger.Session {
	open := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Hour).UnixMilli()
	return ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 10*3_600_000, Stated: true}
}
func (anHour) Status(time.Time) string { return "OPEN" }
func (anHour) Ahead(time.Time) string  { return "" }

// fault is one line of the table. All times are seconds from the start.
type fault struct {
	name    string
	refuse  error           // of the first dial
	script  func(*attempt)  // of the first connection
	says    string          // the one event of it; "" is none
	dial    [2]float64      // when the second dial comes, from and to; 0 is never
	down    [2]float64      // seconds that are down or partial from the first trade on; 0 is none
	cause   ledger.Cause    // of those
	counts  map[string]int  // of frames that were no trades
	symbols []string        // beside QLD
	url     string          // of the feed, ws://feed.test else
	second  func(*attempt)  // of the second connection, which ends in an event, too
	third   [2]float64      // when the third dial comes then
	always  bool            // every try ends like the first
	canary  string          // to be asked for
	keeps   bool            // every trade that was sent is on file
	state   [2]ledger.State // of QLD and of the other symbol from second 100 on; 0 is not looked at
}

var faults = []fault{
	{name: "DNS", refuse: &net.DNSError{Err: "no such host", Name: "feed.test", IsNotFound: true}, says: "looking up the host: no such host", dial: [2]float64{0.1, 1.1}, keeps: true},
	{name: "refused dial", refuse: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, says: "connection refused", dial: [2]float64{0.1, 1.1}, keeps: true},
	{name: "401", script: answers(401), says: "401 Unauthorized", dial: [2]float64{15, 15.1}, keeps: true},
	{name: "403", script: answers(403), says: "403 Forbidden", dial: [2]float64{15, 15.1}, keeps: true},
	{name: "404", script: answers(404), says: "404 Not Found", dial: [2]float64{15, 15.1}, keeps: true},
	{name: "429", script: answers(429, "Retry-After", "7"), says: "429 Too Many Requests", dial: [2]float64{7, 7.1}, keeps: true},
	{name: "502", script: answers(502), says: "502 Bad Gateway", dial: [2]float64{0.1, 1.1}, keeps: true},
	{name: "503", script: answers(503), says: "503 Service Unavailable", dial: [2]float64{0.1, 1.1}, keeps: true},
	{name: "a handshake that never ends", script: func(a *attempt) { <-a.r.Context().Done() }, says: "Connecting failed", dial: [2]float64{10.1, 11.1}, keeps: true},
	{name: "Authorized never comes", script: func(a *attempt) {
		if a.ws, _ = websocket.Accept(a.w, a.r, nil); a.ws != nil {
			_, _, _ = a.ws.Read(context.Background())
		}
	}, says: "no Authorized within 10s", dial: [2]float64{10.1, 11.1}, keeps: true},
	{name: "403 frame", script: refuses(`{"status":403,"message":"Server error"}`), says: "403 Server error", dial: [2]float64{15, 15.1}, keeps: true},
	{name: "422 limit", script: refuses(`{"status_code":422,"message":"Symbols limit reached"}`), says: "422 Symbols limit reached", dial: [2]float64{60, 60.1}, keeps: true},
	{name: "422 limit after a drop", script: closes(1001), second: refuses(`{"status_code":422,"message":"Symbols limit reached"}`), says: "422 Symbols limit reached",
		dial: [2]float64{62, 62.1}, third: [2]float64{122, 122.2}, keeps: true},
	{name: "422 demo", script: refuses(`{"status_code":422,"message":"Only limited symbols allowed for demo"}`), says: "Only limited symbols", dial: [2]float64{15, 15.1}, keeps: true},
	{name: "500 mid-stream", script: says(`{"status":500,"message":"Server error"}`), says: "Disconnected (refused): the feed refused: 500 Server error", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Refused},
	{name: "1000", script: closes(1000), says: "Disconnected (drop, closed)", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "1001", script: closes(1001), says: "code 1001 so long", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "1008", script: closes(1008), says: "code 1008 so long", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "1011", script: closes(1011), says: "code 1011 so long", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "1012", script: closes(1012), says: "code 1012 so long", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "1013", script: closes(1013), says: "code 1013 so long", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "1006, no close frame", script: after(func(a *attempt) { _ = a.ws.CloseNow() }), says: "hung up without a close frame", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "an end in mid-frame", script: after(func(a *attempt) {
		_, _ = a.raw.Write([]byte{0x81, 50, '{', '"', 's'})
		_ = a.raw.Close()
	}), says: "Disconnected (drop", dial: [2]float64{62, 62.1}, down: [2]float64{2, 5}, cause: ledger.Drop, keeps: true},
	{name: "TLS failure", url: "wss://feed.test", says: "does not speak TLS", always: true, dial: [2]float64{0.1, 1.1}},
	{name: "422 for the canary only", canary: "QQQ", script: func(a *attempt) {
		if !a.accept() {
			return
		}
		go func() {
			for {
				_, text, err := a.ws.Read(context.Background())
				if err != nil {
					return
				}
				if strings.Contains(string(text), "QQQ") {
					a.say(`{"status_code":422,"message":"Symbols limit reached"}`)
				}
			}
		}()
		a.trades(24*time.Hour, "QLD")
	}, keeps: true},
	{name: "half-open", script: func(a *attempt) {
		if a.accept() {
			a.ignorePings()
			<-a.pipes.done
		}
	}, says: "Disconnected (mute): no pong within 15 s", dial: [2]float64{15, 16.1}, cause: ledger.Mute, keeps: true},
	{name: "pings unanswered", script: func(a *attempt) {
		if a.accept() {
			a.ignorePings()
			a.trades(24*time.Hour, "QLD")
		}
	}, says: "Disconnected (mute): no pong within 15 s", dial: [2]float64{17, 17.1}, keeps: true},
	{name: "mute, with pongs", script: after(func(a *attempt) { <-a.pipes.done }), says: "Disconnected (mute): no trade of any symbol for 5 minutes", dial: [2]float64{361, 361.1}, down: [2]float64{5, 35}, cause: ledger.Mute, keeps: true},
	{name: "mute for one symbol", script: func(a *attempt) {
		if a.accept() {
			a.answerPings()
			a.trades(90*time.Second, "QLD", "SPY")
			a.trades(20*time.Minute, "SPY")
		}
	}, symbols: []string{"SPY"}, keeps: true, state: [2]ledger.State{ledger.Quiet, ledger.Traded}},
	{name: "a frame of 1 MB", script: says(strings.Repeat("x", 1<<20)), counts: map[string]int{"rejected_garbage": 1}, keeps: true},
	{name: "a frame of 5 MB", script: says(strings.Repeat("x", 5<<20)), says: "a frame was over the limit of 4 MiB", dial: [2]float64{62, 67.1}, down: [2]float64{2, 10}, cause: ledger.Drop}, // a pipe has no room for the rest of it
	{name: "garbage", script: says("\x01 not JSON"), counts: map[string]int{"rejected_garbage": 1}, keeps: true},
	{name: "wrong types", script: says(`{"s":"QLD","p":[],"v":{},"t":"x"}`), counts: map[string]int{"rejected_unreadable": 1}, keeps: true},
	{name: "absurd numbers", script: says(`{"s":"QLD","p":1e400,"v":1,"t":946684800000}`), counts: map[string]int{"rejected_precision": 1}, keeps: true},
	{name: "a binary frame", script: after(func(a *attempt) {
		_ = a.ws.Write(context.Background(), websocket.MessageBinary, []byte{1, 2, 3})
		a.trades(24*time.Hour, "QLD")
	}), counts: map[string]int{"rejected_garbage": 1}, keeps: true},
	{name: "duplicated and late trades", script: after(func(a *attempt) {
		a.trade("QLD", 0)
		a.trade("QLD", 0)
		a.trade("QLD", -40*time.Second)
		a.trades(24*time.Hour, "QLD")
	}), keeps: true},
	{name: "a trade of the future", script: after(func(a *attempt) {
		a.say(fmt.Sprintf(`{"s":"QLD","p":1,"v":1,"t":%d}`, time.Now().Add(11*time.Minute).UnixMilli()))
		a.trades(24*time.Hour, "QLD")
	}), counts: map[string]int{"rejected_future": 1}, keeps: true},
	{name: "an ancient trade", script: after(func(a *attempt) {
		a.say(fmt.Sprintf(`{"s":"QLD","p":1,"v":1,"t":%d}`, time.Now().Add(-100*time.Hour).UnixMilli()))
		a.trades(24*time.Hour, "QLD")
	}), counts: map[string]int{"rejected_session": 1}, keeps: true},
	{name: "another symbol", script: says(`{"s":"ABC","p":1,"v":1,"t":946684800000}`), counts: map[string]int{"rejected_symbol": 1}, keeps: true},
	{name: "accepts and hangs up", script: func(a *attempt) {
		if a.accept() {
			_ = a.ws.CloseNow()
		}
	}, says: "Disconnected (drop", dial: [2]float64{0.1, 1.1}, keeps: true},
}

// One suite of everything that a feed has been seen to do, over the real decoder, the real
// file and pipes for a network: what is said, what the ledger says to the second, when the
// next try is, and that nothing is lost and no goroutine left.
func TestFaults(t *testing.T) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.play(t) })
		})
	}
}

func (c fault) play(t *testing.T) {
	f := &faulty{refuse: map[int]error{}}
	if c.refuse != nil {
		f.refuse[0] = c.refuse
	}
	if c.script != nil {
		f.scripts = append(f.scripts, c.script)
	}
	if c.second != nil {
		f.scripts = append(f.scripts, c.second)
	}
	stop := f.serve()
	file, err := store.Open(filepath.Join(t.TempDir(), "a.db"), store.Options{Command: "test", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	handler := logs.New(slog.NewTextHandler(log, nil))
	feed := feedOf(eodhd.Options{URL: cmp.Or(c.url, "ws://feed.test"), Token: "secret", DialContext: f.dial})
	r := collector.New(feed, file, anHour{}, collector.Options{Symbols: append([]string{"QLD"}, c.symbols...), Canary: c.canary, Stated: true, Log: slog.New(handler)})
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Second)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	handler.Flush()
	stop()
	c.check(t, f, file, log.String())
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

func (c fault) check(t *testing.T, f *faulty, file *store.File, log string) {
	s := anHour{}.Next(time.Time{})
	events, like := eventsOf(log, c.says)
	if c.always {
		if events < 5 || events != len(f.dials) || like != events || strings.Contains(log, "secret") || f.dials[1].Seconds() > c.dial[1] {
			t.Errorf("%d events of %d dials at %v:\n%s", events, len(f.dials), f.dials, log)
		}
		return
	}
	if c.canary != "" && strings.Count(log, "The canary QQQ was refused") != 1 {
		t.Errorf("it does not say that the canary was refused:\n%s", log)
	}
	want, dials := 1, 2
	if c.second != nil {
		want, dials = 2, 3
		if len(f.dials) != 3 || f.dials[2].Seconds() < c.third[0] || f.dials[2].Seconds() > c.third[1] {
			t.Errorf("dialled at %v, want the third between %v", f.dials, c.third)
		}
	}
	if c.says == "" && events > 0 || c.says != "" && (events != want || !strings.Contains(log, c.says)) || strings.Contains(log, "secret") {
		t.Errorf("%d disconnects were logged, want %q:\n%s", events, c.says, log)
	}
	switch dialled := len(f.dials); {
	case c.dial[1] == 0 && dialled != 1, c.dial[1] > 0 && dialled != dials:
		t.Errorf("dialled at %v", f.dials)
	case dialled >= 2 && (f.dials[1].Seconds() < c.dial[0] || f.dials[1].Seconds() > c.dial[1]):
		t.Errorf("the second dial is at %s, want it between %v", f.dials[1], c.dial)
	}
	have := map[string]int{}
	for row, err := range file.Trades(s, nil) {
		if err != nil {
			t.Fatal(err)
		}
		have[fmt.Sprintf("%s %d %s", row.Symbol, row.Time, row.Price)]++
	}
	missing := 0
	for trade, n := range f.sent {
		missing += max(n-have[trade], 0)
	}
	if c.keeps && missing > len(f.dials) || len(have) < 30 { // of each connection the last one may be on its way when it ends
		t.Errorf("%d of %d trades are missing", missing, len(f.sent))
	}
	timelines, err := file.Timelines(s)
	if err != nil {
		t.Fatal(err)
	}
	c.checkSeconds(t, timelines, s.Open+3_600_000)
	all, err := file.Sessions()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range c.counts {
		if got := all[0].Counts[ledger.Count(name)]; got != int64(want) {
			t.Errorf("%s is %d, want %d: %v", name, got, want, all[0].Counts)
		}
	}
}

// eventsOf counts the tries and connections that a log says have ended, those that it has
// folded included, and those of them that are in certain words.
func eventsOf(log, words string) (events, like int) {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "Disconnected") && !strings.Contains(line, "Connecting failed") {
			continue
		}
		n := 1
		if _, folded, ok := strings.Cut(line, " folded="); ok {
			_, _ = fmt.Sscan(folded, &n)
		}
		events += n
		if strings.Contains(line, words) {
			like += n
		}
	}
	return events, like
}

// checkSeconds counts the seconds that were not heard between the first trades and the end
// of the run.
func (c fault) checkSeconds(t *testing.T, timelines func(string) ledger.Timeline, begun int64) {
	t.Helper()
	line, down := timelines("QLD"), 0
	for second := begun + 3000; second < begun+395_000; second += 1000 {
		state, cause := line.State(second, second+1000, false)
		if state != ledger.Down {
			continue
		}
		if c.down[1] > 0 {
			down++
			if cause != c.cause {
				t.Errorf("second %d is down by %s, want %s", (second-begun)/1000, cause, c.cause)
			}
		} else if c.says == "" {
			t.Errorf("second %d is down by %s", (second-begun)/1000, cause)
		}
	}
	if c.down[1] > 0 && (down < int(c.down[0]) || down > int(c.down[1])) {
		t.Errorf("%d seconds are down, want %v: %v", down, c.down, line)
	}
	if c.state[0] != 0 {
		for i, symbol := range []string{"QLD", c.symbols[0]} {
			if got, _ := timelines(symbol).State(begun+100_000, begun+380_000, i == 1); got != c.state[i] {
				t.Errorf("%s is %s, want %s", symbol, got, c.state[i])
			}
		}
	}
}
