package command_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

// TestDemo runs the demo as a new user would, then every command that it prints,
// and holds its file against the market that was played, which the seed gives again:
// the two cuts show as down or partial seconds, and nothing else does.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("it is a program of its own: go test without -short")
	}
	folder := t.TempDir()
	shell := func(line string) []byte {
		t.Helper()
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir, cmd.Env = folder, environment()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		return out
	}
	began := time.Now()
	out := string(shell(binary(t) + " demo"))
	t.Logf("took %s\n%s", time.Since(began).Round(time.Millisecond), out)
	for _, want := range []string{"SIMULATED DATA", "symbol", "QLD", "time,symbol,open,high,low,close,volume,vwap,trades,state", "Next:"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	_, next, _ := strings.Cut(out, "Next:\n")
	commands := 0
	for line := range strings.Lines(next) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "tapedeck ") {
			commands++
			if strings.HasPrefix(line, "tapedeck view ") {
				viewed(t, folder, strings.Fields(line)[1:])
				continue
			}
			if got := shell(binary(t) + strings.TrimPrefix(line, "tapedeck")); !strings.Contains(string(got), "SIMULATED") {
				t.Errorf("%s does not say that the data are simulated", line)
			}
		}
	}
	if commands < 3 {
		t.Errorf("only %d commands to type next", commands)
	}
	shell(binary(t) + " demo") // again, over its own file
	checkDemo(t, folder+"/data/demo.db")
}

// viewed runs a view, and asks it for what it shows.
func viewed(t *testing.T, folder string, args []string) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Dir, cmd.Env = folder, environment()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, at, ok := strings.Cut(strings.TrimSpace(line), " at ")
	if !ok {
		t.Fatalf("%v says %q", args, line)
	}
	response, err := http.Get(at + "api/status")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), `"simulated":true`) {
		t.Errorf("%s answers %s %v", at, text, err)
	}
}

// played is a frame of the market, and whether it is on file.
type played struct {
	symbol   string
	due      int64
	frame    sentFrame
	recorded bool
}

func checkDemo(t *testing.T, db string) {
	t.Helper()
	rows := export(t, db, "trades")
	date := rows[0][0][:10]
	day, err := time.Parse(time.RFC3339, date+"T14:30:00Z")
	if err != nil {
		t.Fatal(err)
	}
	open := day.UnixMilli()
	// In summer New York opens an hour earlier in UTC.
	if first, _ := time.Parse(time.RFC3339, rows[0][0]); first.UnixMilli() < open {
		open -= 3_600_000
	}
	session := ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 6*3_600_000 + 1_800_000}
	frames := playedFrames(t, session, rows)
	states := secondStates(t, db)
	var missing []played
	for _, p := range frames {
		if p.recorded {
			continue
		}
		missing = append(missing, p)
		if s := states[p.symbol][p.frame.time/1000*1000]; p.frame.late < 100 && s != "down" && s != "partial" {
			t.Errorf("a frame of %s at %d is missing in a second called %q", p.symbol, p.frame.time, s)
		}
	}
	gaps := demoGaps(t, db)
	if len(gaps) != 2 {
		t.Fatalf("the demo has %d gaps: %v", len(gaps), gaps)
	}
	for _, g := range gaps {
		checkGap(t, g, frames, missing)
	}
	for symbol, seconds := range states {
		if len(seconds) != int(session.Seconds()) {
			t.Errorf("%s: %d seconds accounted for", symbol, len(seconds))
		}
	}
}

// playedFrames are the session's frames in the order they were sent.
func playedFrames(t *testing.T, session ledger.Session, rows [][]string) []played {
	t.Helper()
	tape := make(map[string][][]string)
	for _, row := range rows {
		tape[row[1]] = append(tape[row[1]], row)
	}
	market := playback.NewMarket(playback.MarketOptions{Seed: 1, Session: session, Symbols: []string{"QQQ", "SPY", "TSLA", "AAPL", "QLD"}, Rate: 18})
	var frames []played
	for e, err := range market.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if !session.Contains(e.Time) {
			continue
		}
		var f struct{ P, V json.Number }
		if err := json.Unmarshal(e.Frame, &f); err != nil {
			t.Fatal(err)
		}
		p := played{symbol: e.Symbol, due: e.Due, frame: sentFrame{time: e.Time, late: e.Due - e.Time, price: f.P.String(), size: f.V.String()}}
		if left := tape[e.Symbol]; len(left) > 0 && sameFrame(p.frame, left[0]) {
			p.recorded = true
			tape[e.Symbol] = left[1:]
		}
		frames = append(frames, p)
	}
	for symbol, left := range tape {
		if len(left) > 0 {
			t.Errorf("%s: %d rows were never sent, or came twice: %v", symbol, len(left), left[0])
		}
	}
	return frames
}

// gapOf is a stretch of down or partial seconds.
type gapOf struct{ from, until int64 }

func demoGaps(t *testing.T, db string) (gaps []gapOf) {
	t.Helper()
	for _, row := range export(t, db, "coverage") {
		if row[4] != "down" && row[4] != "partial" {
			continue
		}
		if row[5] != "drop" {
			t.Errorf("a gap with another cause than the cut: %v", row)
		}
		from, _ := time.Parse(time.RFC3339, row[0])
		until, _ := time.Parse(time.RFC3339, row[1])
		if n := len(gaps) - 1; n >= 0 && from.UnixMilli() <= gaps[n].until {
			gaps[n].until = max(gaps[n].until, until.UnixMilli())
			continue
		}
		gaps = append(gaps, gapOf{from.UnixMilli(), until.UnixMilli()})
	}
	return gaps
}

// checkGap holds a gap against what was sent: it begins in the second of the last
// trade that came before the cut, and ends when the first trades come again, within
// what dialling takes at 2,000 times the speed.
func checkGap(t *testing.T, g gapOf, frames, missing []played) {
	t.Helper()
	first := slices.IndexFunc(missing, func(p played) bool { return p.due >= g.from && p.due < g.until })
	if first < 0 {
		t.Errorf("gap %v: nothing is missing in it", g)
		return
	}
	var before int64
	for _, p := range frames {
		if p.due >= missing[first].due {
			break
		}
		before = max(before, p.frame.time)
	}
	if g.from != before/1000*1000 {
		t.Errorf("gap %v begins %d ms after the second of the last trade before it", g, g.from-before/1000*1000)
	}
	for _, p := range missing {
		if p.due >= g.until && p.due < g.until+600_000 && p.frame.late < 100 {
			t.Errorf("gap %v: a frame sent at %d, after its end, is missing", g, p.due)
		}
	}
	t.Logf("gap of %d s: %s", (g.until-g.from)/1000, time.UnixMilli(g.from).UTC().Format(time.TimeOnly))
}
