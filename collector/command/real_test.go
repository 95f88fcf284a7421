package command_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/playback"
)

// sharedData is the folder of real trades; tests of it skip where it is missing.
const sharedData = "../../../shared/data"

func shared(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.Open(filepath.Join(sharedData, name))
	if os.IsNotExist(err) {
		t.Skipf("%s/%s is missing: nothing to compare with", sharedData, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unzip)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// record plays JSON lines over a loopback WebSocket, as fast as they are read, into
// the real program, stops it with SIGTERM when all has been delivered, and returns
// the path of its file.
func record(t testing.TB, lines []byte, symbol string, args ...string) string {
	t.Helper()
	source, err := playback.ReadRecording(bytes.NewReader(lines), "test")
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), symbol+".db")
	recordAll(t, binary(t), source, db, append([]string{"--symbols", symbol}, args...)...)
	return db
}

// recordAll lets a program record all of a source, as fast as it is read, and stops it
// with SIGTERM when all has been delivered.
func recordAll(t testing.TB, program string, source playback.Source, db string, args ...string) {
	t.Helper()
	recordUnder(t, playback.ServerOptions{Once: true}, time.Minute, program, source, db, append([]string{"--skip-market-hours"}, args...)...)
}

// recordUnder is recordAll with a server of other options, and in market hours.
func recordUnder(t testing.TB, o playback.ServerOptions, limit time.Duration, program string, source playback.Source, db string, args ...string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() { served <- playback.NewServer(source, o).Serve(ctx, l) }()
	cmd := exec.Command(program, append([]string{"run", "--feed-url", "ws://" + l.Addr().String(), "--db", db}, args...)...)
	cmd.Env = environment()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = <-served
	if err != nil || ctx.Err() != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("the server ended with %v, %v\n%s", err, ctx.Err(), log.Bytes())
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log.Bytes())
	}
}

// TestKeys records a real day and compares its 1-second candles with those of
// another system: each bar with ohlc_cmp=1 in its prices, each with volume_cmp=1 in
// its volume, none missing, none extra.
func TestKeys(t *testing.T) {
	for _, c := range []struct{ symbol, day string }{{"SPY", "20131007"}, {"IBM", "20131008"}} {
		t.Run(c.symbol, func(t *testing.T) {
			name := c.symbol + "_" + c.day
			compareWithKey(t, record(t, shared(t, "trades/"+name+".eligible.jsonl.gz"), c.symbol), name)
		})
	}
}

// compareWithKey compares the 1-second candles of a file with the key of a day.
func compareWithKey(t *testing.T, db, name string) {
	key, err := csv.NewReader(bytes.NewReader(shared(t, "keys/"+name+".second.csv.gz"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	key = key[1:]
	rows := export(t, db, "1s")
	if len(rows) != len(key) {
		t.Fatalf("%d candles, the key has %d bars", len(rows), len(key))
	}
	prices, volumes := 0, 0
	for i, row := range rows {
		bar := key[i]
		start, err := time.Parse(time.RFC3339, row[0])
		if err != nil || strconv.FormatInt(start.UnixMilli(), 10) != bar[0] {
			t.Fatalf("candle %d is %v, the key has %v", i, row, bar)
		}
		if bar[7] == "1" {
			prices++
			for n := range 4 {
				if number(row[2+n]) != number(bar[2+n]) {
					t.Errorf("candle %v, the key has %v", row, bar)
				}
			}
		}
		if bar[8] == "1" {
			volumes++
			if number(row[6]) != number(bar[6]) {
				t.Errorf("candle %v, the key has volume %s", row, bar[6])
			}
		}
	}
	t.Logf("%s: %d candles; prices of %d and volumes of %d compared and equal", name, len(rows), prices, volumes)
}

// TestEveryTradeComesBack records whole days, prints without price eligibility
// included, and reads every trade back, in order of arrival. XXX trades past midnight
// UTC, so into a second session, in which seq begins anew.
func TestEveryTradeComesBack(t *testing.T) {
	for _, name := range []string{"IBM_20131008", "SPY_20131007", "XXX_20180102"} {
		t.Run(name, func(t *testing.T) {
			lines := shared(t, "trades/"+name+".full.jsonl.gz")
			symbol := name[:3]
			day := name[4:8] + "-" + name[8:10] + "-" + name[10:]
			// From that day on: the echo of the day before is in a session of its own.
			rows := export(t, record(t, lines, symbol), "trades", "--from", day)
			scanner := bufio.NewScanner(bytes.NewReader(lines))
			seqs := make(map[string]int)
			i := 0
			for ; scanner.Scan(); i++ {
				if i >= len(rows) {
					t.Fatalf("%d rows came back, more were sent", len(rows))
				}
				date := rows[i][0][:10]
				seqs[date]++
				if want := wantRow(t, scanner.Bytes(), seqs[date]); !slices.Equal(want, sent(rows[i])) {
					t.Fatalf("row %d is %v, sent was %v", i, rows[i], want)
				}
			}
			if i != len(rows) {
				t.Errorf("%d rows came back of %d sent", len(rows), i)
			}
			t.Logf("%s: %d trades sent, %d came back", name, i, len(rows))
		})
	}
}

// wantRow is what a frame must look like in the export, but for when it arrived.
func wantRow(t *testing.T, frame []byte, seq int) []string {
	t.Helper()
	var f struct {
		S    string
		P, V json.Number
		C    []int
		DP   bool
		T    int64
	}
	if err := json.Unmarshal(frame, &f); err != nil {
		t.Fatal(err)
	}
	var conditions strings.Builder
	for _, c := range f.C {
		fmt.Fprintf(&conditions, "%d|", c)
	}
	return []string{time.UnixMilli(f.T).UTC().Format("2006-01-02T15:04:05.000Z"), f.S,
		number(f.P.String()), number(f.V.String()), conditions.String(), strconv.FormatBool(f.DP), strconv.Itoa(seq)}
}

func sent(row []string) []string {
	return []string{row[0], row[1], number(row[2]), number(row[3]), row[4], row[5], row[7]}
}

// TestDelayed delays a fifth of a real day by up to a minute, the trades of one
// millisecond together, and gets the same bytes of 1-second candles. The first
// millisecond stays first: what was heard begins with it.
func TestDelayed(t *testing.T) {
	lines := shared(t, "trades/IBM_20131008.eligible.jsonl.gz")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	late, n := delay(t, lines, rand.New(rand.NewPCG(seed, 0)))
	t.Logf("%d trades delayed", n)
	a := exportRaw(t, record(t, lines, "IBM"), "1s")
	b := exportRaw(t, record(t, late, "IBM"), "1s")
	if !bytes.Equal(a, b) {
		t.Errorf("the candles differ: %d and %d bytes", len(a), len(b))
	}
	if bytes.Count(a, []byte("\n")) < 6000 {
		t.Errorf("only %d bytes of candles", len(a))
	}
}

func delay(t *testing.T, lines []byte, rng *rand.Rand) (late []byte, delayed int) {
	t.Helper()
	type group struct {
		due   int64
		lines [][]byte
	}
	var groups []*group
	var last int64
	for line := range bytes.Lines(lines) {
		var f struct{ T int64 }
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		if len(groups) == 0 || f.T != last {
			groups = append(groups, &group{due: f.T})
		}
		g := groups[len(groups)-1]
		g.lines = append(g.lines, line)
		last = f.T
	}
	for _, g := range groups[1:] {
		if rng.IntN(5) == 0 {
			g.due += rng.Int64N(60_000)
			delayed += len(g.lines)
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.due, b.due) })
	for _, g := range groups {
		late = append(late, bytes.Join(g.lines, nil)...)
	}
	return late, delayed
}
