package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/logs"
	"tapedeck/collector/notify"
	"tapedeck/schedule"
	"tapedeck/store"
)

// Two weeks of a recorder's life in seconds, on fake time and the real file, with everything
// that can go wrong around it: what a person is told is held, second by second, against what
// the world did.

// trouble is what is wrong with the world for a while.
type trouble struct {
	kind        string // cut mute hangup key full nearly low backup
	from, until time.Time
}

// weeks is the world, and its log of what really happened.
type weeks struct {
	t        *testing.T
	path     string
	rng      *rand.Rand
	sessions []ledger.Session // typed from the exchange's calendar, not computed
	troubles []trouble
	began    int64 // the open of the first session on file

	mu      sync.Mutex
	signs   []time.Time // fresh frames that were taken by a recorder
	canary  []time.Time // those of the canary
	conns   []*weeksConn
	dials   []weeksDial
	commits []weeksCommit
	backups []time.Time // of the session's backups, as they are seen
	lives   []weeksLife
	got     []weeksMessage
	ill     bool // the heartbeat says so
	log     bytes.Buffer
}

type weeksDial struct {
	at      time.Time
	refused bool
}

type weeksCommit struct {
	at time.Time
	ok bool
}

// weeksLife is one process.
type weeksLife struct {
	from, until time.Time
	killed      bool
}

type weeksMessage struct {
	at time.Time
	notify.Message
}

// is says whether the world has a trouble of one of these kinds.
func (w *weeks) is(at time.Time, kinds ...string) bool {
	return slices.ContainsFunc(w.troubles, func(x trouble) bool {
		return slices.Contains(kinds, x.kind) && !at.Before(x.from) && at.Before(x.until)
	})
}

func (w *weeks) freeSpace() (int64, bool) {
	switch now := time.Now(); {
	case w.is(now, "nearly"):
		return 50 << 20, true
	case w.is(now, "low"):
		return 300 << 20, true
	}
	return 100 << 40, true
}

// weeksTape is the file, on a disk that may be full.
type weeksTape struct {
	*store.File
	w *weeks
}

type weeksFull struct{}

func (weeksFull) Error() string { return "no space left on device" }
func (weeksFull) Full() bool    { return true }

func (x weeksTape) Commit() (err error) {
	if x.w.is(time.Now(), "full") {
		err = weeksFull{}
	} else if err = x.File.Commit(); err != nil {
		x.w.t.Error(err)
	}
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.w.commits = append(x.w.commits, weeksCommit{time.Now(), err == nil})
	return err
}

// refusedKey is what a feed says to a key that it does not take.
type refusedKey struct{}

func (refusedKey) Error() string   { return "the feed refused: 403 Forbidden" }
func (refusedKey) Refusal() string { return "key" }

// weeksConn is a connection to the feed: a trade of QLD each 7 seconds and of the canary each
// 3, while all is well.
type weeksConn struct {
	w          *weeks
	closed     chan struct{}
	once       sync.Once
	began      time.Time // the subscribe
	ended      time.Time
	first      bool // the next frame is the first of its symbol, an echo
	canary     bool
	nextQLD    time.Time
	nextCanary time.Time
	sign       time.Time // the last frame
}

func (w *weeks) dial(ctx context.Context) (collector.Conn, error) {
	now := time.Now()
	refused := w.is(now, "key")
	w.mu.Lock()
	w.dials = append(w.dials, weeksDial{now, refused})
	w.mu.Unlock()
	switch {
	case refused:
		return nil, refusedKey{}
	case w.is(now, "cut"):
		return nil, errors.New("cannot reach the feed: connection refused")
	}
	return &weeksConn{w: w, closed: make(chan struct{})}, ctx.Err()
}

func (c *weeksConn) Subscribe(_ context.Context, symbols []string) error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if slices.Contains(symbols, "QQQ") {
		c.canary, c.nextCanary = true, time.Now().Add(time.Second)
		return nil
	}
	c.began, c.first = time.Now(), true
	c.nextQLD = c.began.Add(20 * time.Millisecond)
	c.w.conns = append(c.w.conns, c)
	return nil
}

// next is the next frame, and when it comes.
func (c *weeksConn) next() (symbol string, at time.Time) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.canary && c.nextCanary.Before(c.nextQLD) {
		at, c.nextCanary = c.nextCanary, c.nextCanary.Add(3*time.Second)
		return "QQQ", at
	}
	at, c.nextQLD = c.nextQLD, c.nextQLD.Add(7*time.Second)
	return "QLD", at
}

func (c *weeksConn) Read(_ context.Context, t *candle.Trade) (ledger.Count, error) {
	symbol, at := c.next()
	for {
		pause := min(max(time.Until(at), 0), time.Second)
		if c.w.is(time.Now(), "mute") {
			pause = time.Second
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.closed:
			timer.Stop()
			return "", errors.New("closed")
		}
		now := time.Now()
		if c.w.is(now, "cut", "hangup", "key") {
			return "", errors.New("the server hung up")
		}
		if !now.Before(at) && !c.w.is(now, "mute") {
			break
		}
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	now := time.Now()
	if symbol == "QLD" && c.first {
		c.first = false // an echo is no sign of life
	} else {
		c.sign = now
		c.w.signs = append(c.w.signs, now)
		if symbol == "QQQ" {
			c.w.canary = append(c.w.canary, now)
		}
	}
	*t = candle.Trade{Symbol: symbol, Time: now.UnixMilli(), Price: candle.Decimal{Units: 70441 + now.Unix()%50*10, Scale: 3}, Size: candle.Decimal{Units: 100}}
	return ledger.Accepted, nil
}

func (c *weeksConn) Ping(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return errors.New("closed")
	case <-time.After(5 * time.Millisecond):
		return nil
	}
}

func (c *weeksConn) Close(string) error { return c.CloseNow() }

func (c *weeksConn) CloseNow() error {
	c.once.Do(func() {
		c.w.mu.Lock()
		c.ended = time.Now()
		c.w.mu.Unlock()
		close(c.closed)
	})
	return nil
}

// weeksEvery is how often what stays wrong is said again in these weeks.
const weeksEvery = 4 * time.Hour

// live runs one process until a moment, when it is killed, or stopped in peace. What a killed
// one leaves is the bytes that were in its file at that moment.
func (w *weeks) live(until time.Time, killed bool) {
	file, err := store.Open(w.path, store.Options{Command: "test", Source: "simulated", NoSync: true})
	if err != nil {
		w.t.Fatal(err)
	}
	plan, err := schedule.NewPlan(ledger.Regular, "", "", schedule.Calendar{})
	if err != nil {
		w.t.Fatal(err)
	}
	r := &runCommand{Symbols: symbolList{"QLD"}, Backup: true, KeepBackups: 1, marketHours: marketHours{Market: "us", Hours: "regular", CloseGrace: span(time.Minute)},
		alertFlags: alertFlags{AlertAfter: span(2 * time.Minute), AlertEvery: span(weeksEvery), AlertCoverage: 99, AlertDiskDays: 1_000_000, AlertBackup: span(2 * time.Hour), Summary: true}}
	r.targets = []*notify.Target{notify.NewTarget("me", func(_ context.Context, m notify.Message) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, weeksMessage{time.Now(), m})
		return nil
	})}
	handler := logs.New(slog.NewTextHandler(&w.log, nil))
	o := collector.Options{Symbols: r.Symbols, Stated: true, Canary: "QQQ", Preflight: true, Clock: collector.Clock{},
		OpenLead: time.Minute, CloseGrace: time.Minute, CommitEvery: time.Second, Log: slog.New(handler)}
	l := &live{file: file, plan: plan, begun: time.Now(), run: r, clock: collector.Clock{}, free: w.freeSpace}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var beside sync.WaitGroup
	a := newAlarms(l, r, "")
	r.alert(ctx, a, o.Log, &beside)
	beside.Go(func() { w.watchBackups(ctx, file) })
	beside.Go(func() { w.feel(ctx, a) })
	life := weeksLife{from: time.Now(), killed: killed}
	ended := make(chan error, 1)
	go func() { ended <- r.keep(ctx, l, w.dial, weeksTape{file, w}, o, &beside) }()
	time.Sleep(time.Until(until))
	var left []byte
	if killed {
		synctest.Wait()
		if left, err = os.ReadFile(w.path); err != nil {
			w.t.Fatal(err)
		}
	}
	w.mu.Lock()
	life.until = time.Now()
	told := len(w.got)
	w.mu.Unlock()
	cancel()
	if err := <-ended; err != nil && !w.is(life.until, "full") {
		w.t.Error(err)
	}
	beside.Wait()
	handler.Flush()
	if err := file.Close(); err != nil {
		w.t.Error(err)
	}
	if killed {
		w.got = w.got[:told]
		if err := os.WriteFile(w.path, left, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	w.lives = append(w.lives, life)
}

// feel notes what a heartbeat would say, as messages: of a failure, and of the success behind it.
func (w *weeks) feel(ctx context.Context, a *alarms) {
	for ctx.Err() == nil {
		well, words := a.well(ctx)
		w.mu.Lock()
		if ill := !well; ill != w.ill && ctx.Err() == nil {
			w.ill = ill
			m := notify.Message{Alarm: "heartbeat", State: notify.Resolved, Text: words}
			if ill {
				m.State = notify.Raised
			}
			w.got = append(w.got, weeksMessage{time.Now(), m})
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(notify.LookEvery):
		}
	}
}

// watchBackups notes when there is a new backup.
func (w *weeks) watchBackups(ctx context.Context, file *store.File) {
	var last int64
	for ctx.Err() == nil {
		if at, _, ok, err := file.LastBackup(); err != nil {
			w.t.Error(err)
		} else if ok && at != last {
			last = at
			w.mu.Lock()
			w.backups = append(w.backups, time.UnixMilli(at))
			w.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second):
		}
	}
}

// backup breaks the place of backups, and mends it.
func (w *weeks) breakBackups() {
	place := filepath.Dir(backupPath(w.path))
	for _, x := range w.troubles {
		if x.kind != "backup" {
			continue
		}
		go func() {
			time.Sleep(time.Until(x.from))
			_ = os.Rename(place, place+".away")
			if err := os.WriteFile(place, nil, 0o600); err != nil {
				w.t.Error(err)
			}
			time.Sleep(time.Until(x.until))
			if err := os.Remove(place); err != nil {
				w.t.Error(err)
			}
			_ = os.Rename(place+".away", place)
		}()
	}
}

// fortnight is the two weeks around Thanksgiving of 2026: nine sessions, one of them short.
var fortnight = []string{"11-23 16:00", "11-24 16:00", "11-25 16:00", "11-27 13:00", "11-30 16:00", "12-01 16:00", "12-02 16:00", "12-03 16:00", "12-04 16:00"}

func weeksTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+text, schedule.NewYork())
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// plan throws the dice for what goes wrong: each kind at least once, by day and by night.
func (w *weeks) plan(days []string) (end time.Time) {
	for _, day := range days {
		open, closes := weeksTime(w.t, day[:5]+" 09:30"), weeksTime(w.t, day)
		w.sessions = append(w.sessions, ledger.Session{Hours: ledger.Regular, Open: open.UnixMilli(), Close: closes.UnixMilli(), Stated: true})
	}
	kinds := []string{"cut", "mute", "hangup", "key", "full", "nearly", "low", "cut", "mute", "backup"}
	w.rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for i := 0; i < 3*len(kinds); i++ {
		s := w.sessions[w.rng.IntN(len(w.sessions))]
		from := time.UnixMilli(s.Open).Add(time.Duration(w.rng.Int64N(s.Close-s.Open+3_600_000)-1_800_000) * time.Millisecond)
		length := time.Duration(math.Exp(w.rng.Float64()*math.Log(9000)+1)) * time.Second // 3 s to 7 h, more often short
		x := trouble{kinds[i%len(kinds)], from, from.Add(length)}
		if x.kind == "backup" {
			x.from, x.until = time.UnixMilli(s.Close).Add(-time.Minute), time.UnixMilli(s.Close).Add(time.Duration(1+w.rng.IntN(8))*time.Hour)
			if slices.ContainsFunc(w.troubles, func(y trouble) bool { return y.kind == "backup" && y.from.Equal(x.from) }) {
				continue
			}
		}
		w.troubles = append(w.troubles, x)
	}
	end = time.UnixMilli(w.sessions[len(w.sessions)-1].Close).Add(12 * time.Hour) // before the next one
	return end
}

// TestTwoWeeks is the two weeks; with -short it is three sessions of them, a holiday and the
// early close among them.
func TestTwoWeeks(t *testing.T) {
	t.Parallel()
	begin := *weeksSeed
	if begin == 0 {
		begin = rand.Uint64()
	}
	t.Logf("-weeks %d", begin)
	days := fortnight
	if testing.Short() {
		days = fortnight[2:5]
	}
	var w *weeks
	path := filepath.Join(t.TempDir(), "a.db")
	synctest.Test(t, func(t *testing.T) {
		w = &weeks{t: t, path: path, rng: rand.New(rand.NewPCG(begin, 3))}
		time.Sleep(time.Until(weeksTime(t, days[0][:5]+" 09:30").Add(-time.Duration(w.rng.IntN(16)) * time.Hour)))
		end := w.plan(days)
		w.breakBackups()
		for time.Now().Before(end) { // a process lives for 20 hours on average
			until := time.Now().Add(time.Duration(w.rng.ExpFloat64()*20*float64(time.Hour)) + time.Minute)
			if until.After(end) {
				until = end
			}
			w.live(until, w.rng.IntN(3) > 0)
			away := time.Duration(w.rng.IntN(200)) * time.Second
			if w.rng.IntN(8) == 0 {
				away = time.Duration(w.rng.IntN(30)) * time.Hour // nobody was there to start it again
			}
			if time.Until(end) < away {
				time.Sleep(time.Until(end))
				break
			}
			time.Sleep(away)
		}
		w.live(time.Now().Add(10*time.Minute), false) // who was away at the end is back
		time.Sleep(24 * time.Hour)                    // what was broken is mended
	})
	w.t = t
	w.check()
	if t.Failed() || *weeksLog {
		w.tell()
	}
}

// tell prints what the world did.
func (w *weeks) tell() {
	const form = "01-02 15:04:05"
	for _, x := range w.troubles {
		w.t.Logf("%-7s %s to %s", x.kind, x.from.UTC().Format(form), x.until.UTC().Format(form))
	}
	for _, l := range w.lives {
		w.t.Logf("process %s to %s, killed %v", l.from.UTC().Format(form), l.until.UTC().Format(form), l.killed)
	}
	if *weeksLog {
		w.t.Log(w.log.String())
	}
	for _, m := range w.got {
		w.t.Logf("%s %s %s: %s", m.at.UTC().Format(form), m.Alarm, m.State, m.Text)
	}
}

// check holds everything against everything.
func (w *weeks) check() {
	file, err := store.OpenReadOnly(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	all, err := file.Sessions()
	if err != nil || len(all) == 0 {
		w.t.Fatalf("%d sessions on file, %v", len(all), err)
	}
	w.began = all[0].Session.Open
	quick, slow := 7*time.Second, 68*time.Second // a look each five seconds; the file is asked each minute
	w.holds("key", quick, w.key)
	w.holds("disk_full", quick, w.full)
	w.holds("feed", quick, w.feed)
	w.holds("heartbeat", quick, w.heart)
	w.holds("disk_low", slow+15*time.Second, w.low)
	w.holds("backup", slow, w.backup)
	w.crashes()
	w.coverage(file)
	known := []string{"key", "disk_full", "feed", "disk_low", "backup", "crash", "coverage", "summary", "heartbeat"}
	count := map[string]int{}
	for _, m := range w.got {
		if !slices.Contains(known, m.Alarm) {
			w.t.Errorf("%s: %s", m.at, m.Title)
		}
		count[m.Alarm+" "+string(m.State)]++
	}
	var said []string
	for name, n := range count {
		said = append(said, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(said)
	w.t.Logf("%d processes, %d connections, %d troubles; %d messages: %s", len(w.lives), len(w.conns), len(w.troubles), len(w.got), strings.Join(said, ", "))
}
