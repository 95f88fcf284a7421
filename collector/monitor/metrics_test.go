package monitor_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tapedeck/collector/monitor"
)

// measuresOf are those of a recorder that knows all of them, no two alike.
func measuresOf() monitor.Measures {
	at := func(s int64) time.Time { return time.UnixMilli(1_700_000_000_000 + 1000*s + 500) }
	return monitor.Measures{
		Version: "v1.2.3", Recording: true,
		SessionOpen: true, SessionOpens: at(1), SessionCloses: at(2),
		Connected: true, ConnectedSince: at(3), LastTrade: at(4), LastSign: at(5),
		Trades: 101, Late: 102, Lost: 103, CanaryTrades: 104, Connections: 105, Refusals: 106,
		Rejected:    map[string]int64{"precision": 11, "echo": 12},
		Disconnects: map[string]int64{"unreachable": 21, "mute": 22, "slots": 23},
		LagBuckets:  map[float64]uint64{0.1: 3, 1: 5}, LagCount: 6, LagSum: 7.5,
		Healthy: true, DiskFull: true,
		FileBytes: 201, ReclaimableBytes: 202, DiskFreeBytes: 203, DiskDaysLeft: 1.5,
		SessionSeconds: map[string]int64{"traded": 31, "quiet": 32, "partial": 33, "down": 34, "unknown": 35},
		Covered:        0.25,
		SymbolCount:    2, SymbolLast: map[string]time.Time{"QLD": at(6), "SPY": {}},
		LogLines: 301, LogFolded: 302, BackupTime: at(7),
		Feeds: map[string]int{"answering": 41, "silent": 42, "gone": 43}, Headlines: 303,
		EventClients: 304, EventsDropped: 305, Unsealed: 306, StagedBytes: 307,
	}
}

// wantMetrics is what a scrape of measuresOf says of them.
const wantMetrics = `
tapedeck_backup_timestamp_seconds 1.7000000075e+09
tapedeck_canary_trades_total 104
tapedeck_connected 1
tapedeck_connected_since_timestamp_seconds 1.7000000035e+09
tapedeck_connections_total 105
tapedeck_disconnects_total{cause="connect"} 0
tapedeck_disconnects_total{cause="disk_full"} 0
tapedeck_disconnects_total{cause="drop"} 0
tapedeck_disconnects_total{cause="mute"} 22
tapedeck_disconnects_total{cause="overload"} 0
tapedeck_disconnects_total{cause="refused"} 0
tapedeck_disconnects_total{cause="shutdown"} 0
tapedeck_disconnects_total{cause="slots"} 23
tapedeck_disconnects_total{cause="unreachable"} 21
tapedeck_disk_free_bytes 203
tapedeck_disk_full 1
tapedeck_disk_left_seconds 129600
tapedeck_event_clients 304
tapedeck_events_dropped_total 305
tapedeck_file_bytes 201
tapedeck_file_reclaimable_bytes 202
tapedeck_frames_rejected_total{reason="echo"} 12
tapedeck_frames_rejected_total{reason="future"} 0
tapedeck_frames_rejected_total{reason="garbage"} 0
tapedeck_frames_rejected_total{reason="invalid"} 0
tapedeck_frames_rejected_total{reason="precision"} 11
tapedeck_frames_rejected_total{reason="session"} 0
tapedeck_frames_rejected_total{reason="symbol"} 0
tapedeck_frames_rejected_total{reason="unknown"} 0
tapedeck_frames_rejected_total{reason="unreadable"} 0
tapedeck_healthy 1
tapedeck_last_sign_timestamp_seconds 1.7000000055e+09
tapedeck_last_trade_timestamp_seconds 1.7000000045e+09
tapedeck_log_folded_total 302
tapedeck_log_lines_total 301
tapedeck_news_feeds{standing="answering"} 41
tapedeck_news_feeds{standing="gone"} 43
tapedeck_news_feeds{standing="silent"} 42
tapedeck_news_headlines 303
tapedeck_recording 1
tapedeck_refusals_in_a_row 106
tapedeck_session_closes_timestamp_seconds 1.7000000025e+09
tapedeck_session_covered_ratio 0.25
tapedeck_session_open 1
tapedeck_session_opens_timestamp_seconds 1.7000000015e+09
tapedeck_session_seconds{state="down"} 34
tapedeck_session_seconds{state="partial"} 33
tapedeck_session_seconds{state="quiet"} 32
tapedeck_session_seconds{state="traded"} 31
tapedeck_session_seconds{state="unknown"} 35
tapedeck_staged_bytes 307
tapedeck_symbol_last_trade_timestamp_seconds{symbol="QLD"} 1.7000000065e+09
tapedeck_symbols 2
tapedeck_trade_lag_seconds_bucket{le="+Inf"} 6
tapedeck_trade_lag_seconds_bucket{le="0.1"} 3
tapedeck_trade_lag_seconds_bucket{le="1"} 5
tapedeck_trade_lag_seconds_count 6
tapedeck_trade_lag_seconds_sum 7.5
tapedeck_trades_late_total 102
tapedeck_trades_lost_total 103
tapedeck_trades_total 101
tapedeck_unsealed_bytes 306
`

// always is what a process says whatever it knows: a view of a stopped file, too.
var always = []string{"build_info", "commit_duration_seconds", "event_clients", "healthy", "news_headlines", "recording", "symbols", "unsealed_bytes"}

func metricsOf(m monitor.Measures) *monitor.Metrics {
	return monitor.NewMetrics(func() monitor.Measures { return m })
}

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// oursIn are the sorted lines of the metrics with this program's name.
func oursIn(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "tapedeck_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines
}

var family = regexp.MustCompile(`(?m)^# TYPE (\S+) `)

// namesIn are the metrics that have a series.
func namesIn(text string) (names []string) {
	for _, found := range family.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	return names
}

func TestMetricsValues(t *testing.T) {
	m := metricsOf(measuresOf())
	m.ObserveCommit(3 * time.Millisecond)
	m.ObserveCommit(20 * time.Second)
	text := scrape(t, m.Handler())
	var got, commits, build []string
	for _, line := range oursIn(text) {
		switch {
		case strings.HasPrefix(line, "tapedeck_commit_"):
			commits = append(commits, line)
		case strings.HasPrefix(line, "tapedeck_build_info"):
			build = append(build, line)
		default:
			got = append(got, line)
		}
	}
	want := strings.Split(strings.TrimSpace(wantMetrics), "\n")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("too much: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	if want := fmt.Sprintf("tapedeck_build_info{goversion=%q,version=\"v1.2.3\"} 1", runtime.Version()); !slices.Equal(build, []string{want}) {
		t.Errorf("%q, want %s", build, want)
	}
	for _, want := range []string{`_bucket{le="0.0025"} 0`, `_bucket{le="0.005"} 1`, `_bucket{le="10"} 1`, `_bucket{le="+Inf"} 2`, "_sum 20.003", "_count 2"} {
		if !slices.Contains(commits, "tapedeck_commit_duration_seconds"+want) {
			t.Errorf("no %s in %q", want, commits)
		}
	}
	for _, want := range []string{"process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total", "go_goroutines", "go_memstats_heap_inuse_bytes"} {
		if !slices.Contains(namesIn(text), want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestMetricsUnknown takes one thing after another away: its metric goes, and no other.
func TestMetricsUnknown(t *testing.T) {
	all := namesIn(scrape(t, metricsOf(measuresOf()).Handler()))
	for name, forget := range map[string]func(*monitor.Measures){
		"session_opens_timestamp_seconds":     func(m *monitor.Measures) { m.SessionOpens = time.Time{} },
		"session_closes_timestamp_seconds":    func(m *monitor.Measures) { m.SessionCloses = time.Time{} },
		"connected_since_timestamp_seconds":   func(m *monitor.Measures) { m.ConnectedSince = time.Time{} },
		"last_trade_timestamp_seconds":        func(m *monitor.Measures) { m.LastTrade = time.Time{} },
		"last_sign_timestamp_seconds":         func(m *monitor.Measures) { m.LastSign = time.Time{} },
		"file_bytes":                          func(m *monitor.Measures) { m.FileBytes = -1 },
		"file_reclaimable_bytes":              func(m *monitor.Measures) { m.ReclaimableBytes = -1 },
		"disk_free_bytes":                     func(m *monitor.Measures) { m.DiskFreeBytes = -1 },
		"disk_left_seconds":                   func(m *monitor.Measures) { m.DiskDaysLeft = -1 },
		"session_seconds":                     func(m *monitor.Measures) { m.SessionSeconds = nil },
		"session_covered_ratio":               func(m *monitor.Measures) { m.Covered = -1 },
		"symbol_last_trade_timestamp_seconds": func(m *monitor.Measures) { m.SymbolLast = nil },
		"backup_timestamp_seconds":            func(m *monitor.Measures) { m.BackupTime = time.Time{} },
		"news_feeds":                          func(m *monitor.Measures) { m.Feeds = nil },
	} {
		t.Run(name, func(t *testing.T) {
			m := measuresOf()
			forget(&m)
			want := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == "tapedeck_"+name })
			if got := namesIn(scrape(t, metricsOf(m).Handler())); len(want) == len(all) || !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestMetricsOfAView leaves out what only a recorder knows; and the counts of a recorder
// that has counted nothing are 0 and there.
func TestMetricsOfAView(t *testing.T) {
	nothing := monitor.Measures{FileBytes: -1, ReclaimableBytes: -1, DiskFreeBytes: -1, DiskDaysLeft: -1, Covered: -1}
	var got []string
	for _, name := range namesIn(scrape(t, metricsOf(nothing).Handler())) {
		if name, ours := strings.CutPrefix(name, "tapedeck_"); ours {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, always) {
		t.Errorf("a view that knows nothing says %q, want %q", got, always)
	}
	nothing.Recording = true
	text := scrape(t, metricsOf(nothing).Handler())
	for _, want := range []string{"tapedeck_trades_total 0", `tapedeck_disconnects_total{cause="drop"} 0`, `tapedeck_frames_rejected_total{reason="echo"} 0`, "tapedeck_trade_lag_seconds_count 0"} {
		if !slices.Contains(oursIn(text), want) {
			t.Errorf("a recorder that begins does not say %s", want)
		}
	}
}

// TestMetricsLabels holds the number of series: a symbol's only while they are few, and
// names from outside a set in one.
func TestMetricsLabels(t *testing.T) {
	series := func(symbols, counted int) (n int) {
		m := measuresOf()
		m.SymbolCount, m.SymbolLast = counted, map[string]time.Time{}
		for i := range symbols {
			m.SymbolLast[fmt.Sprintf("S%05d", i)] = time.UnixMilli(1)
		}
		for _, line := range oursIn(scrape(t, metricsOf(m).Handler())) {
			if strings.Contains(line, "symbol=") {
				n++
			}
		}
		return n
	}
	for _, c := range []struct{ symbols, counted, want int }{{50, 50, 50}, {51, 51, 0}, {50, 51, 0}, {51, 50, 0}, {11_000, 11_000, 0}} {
		if n := series(c.symbols, c.counted); n != c.want {
			t.Errorf("%d symbols (%d of them traded) give %d series, want %d", c.counted, c.symbols, n, c.want)
		}
	}

	m := measuresOf()
	m.Disconnects, m.Rejected = map[string]int64{"drop": 1}, map[string]int64{}
	for i := range 100 {
		m.Disconnects[fmt.Sprint("made up ", i)] = 2
		m.Rejected[fmt.Sprint("made up ", i)] = 3
	}
	text := scrape(t, metricsOf(m).Handler())
	for _, want := range []string{`tapedeck_disconnects_total{cause="other"} 200`, `tapedeck_disconnects_total{cause="drop"} 1`, `tapedeck_frames_rejected_total{reason="other"} 300`} {
		if !slices.Contains(oursIn(text), want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "made up") {
		t.Error("a name from outside the set is a label")
	}
}

// TestMetricsText gives a version that no text may hold.
func TestMetricsText(t *testing.T) {
	m := measuresOf()
	m.Version, m.SymbolLast = "a\xff\"\n", map[string]time.Time{"\xfe": time.UnixMilli(1000)}
	text := scrape(t, metricsOf(m).Handler())
	for _, want := range []string{`version="a?\"\n"`, `{symbol="?"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestMetricsScrapes scrapes from many sides while commits are counted: each scrape that is
// answered looks once, and the rest is told that too many ask.
func TestMetricsScrapes(t *testing.T) {
	var looked, answered, refused atomic.Int64
	m := monitor.NewMetrics(func() monitor.Measures {
		looked.Add(1)
		return measuresOf()
	})
	h := m.Handler()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				m.ObserveCommit(time.Millisecond)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
				switch w.Code {
				case http.StatusOK:
					answered.Add(1)
					if !strings.Contains(w.Body.String(), "tapedeck_trades_total 101\n") {
						t.Error("half an answer")
					}
				case http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					t.Errorf("status %d", w.Code)
				}
			}
		})
	}
	all.Wait()
	if answered.Load() == 0 || looked.Load() != answered.Load() || answered.Load()+refused.Load() != 160 {
		t.Errorf("looked %d times for %d answers, %d refused", looked.Load(), answered.Load(), refused.Load())
	}
	if text := scrape(t, h); !strings.Contains(text, "tapedeck_commit_duration_seconds_count 160\n") {
		t.Error("commits are missing")
	}
}

// TestMetricsBusy holds four scrapes in their look: the fifth is refused, and one after
// them is answered.
func TestMetricsBusy(t *testing.T) {
	inside, leave := make(chan bool), make(chan bool)
	h := monitor.NewMetrics(func() monitor.Measures {
		inside <- true
		<-leave
		return measuresOf()
	}).Handler()
	get := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Code
	}
	codes := make(chan int)
	for range 4 {
		go func() { codes <- get() }()
		<-inside
	}
	if code := get(); code != http.StatusServiceUnavailable {
		t.Errorf("the fifth: %d", code)
	}
	close(leave)
	for range 4 {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("one of the four: %d", code)
		}
	}
	go func() { codes <- get() }()
	<-inside
	if code := <-codes; code != http.StatusOK {
		t.Errorf("after them: %d", code)
	}
}

// TestMetricsBroken answers with an error when looking fails: half an answer would be a
// recorder that is up and has no alerts.
func TestMetricsBroken(t *testing.T) {
	h := monitor.NewMetrics(func() monitor.Measures { panic("look") }).Handler()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestMetricsCompressed(t *testing.T) {
	h := metricsOf(measuresOf()).Handler()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	unpacked, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil || w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(string(text), "tapedeck_trades_total 101\n") {
		t.Errorf("%v %v\n%s", w.Header(), err, text)
	}
}
