package playback_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/playback"
)

// At speed 0 no clock is stated, Authorized comes at once, and the tape waits for
// somebody who wants something of it.
func TestPacedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, events := randomTape(t, seeded(t), 5000)
		w := start(t, tape, playback.ServerOptions{})
		defer w.stop()
		began := time.Now()
		c := w.dial("/ws/us?api_token=k")
		expect(t, "the first word", c.got(), authorized)
		if _, ok := c.header[playback.ClockHeader]; ok {
			t.Error("a clock is stated")
		}
		c.subscribe("QQQ") // which the tape does not have
		synctest.Wait()
		late := w.dial("/ws/us?api_token=k")
		late.subscribe("A", "B", "C", "D")
		expect(t, "the whole tape", late.after(1),
			expected(tape, events, playback.TraceEvent{Symbols: []string{"A", "B", "C", "D"}})...)
		c.subscribe("A")
		expect(t, "the end", c.after(1), expected(tape, events, playback.TraceEvent{Symbols: []string{"A"}, Next: len(events)})...)
		if time.Since(began) != 0 {
			t.Errorf("took %v", time.Since(began))
		}
	})
}

// Cut again and again, a reader gets every trade exactly once, and before them
// the echo of the last one; each connection lasts for the time it was given.
func TestPacedCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, events := randomTape(t, seeded(t), 5000)
		const every = 9 * time.Second
		w := start(t, tape, playback.ServerOptions{CutEvery: every, Once: true})
		symbols := []string{"A", "C", "D"}
		next, cuts := 0, 0
		for ended := false; !ended; {
			c := w.dial("/ws/us?api_token=k")
			c.subscribe(symbols...)
			<-c.closed
			subs := w.traces(playback.Subscribed)
			want := expected(tape, events, subs[len(subs)-1])
			got := c.got()[1:]
			if subs[len(subs)-1].Next != next {
				t.Fatalf("goes on at %d, stopped at %d", subs[len(subs)-1].Next, next)
			}
			expect(t, "a connection", got, want[:min(len(got), len(want))]...)
			closed := w.traces(playback.Closed)
			for len(closed) <= cuts {
				synctest.Wait()
				closed = w.traces(playback.Closed)
			}
			if last := closed[cuts]; last.Sent != len(got)-len(symbols) {
				t.Errorf("sent %d, got %d", last.Sent, len(got)-len(symbols))
			}
			ended = websocket.CloseStatus(c.err) == websocket.StatusNormalClosure
			if !ended {
				cut := w.traces(playback.Cut)[cuts]
				first := slices.IndexFunc(events[next:], func(e playback.Event) bool { return slices.Contains(symbols, e.Symbol) }) + next
				until := events[first].Due + every.Milliseconds()
				if events[cut.Next-1].Due >= until || events[cut.Next].Due < until {
					t.Errorf("cut between %d and %d, not at %d", events[cut.Next-1].Due, events[cut.Next].Due, until)
				}
				next, cuts = cut.Next, cuts+1
			} else if len(got) != len(want) {
				t.Errorf("%d frames at the end, want %d", len(got), len(want))
			}
		}
		if err := <-w.served; err != nil {
			t.Error(err)
		}
		if cuts < 5 {
			t.Errorf("only %d cuts", cuts)
		}
		w.cancel()
	})
}

// A reader that leaves by itself, in the middle of a frame too: the tape goes on
// with the first trade that was not written whole.
func TestPacedDeaths(t *testing.T) {
	random := seeded(t)
	synctest.Test(t, func(t *testing.T) {
		tape, events := randomTape(t, random, 20_000)
		w := start(t, tape, playback.ServerOptions{})
		defer w.stop()
		last := 0
		for range 30 {
			c := w.dialQuiet("/ws/us?api_token=k")
			if _, _, err := c.ws.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.subscribe("A", "B", "C", "D")
			var got []string
			for range 4 + random.IntN(300) {
				_, frame, err := c.ws.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(frame))
			}
			c.raw.Close()
			c.ws.CloseNow()
			synctest.Wait()
			subs, closed := w.traces(playback.Subscribed), w.traces(playback.Closed)
			sub, end := subs[len(subs)-1], closed[len(closed)-1]
			if sub.Next != last {
				t.Fatalf("goes on at %d, stopped at %d", sub.Next, last)
			}
			want := expected(tape, events, sub)
			expect(t, "a connection", got, want[:len(got)]...)
			// The client's buffer takes 4096 bytes, whose last frames it never saw.
			if end.Sent < len(got)-4 || end.Sent > len(got)-4+60 || end.Next != sub.Next+end.Sent {
				t.Errorf("sent %d from %d to %d, got %d", end.Sent, sub.Next, end.Next, len(got)-4)
			}
			if end.Last != events[end.Next-1].Due {
				t.Errorf("last %d", end.Last)
			}
			last = end.Next
		}
	})
}

// Two readers: the tape moves as fast as the slower one, and goes on for the
// other when one dies.
func TestPacedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape, events := randomTape(t, seeded(t), 20_000)
		w := start(t, tape, playback.ServerOptions{Once: true})
		slow := w.dialQuiet("/ws/us?api_token=k")
		if _, _, err := slow.ws.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		slow.subscribe("A")
		synctest.Wait()
		fast := w.dial("/ws/us?api_token=k")
		fast.subscribe("B", "C") // taken when the slow one has taken its chunk
		time.Sleep(time.Minute)
		expect(t, "held up", fast.got(), authorized)
		for range 700 {
			if _, _, err := slow.ws.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		slow.raw.Close()
		slow.ws.CloseNow()
		<-fast.closed
		subs := w.traces(playback.Subscribed)
		if subs[1].Next == 0 {
			t.Error("the tape has not moved")
		}
		expect(t, "the fast one", fast.after(1), expected(tape, events, subs[1])...)
		if err := <-w.served; err != nil {
			t.Error(err)
		}
		w.cancel()
	})
}
