package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
)

var kills = flag.Int("kills", 4, "how often TestKill kills the recorder")

const (
	killSpeed = 60
	// allowed is what may be lost before a kill: --commit-every, and half a
	// second for the commit itself.
	allowed = time.Second + 500*time.Millisecond
)

// sentFrame is a trade that the server plays, and when that was by our clock. late
// is how long after its own time, in market milliseconds.
type sentFrame struct {
	time, late  int64
	price, size string
	sent        time.Time
}

func (f sentFrame) equal(o sentFrame) bool {
	return f.time == o.time && f.price == o.price && f.size == o.size
}

// life is one run of the recorder: from its start until it was killed.
type life struct{ begun, killed time.Time }

// TestKill kills the recorder with SIGKILL at random moments while a market plays
// at 60 times its speed, every second one inside a commit (at its Nth fdatasync).
// Of each symbol's frames one contiguous run may be missing at each kill, none of
// it sent earlier than the kill less what may wait for a commit, and no second in
// which one is missing may be called traded or quiet. -kills 20 is the long form.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 3 s a kill")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	symbols := []string{"QLD", "QQQ", "SPY"}
	session := ledger.Session{Hours: ledger.Regular, Open: 1763735400000, Close: 1763758800000} // 2025-11-21
	market := playback.NewMarket(playback.MarketOptions{Seed: seed, Symbols: symbols, Rate: 20, Session: session})
	var clock marketClock
	url := serve(t, market, playback.ServerOptions{Speed: killSpeed, Trace: clock.note})
	db := filepath.Join(t.TempDir(), "kill.db")

	var lives []life
	for i := range *kills {
		lives = append(lives, runAndKill(t, rng, i, url, db, symbols))
	}
	// One more, stopped in peace, so that each gap has an end.
	last := recorder(url, db, symbols)
	end := life{begun: time.Now(), killed: time.Now().Add(time.Hour)}
	if err := last.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { _ = last.Process.Signal(syscall.SIGTERM) })
	if err := last.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	stopped := time.Now()
	lives = append(lives, end)

	states := secondStates(t, db)
	for _, symbol := range symbols {
		sent := framesOf(t, market, session, symbol, &clock, stopped)
		got := export(t, db, "trades", "--symbols", symbol)
		checkTape(t, symbol, sent, got, lives, states[symbol])
	}
	checkCandles(t, db)
	checkCrashes(t, db, session, &clock, lives[:len(lives)-1])
}

// marketClock relates event time to ours by the server's trace.
type marketClock struct {
	mu    sync.Mutex
	wall  time.Time
	event int64
}

func (c *marketClock) note(e playback.TraceEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wall.IsZero() {
		c.wall, c.event = time.Now(), e.Time
	}
}

func (c *marketClock) at(event int64) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall.Add(time.Duration(event-c.event) * time.Millisecond / killSpeed)
}

func (c *marketClock) event64(wall time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.event + wall.Sub(c.wall).Milliseconds()*killSpeed
}

func recorder(url, db string, symbols []string, wrapper ...string) *exec.Cmd {
	args := slices.Concat(wrapper, []string{built.path, "run", "--feed-url", url, "--db", db, "--symbols", strings.Join(symbols, ",")})
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = environment()
	return cmd
}

// runAndKill lets a recorder live for 1 to 4 seconds; each odd one dies inside a
// commit, if strace is here to aim.
func runAndKill(t *testing.T, rng *rand.Rand, i int, url, db string, symbols []string) life {
	t.Helper()
	binary(t)
	var cmd *exec.Cmd
	aimed := false
	if _, err := exec.LookPath("strace"); err == nil && i%2 == 1 {
		aimed = true
		cmd = recorder(url, db, symbols, "strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync",
			"-e", fmt.Sprintf("inject=fdatasync:signal=KILL:when=%d", 3+rng.IntN(5)))
	} else {
		cmd = recorder(url, db, symbols)
	}
	l := life{begun: time.Now()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if !aimed {
		ctx, cancel = context.WithTimeout(context.Background(), time.Second+time.Duration(rng.IntN(3000))*time.Millisecond)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	l.killed = time.Now()
	inTime := stop()
	if by := (*exec.ExitError)(nil); !errors.As(err, &by) {
		t.Fatalf("life %d ended with %v, not by a signal", i, err)
	}
	if aimed && !inTime {
		t.Errorf("life %d was not killed inside a commit", i)
	}
	t.Logf("life %d: %v, inside a commit: %v", i, l.killed.Sub(l.begun).Round(time.Millisecond), aimed)
	return l
}

// framesOf are the symbol's frames of the session that had been sent by a moment, in
// order.
func framesOf(t *testing.T, market *playback.Market, session ledger.Session, symbol string, clock *marketClock, until time.Time) []sentFrame {
	t.Helper()
	var frames []sentFrame
	for e, err := range market.Events() {
		if err != nil {
			t.Fatal(err)
		}
		sent := clock.at(e.Due)
		if sent.After(until) {
			break
		}
		if e.Symbol != symbol || !session.Contains(e.Time) {
			continue
		}
		var f struct {
			P, V json.Number
			T    int64
		}
		if err := json.Unmarshal(e.Frame, &f); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, sentFrame{f.T, e.Due - f.T, f.P.String(), f.V.String(), sent})
	}
	return frames
}

func sameFrame(f sentFrame, row []string) bool {
	when, err := time.Parse(time.RFC3339, row[0])
	return err == nil && when.UnixMilli() == f.time && number(row[2]) == number(f.price) && number(row[3]) == number(f.size)
}

// number writes a decimal in one way.
func number(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// checkTape walks what was sent and what was recorded side by side.
func checkTape(t *testing.T, symbol string, sent []sentFrame, got [][]string, lives []life, states map[int64]string) {
	t.Helper()
	// Before the session and before the first life's subscription nothing is owed.
	first := slices.IndexFunc(sent, func(f sentFrame) bool { return sameFrame(f, got[0]) })
	if first < 0 {
		t.Fatalf("%s: the first recorded trade was never sent: %v", symbol, got[0])
	}
	var runs []missingRun
	i, open := first, false
	for n, row := range got {
		for ; i < len(sent) && !sameFrame(sent[i], row); i++ {
			again := len(runs) > 0 && sent[i].equal(sent[i-1]) // of equal ones, nobody can tell which is missing
			if !open && !again {
				runs = append(runs, missingRun{first: sent[i].sent, row: n})
			}
			open = true
			r := &runs[len(runs)-1]
			r.last, r.frames = sent[i].sent, r.frames+1
			// A late print may belong to a second that was heard to its end.
			if s := states[sent[i].time/1000*1000]; sent[i].late < 100 && (s == "traded" || s == "quiet") {
				t.Errorf("%s: a frame of %s is missing, and its second is called %s", symbol, time.UnixMilli(sent[i].time).UTC(), s)
			}
		}
		if i == len(sent) {
			t.Fatalf("%s: row %d was recorded twice, or never sent: %v", symbol, n, row)
		}
		open = false
		i++
	}
	kill := 0
	for _, r := range runs {
		for kill < len(lives)-1 && !r.explainedBy(lives, kill) {
			kill++
		}
		if kill == len(lives)-1 {
			t.Errorf("%s: %d frames sent from %s on are missing before row %d, and no kill of its own explains that",
				symbol, r.frames, r.first.Format(time.StampMilli), r.row)
			break
		}
		kill++
	}
	t.Logf("%s: %d of %d frames recorded, %d runs missing, a kill for each", symbol, len(got), len(sent)-first, len(runs))
}

// missingRun is a contiguous run of frames that the tape lacks.
type missingRun struct {
	first, last time.Time // when they were sent
	row         int       // the recorded row behind it
	frames      int
}

// explainedBy says whether a kill can have cost the run: it begins with what may
// wait for a commit at the kill, or later, and ends before the next life, or one
// that recorded nothing and the one behind it, has subscribed.
func (r missingRun) explainedBy(lives []life, kill int) bool {
	if !r.first.After(lives[kill].killed.Add(-allowed)) {
		return false
	}
	for next := kill + 1; next < len(lives); next++ {
		if r.last.Before(lives[next].begun.Add(3 * time.Second)) {
			return true
		}
		if lives[next].killed.Sub(lives[next].begun) > 3*time.Second {
			return false
		}
	}
	return false
}

// secondStates is the state of every second of every symbol, from the coverage.
func secondStates(t *testing.T, db string) map[string]map[int64]string {
	t.Helper()
	states := make(map[string]map[int64]string)
	for _, row := range export(t, db, "coverage") {
		from, err1 := time.Parse(time.RFC3339, row[0])
		until, err2 := time.Parse(time.RFC3339, row[1])
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for symbol := range strings.FieldsSeq(row[2]) {
			if states[symbol] == nil {
				states[symbol] = make(map[int64]string)
			}
			for s := from; s.Before(until); s = s.Add(time.Second) {
				states[symbol][s.UnixMilli()] = row[4]
			}
		}
	}
	return states
}

// checkCandles folds the exported trades by hand and compares the exported candles.
func checkCandles(t *testing.T, db string) {
	t.Helper()
	type bar struct {
		open, high, low, close float64
		first, last            int64
		trades                 int
	}
	want := make(map[string]*bar)
	for _, row := range export(t, db, "trades") {
		when, err := time.Parse(time.RFC3339, row[0])
		if err != nil {
			t.Fatal(err)
		}
		price, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		ms := when.UnixMilli()
		key := row[1] + " " + when.Truncate(time.Second).Format(time.RFC3339)
		b := want[key]
		if b == nil {
			b = &bar{price, price, price, price, ms, ms, 0}
			want[key] = b
		}
		if ms < b.first {
			b.first, b.open = ms, price
		}
		if ms >= b.last {
			b.last, b.close = ms, price
		}
		b.high, b.low = max(b.high, price), min(b.low, price)
		b.trades++
	}
	for _, row := range export(t, db, "1s") {
		key := row[1] + " " + row[0]
		b := want[key]
		if b == nil {
			t.Errorf("a candle that nobody traded: %v", row)
			continue
		}
		delete(want, key)
		for i, v := range []float64{b.open, b.high, b.low, b.close} {
			if got, err := strconv.ParseFloat(row[2+i], 64); err != nil || got != v {
				t.Errorf("candle %v: column %d should be %v", row, 2+i, v)
			}
		}
		if row[8] != strconv.Itoa(b.trades) {
			t.Errorf("candle %v: %d trades in the tape", row, b.trades)
		}
	}
	for key := range maps.Keys(want) {
		t.Errorf("no candle for %s", key)
	}
}

// checkCrashes looks for the gap of each kill in the ledger, under its cause.
func checkCrashes(t *testing.T, db string, session ledger.Session, clock *marketClock, lives []life) {
	t.Helper()
	rows := export(t, db, "coverage")
	for k, l := range lives {
		killed := clock.event64(l.killed)
		if killed < session.Open {
			continue // nothing was being recorded yet
		}
		found := slices.ContainsFunc(rows, func(row []string) bool {
			from, _ := time.Parse(time.RFC3339, row[0])
			until, _ := time.Parse(time.RFC3339, row[1])
			// A life that died before its first commit left nothing in the file.
			return (row[5] == "crash" || row[5] == "not_running") && from.UnixMilli() <= killed+3000*killSpeed && until.UnixMilli() >= killed-2000*killSpeed
		})
		if !found {
			t.Errorf("the ledger has no crash at kill %d (%s)", k, time.UnixMilli(killed).UTC())
		}
	}
}
