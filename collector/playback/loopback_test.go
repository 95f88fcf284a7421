package playback_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/playback"
)

// serve plays src on a real loopback socket, once.
func serve(t testing.TB, src playback.Source, o playback.ServerOptions) (address string, served chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Once = true
	served = make(chan error, 1)
	go func() { served <- playback.NewServer(src, o).Serve(t.Context(), l) }()
	return l.Addr().String(), served
}

// A real recording over a real socket, cut several times, comes whole and in
// order, and the server ends by itself.
func TestRealRecording(t *testing.T) {
	const path = "../../../shared/data/trades/SPY_20131007.full.jsonl.gz"
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared data is not here: %v", err)
	}
	tape, err := playback.OpenRecording(path)
	if err != nil {
		t.Fatal(err)
	}
	want := events(t, tape)
	if len(want) != 250_601 {
		t.Fatalf("%d messages", len(want))
	}
	address, served := serve(t, tape, playback.ServerOptions{CutEvery: 2 * time.Hour})
	next, connections := 0, 0
	for ended := false; !ended; connections++ {
		ws, _, err := websocket.Dial(t.Context(), "ws://"+address+"/ws/us?api_token=k", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, first, err := ws.Read(t.Context()); err != nil || string(first) != authorized {
			t.Fatalf("%s, %v", first, err)
		}
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"action":"subscribe","symbols":"SPY"}`)); err != nil {
			t.Fatal(err)
		}
		echo, _ := tape.Before("SPY")
		if next > 0 {
			echo = want[next-1].Frame
		}
		_, first, err := ws.Read(t.Context())
		if err != nil || !bytes.Equal(first, echo) {
			t.Fatalf("echo %s, want %s, %v", first, echo, err)
		}
		for {
			_, frame, err := ws.Read(context.Background())
			if err != nil {
				ended = websocket.CloseStatus(err) == websocket.StatusNormalClosure
				break
			}
			if !bytes.Equal(frame, want[next].Frame) {
				t.Fatalf("event %d: %s, want %s", next, frame, want[next].Frame)
			}
			next++
		}
		ws.CloseNow()
	}
	if next != len(want) || connections < 7 || connections > 8 {
		t.Errorf("%d of %d events in %d connections", next, len(want), connections)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// At a speed other than 0 a cut is a reset, as a broken network makes it.
func TestReset(t *testing.T) {
	address, served := serve(t, playback.NewMarket(playback.MarketOptions{Session: morning}),
		playback.ServerOptions{Speed: 2000, Lead: -1, CutEvery: 3 * time.Minute})
	ws, _, err := websocket.Dial(t.Context(), "ws://"+address+"/ws/us?api_token=k", nil)
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, frame, err := ws.Read(t.Context())
		if err != nil {
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("cut with %v", err)
			}
			break
		}
		if string(frame) == authorized {
			if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"action":"subscribe","symbols":"S00001"}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ws.CloseNow()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// BenchmarkLoopback is the server over a real socket to a reader that looks at
// nothing: what the server can give.
func BenchmarkLoopback(b *testing.B) {
	b.Run("recording", func(b *testing.B) {
		market := playback.NewMarket(playback.MarketOptions{Session: wholeSession, Count: 1, Rate: 85})
		var text bytes.Buffer
		for e := range market.Events() {
			text.Write(e.Frame)
			text.WriteByte('\n')
		}
		tape, err := playback.ReadRecording(&text, "tape")
		if err != nil {
			b.Fatal(err)
		}
		discard(b, tape, tape.Len(), "S00001")
	})
	for _, count := range []int{5, 11_000} {
		b.Run(fmt.Sprintf("market of %d", count), func(b *testing.B) {
			market := playback.NewMarket(playback.MarketOptions{Session: wholeSession, Count: count, Rate: 85})
			n := 0
			for range market.Events() {
				n++
			}
			discard(b, market, n, strings.Join(market.Symbols(), ","))
		})
	}
}

// discard reads the tape from the socket, once an iteration.
func discard(b *testing.B, src playback.Source, events int, symbols string) {
	played, bytesRead := 0, int64(0)
	buffer := make([]byte, 1<<20)
	for b.Loop() {
		address, served := serve(b, src, playback.ServerOptions{})
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		subscribe := `{"action":"subscribe","symbols":"` + symbols + `"}`
		fmt.Fprint(conn, "GET /ws/us?api_token=k HTTP/1.1\r\nHost: feed\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
			"\x81\xff", string(binary.BigEndian.AppendUint64(nil, uint64(len(subscribe)))), "\x00\x00\x00\x00", subscribe) // masked with zeros
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				b.Fatal(err)
			}
			bytesRead += int64(n)
			if bytes.HasSuffix(buffer[:n], []byte{0x88, 2, 1000 >> 8, 1000 & 255}) {
				break
			}
		}
		conn.Close()
		if err := <-served; err != nil {
			b.Fatal(err)
		}
		played += events
	}
	b.ReportMetric(float64(played)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(bytesRead)/1e6/b.Elapsed().Seconds(), "MB/s")
}
