package playback_test

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

// morning is ten minutes of a session.
var morning = ledger.Session{Hours: ledger.Regular, Open: friday, Close: friday + 600_000}

// The clock starts with the first handshake, 90 s before the first trade, runs on
// while nobody is there, and is stated in each response.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, quiet(t), playback.ServerOptions{Speed: 60})
		defer w.stop()
		time.Sleep(time.Hour) // nobody is there yet
		c := w.dial("/ws/us?api_token=k")
		if got := c.header.Get(playback.ClockHeader); got != "2026-11-20T15:28:30.000Z 60" {
			t.Errorf("clock: %q", got)
		}
		c.ws.CloseNow()
		time.Sleep(1500 * time.Millisecond)
		c = w.dial("/ws/us?api_token=k")
		if got := c.header.Get(playback.ClockHeader); got != "2026-11-20T15:30:00.000Z 60" {
			t.Errorf("clock later: %q", got)
		}
	})
}

// Authorized comes 0.3 to 0.6 s of event time after the handshake, and every
// frame when it is due: never early, and at most 1 ms of wall time late.
func TestDue(t *testing.T) {
	const speed = 20
	synctest.Test(t, func(t *testing.T) {
		frames := []string{frame("QLD", "70", 0), frame("QLD", "71", 1), frame("QLD", "72", 100), frame("QLD", "73", 4000),
			frame("QLD", "74", 3500), frame("QLD", "75", 90_001)} // the fifth comes late
		due := []int64{0, 1, 100, 4000, 4000, 90_001}
		w := start(t, recording(t, frames...), playback.ServerOptions{Speed: speed, Lead: 2 * time.Second})
		defer w.stop()
		began := time.Now()
		c := w.dial("/ws/us?api_token=k")
		time.Sleep(50 * time.Millisecond)
		c.subscribe("QLD")
		time.Sleep(10 * time.Second)
		got := c.got()
		if len(got) != 8 || got[0] != authorized || !slices.Equal(got[2:], frames) {
			t.Fatalf("got %q", got)
		}
		if at := c.times[0].Sub(began) * speed; at < 300*time.Millisecond || at > 620*time.Millisecond {
			t.Errorf("Authorized after %v", at)
		}
		for i, d := range due {
			late := c.times[i+2].Sub(began) - (2*time.Second+time.Duration(d)*time.Millisecond)/speed
			if late < 0 || late > time.Millisecond {
				t.Errorf("frame %d is %v late", i, late)
			}
		}
		// After the end the server is silent and still knows the last trade.
		c.subscribe("QLD")
		expect(t, "echo after the end", c.after(8), frames[5])
	})
}

// randomTape has trades of a few symbols, often several in one millisecond, some
// late; the price numbers them.
func randomTape(t *testing.T, random *rand.Rand, n int) (tape *playback.Recording, events []playback.Event) {
	var frames []string
	at := int64(0)
	for i := range n {
		if random.IntN(3) > 0 {
			at += random.Int64N(60)
		}
		late := random.Int64N(5000) * (random.Int64N(20) / 19)
		frames = append(frames, frame(string('A'+rune(random.IntN(4))), fmt.Sprint(i+1), at-late))
	}
	tape = recording(t, frames...)
	for e, err := range tape.Events() {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return tape, events
}

// expected is what a connection gets of a tape that is played to the end after
// this subscribe: the echo of each symbol, then every event of them.
func expected(src playback.Source, events []playback.Event, sub playback.TraceEvent) []string {
	var want []string
	for _, symbol := range sub.Symbols {
		echo, _ := src.Before(symbol)
		for _, e := range events[:sub.Next] {
			if e.Symbol == symbol {
				echo = e.Frame
			}
		}
		want = append(want, string(echo))
	}
	for _, e := range events[sub.Next:] {
		if slices.Contains(sub.Symbols, e.Symbol) {
			want = append(want, string(e.Frame))
		}
	}
	return want
}

// Whenever one subscribes: the echo is the last trade that was due, and every
// later one comes exactly once.
func TestNeitherSkippedNorDoubled(t *testing.T) {
	random := seeded(t)
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			tape, events := randomTape(t, random, 500)
			end := time.Duration(tape.End()-tape.Begin()) * time.Millisecond
			w := start(t, tape, playback.ServerOptions{Speed: 1, Lead: time.Second})
			defer w.stop()
			var clients []*client
			for range 10 {
				c := w.dial("/ws/us?api_token=k")
				clients = append(clients, c)
				symbols := []string{"A", "B", "C", "D"}[random.IntN(4):]
				wait := time.Second + time.Duration(random.Int64N(int64(end)))
				go func() {
					time.Sleep(wait)
					c.subscribe(symbols...)
				}()
			}
			time.Sleep(end + 2*time.Second)
			for _, sub := range w.traces(playback.Subscribed) {
				if sub.Next > 0 && events[sub.Next-1].Due > sub.Time || sub.Next < len(events) && events[sub.Next].Due <= sub.Time {
					t.Errorf("subscribed at %d, but the next event is %d", sub.Time, sub.Next)
				}
				expect(t, "frames", clients[sub.Conn-1].after(1), expected(tape, events, sub)...)
			}
		})
	}
}

// A connection is cut so long after its subscribe, to the millisecond.
func TestCutByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var frames []string
		for i := range 100 {
			frames = append(frames, frame("QLD", fmt.Sprint(i+1), int64(i)*100))
		}
		w := start(t, recording(t, frames...), playback.ServerOptions{Speed: 1, Lead: -1, CutEvery: 3 * time.Second})
		defer w.stop()
		c := w.dial("/ws/us?api_token=k")
		time.Sleep(time.Second)
		c.subscribe("QLD") // at 1.000 with trade 10 due: echo
		<-c.closed
		expect(t, "until the cut", c.after(1), frames[10:40]...)
		if websocket.CloseStatus(c.err) != -1 {
			t.Errorf("the cut was polite: %v", c.err)
		}
		c = w.dial("/ws/us?api_token=k")
		time.Sleep(time.Second)
		c.subscribe("QLD")
		time.Sleep(time.Second)
		expect(t, "after it", c.after(1), frames[50:61]...)
		synctest.Wait()
		cuts := w.traces(playback.Cut)
		closed := w.traces(playback.Closed)
		if len(cuts) != 1 || cuts[0].Time != friday+4000 || cuts[0].Cause != "cut-every" || cuts[0].Next != 40 {
			t.Errorf("cuts: %+v", cuts)
		}
		if len(closed) != 1 || closed[0].Cause != "lost" || closed[0].Sent != 29 || closed[0].Last != friday+3900 {
			t.Errorf("closed: %+v", closed)
		}
	})
}

// Once: everything is played, then 1000, and Serve returns; nobody who comes
// later is taken.
func TestOnceByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, recording(t, frame("QLD", "1", 0), frame("QLD", "2", 500)), playback.ServerOptions{Speed: 1, Once: true, Lead: 2 * time.Second})
		c, idle := w.dial("/ws/us?api_token=k"), w.dial("/ws/us?api_token=k")
		time.Sleep(time.Second)
		c.subscribe("QLD")
		<-c.closed
		<-idle.closed
		if err := <-w.served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if got := c.got(); len(got) != 4 || got[3] != frame("QLD", "2", 500) {
			t.Errorf("got %q", got)
		}
		for _, c := range []*client{c, idle} {
			if websocket.CloseStatus(c.err) != websocket.StatusNormalClosure {
				t.Errorf("closed with %v", c.err)
			}
		}
		for _, e := range w.traces(playback.Closed) {
			if e.Cause != "closed by client" {
				t.Errorf("%+v", e)
			}
		}
		w.cancel()
	})
}

// A client that does not read is cut, and costs the others nothing.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, playback.NewMarket(playback.MarketOptions{Session: morning, Rate: 200}),
			playback.ServerOptions{Speed: 10, Once: true})
		w.server.SetBuffer(64 << 10)
		slow, good := w.dialQuiet("/ws/us?api_token=k"), w.dial("/ws/us?api_token=k")
		_, first, err := slow.ws.Read(t.Context())
		if err != nil || string(first) != authorized {
			t.Fatalf("%s, %v", first, err)
		}
		slow.subscribe("S00001")
		good.subscribe("S00001")
		if err := <-w.served; err != nil {
			t.Error(err)
		}
		cuts := w.traces(playback.Cut)
		if len(cuts) != 1 || cuts[0].Cause != "slow reader" || cuts[0].Conn != 1 {
			t.Errorf("cuts: %+v", cuts)
		}
		<-good.closed
		if n := len(good.got()); n < 10_000 {
			t.Errorf("the other got %d frames", n)
		}
		slow.ws.CloseNow()
		w.cancel()
	})
}

// A stop in the middle closes everything at once and without an error, readers
// that do not read included.
func TestStop(t *testing.T) {
	for _, speed := range []float64{0, 1000} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t, playback.NewMarket(playback.MarketOptions{Session: morning}), playback.ServerOptions{Speed: speed})
			c, stuck := w.dial("/ws/us?api_token=k"), w.dialQuiet("/ws/us?api_token=k")
			if _, _, err := stuck.ws.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			stuck.subscribe("S00001")
			c.subscribe("S00001")
			time.Sleep(20 * time.Millisecond)
			began := time.Now()
			w.stop()
			<-c.closed
			if waited := time.Since(began); waited > 0 {
				t.Errorf("took %v", waited)
			}
			stuck.ws.CloseNow()
			if n := len(w.traces(playback.Closed)); n != 2 {
				t.Errorf("%d closed", n)
			}
		})
	}
}

// failing is a source that breaks after one event.
type failing struct{ playback.Source }

func (f failing) Events() iter.Seq2[playback.Event, error] {
	return func(yield func(playback.Event, error) bool) {
		for e := range f.Source.Events() {
			_ = yield(e, nil) && yield(playback.Event{}, errors.New("page 7 is damaged"))
			return
		}
	}
}

func TestBrokenSource(t *testing.T) {
	for _, speed := range []float64{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t, failing{quiet(t)}, playback.ServerOptions{Speed: speed, Lead: time.Second})
			c := w.dial("/ws/us?api_token=k")
			time.Sleep(700 * time.Millisecond)
			c.subscribe("QLD")
			if err := <-w.served; err == nil || !strings.Contains(err.Error(), "page 7 is damaged") {
				t.Errorf("Serve: %v", err)
			}
			<-c.closed
			w.cancel()
		})
	}
}

// A listener that breaks ends Serve with its error.
func TestBrokenListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, quiet(t), playback.ServerOptions{})
		synctest.Wait()
		w.pipes.Close()
		if err := <-w.served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
		w.cancel()
	})
}
