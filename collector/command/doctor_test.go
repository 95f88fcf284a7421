package command

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/monitor"
	"tapedeck/collector/news"
	"tapedeck/store"
)

// wantFindings compares findings with lines of which each is the begin of one, and sees that
// whatever is not well has a way out.
func wantFindings(t *testing.T, found []finding, want ...string) {
	t.Helper()
	for i, f := range found {
		line := string(f.grade) + " " + f.subject + ": " + f.says
		if i >= len(want) || !strings.HasPrefix(line, want[i]) {
			t.Errorf("finding %d is %q, want %q", i, line, append(want, "none")[min(i, len(want))])
		}
		if (f.grade == gradeGood) != (f.fix == "") {
			t.Errorf("%q has the remedy %q", line, f.fix)
		}
	}
	if len(found) < len(want) {
		t.Errorf("%d findings, want also %q", len(found), want[len(found):])
	}
}

func TestCheckFeed(t *testing.T) {
	us := func(symbols ...string) *runCommand {
		return &runCommand{APIKey: "keykeykey", Symbols: symbols, marketHours: marketHours{Market: "us"}}
	}
	price, err := candle.ParseDecimal([]byte("70.44"))
	if err != nil {
		t.Fatal(err)
	}
	last := []candle.Trade{{Symbol: "QLD", Time: 1_763_758_798_000, Price: price}}
	refused := func(code int, message string) error { return &eodhd.Refused{Code: code, Message: message} }
	many := make([]string, 51)
	for i := range many {
		many[i] = "S" + string(rune('A'+i/26)) + string(rune('A'+i%26))
	}
	for _, c := range []struct {
		name   string
		run    *runCommand
		faults []flaw
		held   bool
		heard  []candle.Trade
		err    error
		want   []string
	}{
		{"good", us("QLD"), nil, false, last, nil, []string{"ok key: accepted by EODHD us. QLD last trade Fri Nov 21 15:59:58 at 70.44", "ok symbols: QLD, of us"}},
		{"a mute symbol", us("QLD", "NOPE"), nil, false, last, nil, []string{"ok key", "ok symbols", "warn symbols: no last trade of NOPE came"}},
		{"all mute", us("NOPE"), nil, false, nil, nil, []string{"ok key: accepted by EODHD us", "ok symbols", "warn symbols: no last trade of NOPE came"}},
		{"a wrong key", us("QLD"), nil, false, nil, refused(403, ""), []string{"FAULT key: the feed refused: 403: a wrong key, or a plan without WebSockets", "ok symbols"}},
		{"no right", us("QLD"), nil, false, nil, refused(401, ""), []string{"FAULT key: the feed refused: 401: a wrong key", "ok symbols"}},
		{"slots", us("QLD"), nil, false, nil, refused(422, "Symbols limit reached"), []string{"FAULT key: the feed refused: 422 Symbols limit reached: all symbols of the key are in use", "ok symbols"}},
		{"trouble", us("QLD"), nil, false, nil, refused(502, ""), []string{"warn key: the feed refused: 502: the feed is in trouble", "ok symbols"}},
		{"nonsense", us("QLD"), nil, false, nil, refused(422, "Server error"), []string{"FAULT key: the feed refused: 422 Server error", "ok symbols"}},
		{"unreachable", us("QLD"), nil, false, nil, &eodhd.Unreachable{}, []string{"FAULT feed: cannot reach the feed", "ok symbols"}},
		{"lost", us("QLD"), nil, false, nil, context.DeadlineExceeded, []string{"warn feed: not wholly tried", "ok symbols"}},
		{"no key", us("QLD"), []flaw{{name: "api-key"}}, false, nil, nil, []string{"warn key: not tried: the configuration has none", "ok symbols"}},
		{"held", us("QLD"), nil, true, nil, nil, []string{"warn key: not tried, for whoever has the file may use it: a.db is in use by pid 7, tapedeck run", "ok symbols"}},
		{"crypto among stocks", us("BTC-USD", "BRK-B"), nil, false, nil, refused(403, ""), []string{"FAULT key", "warn symbols: BTC-USD: of crypto by the name"}},
		{"a suffix", us("VOD.L"), nil, false, nil, refused(403, ""), []string{"FAULT key", "warn symbols: VOD.L: the socket knows American symbols"}},
		{"too many", us(many...), nil, false, nil, refused(403, ""), []string{"FAULT key", "warn symbols: 51, and a key may usually have 50"}},
		{"stocks among crypto", &runCommand{APIKey: "demo", Symbols: []string{"AAPL", "BTC-USD"}, marketHours: marketHours{Market: "crypto"}}, nil, false, nil, refused(403, ""), []string{"FAULT key", "warn symbols: AAPL: no pair of crypto"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts{path: "a.db", status: new(status)}
			if c.held {
				f = facts{path: "a.db", err: &store.Held{Path: "a.db", Holder: store.Process{PID: 7, Command: "tapedeck run"}}}
			}
			found := checkFeed(t.Context(), &inspection{run: c.run, faults: c.faults}, f, func(context.Context) ([]candle.Trade, error) {
				if c.held || c.faults != nil {
					t.Error("it was tried")
				}
				return c.heard, c.err
			})
			wantFindings(t, found, c.want...)
		})
	}
}

func TestCheckRecorder(t *testing.T) {
	f := facts{path: "a.db", status: &status{Recording: &statusRecording{PID: 7, Since: "2026-11-20T14:00:00Z"}}}
	for _, c := range []struct {
		health monitor.Health
		err    error
		want   string
	}{
		{monitor.Healthy("recording"), nil, "ok key: not tried, which would take slots: pid 7 records with it since 2026-11-20T14:00:00Z and says that it is recording"},
		{monitor.Failing("refused", "The key."), nil, "FAULT key: pid 7 records with it since 2026-11-20T14:00:00Z and is refused: The key."},
		{monitor.Failing("broken", "The disk is full."), nil, "FAULT recorder: "},
		{monitor.Health{}, errors.New("nobody"), "warn key: not tried: pid 7"},
	} {
		wantFindings(t, []finding{checkRecorder(f, func() (monitor.Health, error) { return c.health, c.err })}, c.want)
	}
}

func TestCheckClock(t *testing.T) {
	theirs := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		skew time.Duration
		err  error
		want string
	}{
		{0, nil, "ok clock: ours is 0.0 s ahead of"},
		{-1900 * time.Millisecond, nil, "ok clock: ours is 1.9 s behind"},
		{2 * time.Second, nil, "warn clock: ours is 2.0 s ahead of"},
		{-29 * time.Second, nil, "warn clock: ours is 29.0 s behind"},
		{-30 * time.Second, nil, "FAULT clock: ours is 30.0 s behind"},
		{time.Hour, nil, "FAULT clock: ours is 3600.0 s ahead of"},
		{0, errors.New("no route"), "warn clock: not compared"},
	} {
		f := checkClock(t.Context(), "https://x/", func(context.Context, string) (time.Time, time.Time, error) { return theirs, theirs.Add(c.skew), c.err })
		wantFindings(t, []finding{f}, c.want)
	}
	wantFindings(t, []finding{checkZones(theirs)}, "ok time zones: in New York it is Fri Nov 20 2026 07:00:00 AM EST")
	for address, want := range map[string]string{"": "https://ws.eodhistoricaldata.com/", "ws://a:1/ws?key=k": "http://a:1/", "wss://u:p@b": "https://b/"} {
		if got := (&runCommand{FeedURL: address}).dateAddress(); got != want {
			t.Errorf("the time is asked at %s, want %s", got, want)
		}
	}
}

func TestCheckMemory(t *testing.T) {
	for _, c := range []struct {
		limit uint64
		err   error
		env   string
		want  string
	}{
		{0, errors.New("no cgroup"), "", "ok memory: no limit is known"},
		{256 << 20, nil, "", "ok memory: the limit is 256 MB"},
		{127 << 20, nil, "", "warn memory: the limit is 127 MB: under 128 MB"},
		{1 << 62, nil, "100MiB", "ok memory: no limit is known, GOMEMLIMIT is 100MiB"},
	} {
		f := checkMemory(func(string) string { return c.env }, func() (uint64, error) { return c.limit, c.err })
		wantFindings(t, []finding{f}, c.want)
	}
}

func TestCheckFolder(t *testing.T) {
	folder, me := t.TempDir(), identity{uid: 1000}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fast := slices.Repeat([]time.Duration{time.Millisecond}, 50)
	slow := append(slices.Clone(fast[1:]), 101*time.Millisecond)
	for _, c := range []struct {
		name, folder string
		took         []time.Duration
		err          error
		want         []string
	}{
		{"good", folder, fast, nil, []string{"ok folder: ", "ok disk speed: 4 KB are on disk within 1.0 ms, 1.0 ms at p99"}},
		{"slow", folder, slow, nil, []string{"ok folder: ", "warn disk speed: 4 KB are on disk within 1.0 ms, 101.0 ms at p99"}},
		{"not measured", folder, nil, nil, []string{"ok folder: ", "warn disk speed: not measured"}},
		{"not ours", folder, nil, &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, []string{"FAULT folder: " + folder + " cannot be written: permission denied; we run as uid 1000, " + folder + " is uid "}},
		{"read-only", folder, nil, syscall.EROFS, []string{"FAULT folder: " + folder + " cannot be written: read-only file system"}},
		{"full", folder, nil, syscall.ENOSPC, []string{"FAULT folder: " + folder + " cannot be written: no space left"}},
		{"a file", file, nil, nil, []string{"FAULT folder: " + file + " is no folder"}},
		{"below a file", filepath.Join(file, "x"), nil, nil, []string{"FAULT folder: "}},
		{"to be made", filepath.Join(folder, "x"), nil, nil, []string{"ok folder: " + filepath.Join(folder, "x") + " is not there yet"}},
		{"too deep", filepath.Join(folder, "x/y"), nil, nil, []string{"FAULT folder: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFindings(t, checkFolder(t.Context(), c.folder, me, func(context.Context, string) ([]time.Duration, error) { return slices.Clone(c.took), c.err }), c.want...)
		})
	}
	if fix := cannotWriteIn(folder, fs.ErrPermission, me).fix; fix != "sudo chown -R 1000 "+folder {
		t.Errorf("the remedy is %q", fix)
	}
	t.Setenv("RAILWAY_PROJECT_ID", "1")
	if fix := cannotWriteIn(folder, fs.ErrPermission, me).fix; fix != "railway variables --set RAILWAY_RUN_UID=0" {
		t.Errorf("on Railway the remedy is %q", fix)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v %v", left, err)
	}
	if took, err := syncSpeed(t.Context(), folder); err != nil || len(took) != speedWrites {
		t.Errorf("measured %d times: %v", len(took), err)
	}
}

func TestCheckSpace(t *testing.T) {
	for _, c := range []struct {
		free int64
		ok   bool
		days float64
		want string
	}{
		{50_000_000_000, true, -1, "ok disk space: 50 GB free"},
		{50_000_000_000, true, 400, "ok disk space: 50 GB free, which will do for 400 days"},
		{500_000_000, true, 13, "warn disk space: 500.0 MB free, which will do for 13 days"},
		{60_000_000, true, 400, "FAULT disk space: 60.0 MB free, which will do for 400 days"},
		{0, false, -1, "warn disk space: not known"},
	} {
		f := facts{path: "a.db", status: &status{Disk: statusDisk{DaysLeft: c.days, Growth: 1_000_000}}}
		wantFindings(t, checkSpace(f, 14, func(string) (int64, bool) { return c.free, c.ok }), c.want)
	}
	wantFindings(t, []finding{checkFilesystem(".", func(string) string { return "NFS" }), checkFilesystem(".", func(string) string { return "" })},
		"FAULT file system: . is on NFS", "ok file system")
}

func TestCheckFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	holds := func(symbols ...statusSymbol) *status {
		return &status{File: statusFile{Path: path, Format: "1.0"}, Holds: statusHolds{Sessions: 1}, Session: &statusSession{Date: "2026-11-20", Symbols: symbols}}
	}
	recorded := holds()
	recorded.Recording, recorded.Session = &statusRecording{PID: 7, Since: "then"}, nil
	damaged := &store.Damaged{Path: path, Where: "meta", What: "zeros"}
	for _, c := range []struct {
		name   string
		facts  facts
		proves error
		want   []string
	}{
		{"missing", facts{path: path, err: store.ErrMissing}, nil, []string{"ok file: " + path + " is not there yet"}},
		{"held", facts{path: path, err: &store.Held{Path: path}}, nil, []string{"warn file: " + path + " does not answer: " + path + " is in use by another process"}},
		{"damaged", facts{path: path, err: explain(damaged)}, nil, []string{"FAULT file: " + path + " is damaged at meta: zeros"}},
		{"foreign", facts{path: path, err: explain(&store.Foreign{Path: path, What: "text"})}, nil, []string{"FAULT file: " + path + " is not a tapedeck file: text"}},
		{"newer", facts{path: path, err: explain(&store.Newer{Path: path, Format: "9.0"})}, nil, []string{"FAULT file: " + path + " has format 9.0"}},
		{"not ours", facts{path: path, err: &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}}, nil, []string{"FAULT file: open "}},
		{"in no folder", facts{path: path, err: &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}}, nil, nil},
		{"recorded", facts{path: path, status: recorded}, nil, []string{"ok file: " + path + ", 0.0 MB, format 1.0, 1 session; pid 7 records into it since then"}},
		{"whole", facts{path: path, status: holds(statusSymbol{Symbol: "QLD", Covered: 1, Traded: 5})}, nil, []string{"ok file: " + path, "ok last session: 2026-11-20, 1 symbol: heard for 100.00 % or more"}},
		{"hurt", facts{path: path, status: holds()}, damaged, []string{"FAULT file: " + path + " is damaged at meta", "ok last session"}},
		{"not proved", facts{path: path, status: holds()}, context.DeadlineExceeded, []string{"warn file: ", "ok last session"}},
		{"gaps", facts{path: path, status: holds(statusSymbol{Symbol: "QLD", Covered: 0.9, Traded: 5}, statusSymbol{Symbol: "SPY", Covered: 1, Traded: 5}, statusSymbol{Symbol: "OLD", Unknown: 5})}, nil,
			[]string{"ok file", "warn last session: 2026-11-20: QLD was heard for 90.00 % of it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFindings(t, checkFile(t.Context(), c.facts, 99, func(context.Context, string) error { return c.proves }), c.want...)
		})
	}
}

func TestCheckRailway(t *testing.T) {
	for _, c := range []struct {
		path        string
		environment []string
		want        []string
	}{
		{"data/a.db", nil, nil},
		{"data/a.db", []string{"RAILWAY_PROJECT_ID="}, nil},
		{"data/a.db", []string{"RAILWAY_PROJECT_ID=1"}, []string{"FAULT Railway: the service has no volume", "warn Railway: there is no RAILWAY_DEPLOYMENT_DRAINING_SECONDS"}},
		{"/data/a.db", []string{"RAILWAY_VOLUME_MOUNT_PATH=/data", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS=10"}, []string{"ok Railway: the file is on the volume at /data"}},
		{"/other/a.db", []string{"RAILWAY_VOLUME_MOUNT_PATH=/data", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS=10"}, []string{"FAULT Railway: /other/a.db is not on the volume, which is at /data"}},
	} {
		wantFindings(t, checkRailway(c.path, c.environment), c.want...)
	}
}

// Each host is asked one thing at a time, and not more than eight are at once; what the
// recorder knows of late is not asked again.
func TestCheckFeeds(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	off := checkFeeds(t.Context(), &newsFlags{}, nil, now, nil)
	wantFindings(t, off, "ok news: off")
	wantFindings(t, checkFeeds(t.Context(), &newsFlags{News: true, FeedsFile: "none"}, nil, now, nil))
	synctest.Test(t, func(t *testing.T) {
		n := &newsFlags{News: true}
		for i := range 40 {
			host := string(rune('a' + i/2))
			n.feeds = append(n.feeds, news.Feed{URL: "https://" + host + ".example.com/" + string(rune('0'+i%2)) + "?key=secret", Source: host})
		}
		states := []news.State{
			{URL: n.feeds[0].URL, Asked: now.Add(-time.Hour).UnixMilli(), Last: "404", Failures: 3},
			{URL: n.feeds[1].URL, Asked: now.Add(-time.Hour).UnixMilli(), Last: "ok", Answered: 1},
			{URL: n.feeds[2].URL, Asked: now.Add(-7 * time.Hour).UnixMilli(), Last: "404", Failures: 3},
		}
		var atOnce, most, asked atomic.Int32
		busy := make(map[string]*atomic.Int32)
		for _, f := range n.feeds {
			busy[f.Source] = new(atomic.Int32)
		}
		found := checkFeeds(t.Context(), n, states, now, func(ctx context.Context, f news.Feed) (string, error) {
			defer busy[f.Source].Add(-1)
			defer atOnce.Add(-1)
			if busy[f.Source].Add(1) > 1 {
				t.Errorf("%s is asked twice at once", f.Source)
			}
			asked.Add(1)
			for at := atOnce.Add(1); at > most.Load(); {
				most.Store(at)
			}
			if f.Source == "b" {
				<-ctx.Done()
				return "timeout", ctx.Err()
			}
			time.Sleep(time.Second)
			return "ok", nil
		})
		if most.Load() != feedsAtOnce || asked.Load() != 38 {
			t.Errorf("%d were asked, %d at once", asked.Load(), most.Load())
		}
		wantFindings(t, found, "ok news: 37 of 40 feeds answer", "warn news: a (a.example.com) does not answer: 404, 1 h 0 min ago", "warn news: b (b.example.com) does not answer: timeout", "warn news: b (b.example.com) does not answer: timeout")
		silent := checkFeeds(t.Context(), n, nil, now, func(context.Context, news.Feed) (string, error) { return "no such host", errors.New("no such host") })
		wantFindings(t, silent, "warn news: none of 40 feeds answers, a: no such host")
	})
}

func TestCheckAlerts(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "")
	}
	a := &alertFlags{HeartbeatURL: "https://beat.example.com/secret", NotifyURLs: secretList{"http://dead.example.com/secret", "nonsense", "telegram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@telegram?chats=@x"}}
	found := checkAlerts(t.Context(), a, func(_ context.Context, address string) error {
		switch address {
		case "beat.example.com:443":
			return nil
		case "dead.example.com:80":
			return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		t.Errorf("%s was dialled", address)
		return nil
	})
	wantFindings(t, found, "ok heartbeat: beat.example.com can be reached; no ping was sent", "FAULT messages: webhook dead.example.com cannot be reached: connection refused", "ok messages: telegram: not reached from here")
	wantFindings(t, checkAlerts(t.Context(), new(alertFlags), nil), "warn alerts: nobody is told")
}

// The checks run beside each other, are told in their order, and end with their time.
func TestExamine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		slow := func(ctx context.Context) []finding {
			<-ctx.Done()
			return []finding{doubt("slow", "not in time", "again")}
		}
		quick := func(context.Context) []finding { return []finding{good("quick", "done")} }
		var told []finding
		found, err := examine(t.Context(), []check{slow, quick, slow}, func(f finding) error {
			told = append(told, f)
			return nil
		})
		wantFindings(t, found, "warn slow", "ok quick", "warn slow")
		if err != nil || !slices.Equal(told, found) || time.Since(begun) != examined {
			t.Errorf("%v after %s: %v", err, time.Since(begun), told)
		}
		if err := verdictOf(append(found, broken("x", "y", "z"))); err == nil || verdictOf(found) != nil {
			t.Errorf("the verdicts are %v and %v", err, verdictOf(found))
		}
	})
}

func TestMask(t *testing.T) {
	t.Setenv("HOME", "/home/anne")
	m := newMask([]string{"keykeykey", "wss://userpart:passpart@feed.example.com/pathpath?k=query+part", "tokentoken", "https://hc-ping.com/beatbeat",
		"slack://TTTTTTTTTT", "https://h.example.com/hookhook", "demo", ""})
	for text, want := range map[string]string{
		"a keykeykey b":                          "a *** b",
		"userpart passpart pathpath query+part":  "*** *** *** ***",
		"query part, query%20part":               "***, ***",
		"https://hc-ping.com/beatbeat/start":     "***/start",
		"tokentoken TTTTTTTTTT hookhook":         "*** *** ***",
		"feed.example.com and h.example.com":     "feed.example.com and h.example.com",
		"/home/anne/a.db, /home/anne, /home/ann": "~/a.db, ~, /home/ann",
		"/home/annette/a.db":                     "/home/annette/a.db",
		"tapedeck demo":                          "tapedeck demo", // the key demo is no secret
	} {
		if got := m.all(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// A calendar file and the cron expressions are told apart.
func TestWrongHours(t *testing.T) {
	for want, m := range map[string]marketHours{
		"open-cron":     {Market: "us", Hours: "regular", OpenCron: "x", CloseCron: "x"},
		"close-cron":    {Market: "us", Hours: "regular", OpenCron: "0 10 * * *", CloseCron: "x"},
		"calendar-file": {Market: "us", Hours: "regular", CalendarFile: "none"},
	} {
		if _, err := m.plan(false, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%+v is right", m)
		}
		if got, _ := m.wrongHours(); got != want {
			t.Errorf("%+v is blamed on %s", m, got)
		}
	}
}
