package monitor

import (
	"maps"
	"math"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tapedeck/collector/ledger"
)

// Measures is what there is to measure at one moment. All counts are since the process
// began. What is unknown is left out of the metrics and not written as a number that means
// something else: a zero time, a negative number where it says so, a nil map where it says so.
type Measures struct {
	Version   string // of the program
	Recording bool   // false: a stopped file is viewed, and what only a recorder knows is left out

	SessionOpen   bool      // the market is in a session by the plan
	SessionOpens  time.Time // of the running session, else of the next one; zero: unknown
	SessionCloses time.Time // likewise

	Connected      bool
	ConnectedSince time.Time // zero: not connected
	LastTrade      time.Time // arrival of the last fresh trade; zero: none yet
	LastSign       time.Time // arrival of the last fresh trade or trade of the canary; zero: none yet

	Trades       int64            // recorded
	Late         int64            // of those, behind the candle that they belong to
	Lost         int64            // heard and not kept
	Rejected     map[string]int64 // frames that are not recorded, by ledger's reasons without "rejected_"
	Connections  int64
	Disconnects  map[string]int64 // connections and tries that ended, by cause; see ledger.Disconnects
	Refusals     int64            // tries in a row that were refused for the key; 0 after one that was not
	CanaryTrades int64

	// LagBuckets counts the recorded trades whose arrival less t was at most so many seconds:
	// by upper bound, each with all smaller ones in it. The bounds are few (each is a series)
	// and the same as long as the process lives.
	LagBuckets map[float64]uint64
	LagCount   uint64  // trades in all
	LagSum     float64 // seconds

	Healthy  bool // what /healthz says
	DiskFull bool // trades wait in memory because there is no room

	FileBytes        int64   // size of the file; -1: unknown
	ReclaimableBytes int64   // what a compaction would give back; -1: unknown
	DiskFreeBytes    int64   // -1: unknown
	DiskDaysLeft     float64 // until the disk is full if it goes on like this; -1: unknown

	// SessionSeconds counts the seconds of the running session so far, or of the last one, by
	// ledger's states, summed over the symbols; nil: unknown.
	SessionSeconds map[string]int64
	Covered        float64 // the part of those seconds that was listened to, 0 to 1; -1: unknown

	SymbolCount int
	SymbolLast  map[string]time.Time // t of the last trade of each; shown only of few symbols

	LogLines, LogFolded int64     // lines written, and those folded into another
	BackupTime          time.Time // when the last backup was made; zero: none

	Feeds     map[string]int // news feeds by standing: answering, silent, gone; nil: no news is fetched
	Headlines int64          // saved

	EventClients  int   // that listen to live events
	EventsDropped int64 // not sent, because a client did not read

	Unsealed    int64 // bytes of the tape that are not in blocks yet
	StagedBytes int64 // of trades that wait in memory for the store
}

// mostSymbols is how many symbols may have a series of their own each.
const mostSymbols = 50

// A scrape costs little; these are for a look that hangs, and for who asks too often. The
// time is under the 10 s that Prometheus waits if it is not told otherwise.
const (
	scrapeTimeout = 8 * time.Second
	mostScrapes   = 4
)

// Metrics is what Prometheus is told, with a registry of its own. Its methods may be called
// by many goroutines at once.
type Metrics struct {
	registry *prometheus.Registry
	commits  prometheus.Histogram
}

// NewMetrics makes the metrics of one process. look is called once a scrape, by several
// goroutines at once, and may block for a short while (a scrape ends after 8 s, with an error).
// The maps it returns must not change any more.
func NewMetrics(look func() Measures) *Metrics {
	m := &Metrics{prometheus.NewRegistry(), prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "tapedeck_commit_duration_seconds",
		Help:    "How long a commit to the file took, with its sync to the disk.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	})}
	m.registry.MustRegister(
		newMeasured(look),
		m.commits,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// ObserveCommit counts a commit that took d. It does not block.
func (m *Metrics) ObserveCommit(d time.Duration) { m.commits.Observe(d.Seconds()) }

// Handler answers a scrape, compressed when asked for. At most 4 are answered at a time; it
// blocks for as long as look does, at most 8 s. An error is the whole answer: with a half one
// the recorder would count as up, and the alerts would wait for numbers that do not come.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.HTTPErrorOnError,
		MaxRequestsInFlight: mostScrapes,
		Timeout:             scrapeTimeout,
	})
}

// measured turns Measures into metrics.
type measured struct {
	look     func() Measures
	measures []measure
	lag      *prometheus.Desc
	build    *prometheus.Desc
}

// measure is one metric of a snapshot.
type measure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read reading
	live bool // only a recorder has it
}

// reading puts the values of a metric; none when they are unknown.
type reading func(m *Measures, put putValue)

// putValue takes a value with that of its label, when the metric has one.
type putValue func(value float64, label ...string)

func newMeasured(look func() Measures) *measured {
	return &measured{
		look:     look,
		measures: tableOfMeasures(),
		lag: prometheus.NewDesc("tapedeck_trade_lag_seconds",
			"From a recorded trade's own time to its arrival.", nil, nil),
		build: prometheus.NewDesc("tapedeck_build_info",
			"Always 1; the labels say which version this is and which Go built it.", []string{"version", "goversion"}, nil),
	}
}

// Describe sends the descriptors of all metrics, also of those that are left out at times.
func (s *measured) Describe(out chan<- *prometheus.Desc) {
	for _, m := range s.measures {
		out <- m.desc
	}
	out <- s.lag
	out <- s.build
}

// Collect looks once and sends what is known.
func (s *measured) Collect(out chan<- prometheus.Metric) {
	now := s.look()
	out <- prometheus.MustNewConstMetric(s.build, prometheus.GaugeValue, 1, strings.ToValidUTF8(now.Version, "?"), runtime.Version())
	for _, m := range s.measures {
		if m.live && !now.Recording {
			continue
		}
		m.read(&now, func(value float64, label ...string) {
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, label...)
		})
	}
	if now.Recording {
		buckets := maps.Clone(now.LagBuckets)
		delete(buckets, math.Inf(1)) // which is LagCount
		out <- prometheus.MustNewConstHistogram(s.lag, now.LagCount, now.LagSum, buckets)
	}
}

// tableOfMeasures is every metric of a snapshot but the histogram and the version.
func tableOfMeasures() []measure {
	var all []measure
	add := func(live bool, kind prometheus.ValueType, name, help string, read reading, label ...string) {
		all = append(all, measure{prometheus.NewDesc("tapedeck_"+name, help, label, nil), kind, read, live})
	}
	gauge := func(name, help string, read reading, label ...string) {
		add(false, prometheus.GaugeValue, name, help, read, label...)
	}
	live := func(name, help string, read reading, label ...string) {
		add(true, prometheus.GaugeValue, name, help, read, label...)
	}
	counter := func(name, help string, read reading, label ...string) {
		add(true, prometheus.CounterValue, name, help, read, label...)
	}

	gauge("recording", "1 while this process records, 0 when it shows a stopped file.",
		readFlag(func(m *Measures) bool { return m.Recording }))
	gauge("healthy", "1 when /healthz says that all is well, else 0.",
		readFlag(func(m *Measures) bool { return m.Healthy }))
	live("session_open", "1 while the market is in a session by the calendar and the plan, else 0.",
		readFlag(func(m *Measures) bool { return m.SessionOpen }))
	gauge("session_opens_timestamp_seconds", "When the running session opened, else when the next one opens.",
		readMoment(func(m *Measures) time.Time { return m.SessionOpens }))
	gauge("session_closes_timestamp_seconds", "When the running session closes, else when the next one closes.",
		readMoment(func(m *Measures) time.Time { return m.SessionCloses }))

	live("connected", "1 while connected to the feed and subscribed, else 0.",
		readFlag(func(m *Measures) bool { return m.Connected }))
	live("connected_since_timestamp_seconds", "When the connection that lives was made.",
		readMoment(func(m *Measures) time.Time { return m.ConnectedSince }))
	counter("connections_total", "Connections to the feed.",
		readCount(func(m *Measures) int64 { return m.Connections }))
	counter("disconnects_total", "Connections to the feed, and tries to connect, that ended, by cause.",
		readEach(causes(), true, func(m *Measures) map[string]int64 { return m.Disconnects }), "cause")
	live("refusals_in_a_row", "Tries in a row that the server refused for the key.",
		readCount(func(m *Measures) int64 { return m.Refusals }))

	live("last_trade_timestamp_seconds", "When the last fresh trade of a recorded symbol arrived.",
		readMoment(func(m *Measures) time.Time { return m.LastTrade }))
	live("last_sign_timestamp_seconds", "When the last sign of life arrived: a fresh trade, or one of the canary.",
		readMoment(func(m *Measures) time.Time { return m.LastSign }))
	live("symbol_last_trade_timestamp_seconds", "The time of a symbol's last trade; only with at most 50 symbols.",
		lastTrades, "symbol")
	counter("trades_total", "Trades recorded.",
		readCount(func(m *Measures) int64 { return m.Trades }))
	counter("trades_late_total", "Recorded trades that came behind the candle they belong to.",
		readCount(func(m *Measures) int64 { return m.Late }))
	counter("trades_lost_total", "Trades that were heard and could not be kept.",
		readCount(func(m *Measures) int64 { return m.Lost }))
	counter("canary_trades_total", "Trades of the canary, which are not recorded.",
		readCount(func(m *Measures) int64 { return m.CanaryTrades }))
	counter("frames_rejected_total", "Frames of the feed that were not recorded, by reason.",
		readEach(reasons(), true, func(m *Measures) map[string]int64 { return m.Rejected }), "reason")

	gauge("session_seconds", "Seconds of the running session so far, or of the last one, by state, summed over the symbols.",
		readEach(states(), false, func(m *Measures) map[string]int64 { return m.SessionSeconds }), "state")
	gauge("session_covered_ratio", "The part of the running session so far, or of the last one, that was listened to.",
		readKnown(func(m *Measures) float64 { return m.Covered }))
	gauge("symbols", "Symbols that are recorded.",
		readCount(func(m *Measures) int64 { return int64(m.SymbolCount) }))

	gauge("file_bytes", "Size of the file.",
		readKnown(func(m *Measures) float64 { return float64(m.FileBytes) }))
	gauge("file_reclaimable_bytes", "What a compaction of the file would give back.",
		readKnown(func(m *Measures) float64 { return float64(m.ReclaimableBytes) }))
	gauge("unsealed_bytes", "Tape that is not in blocks yet.",
		readCount(func(m *Measures) int64 { return m.Unsealed }))
	live("staged_bytes", "Trades that wait in memory for the store.",
		readCount(func(m *Measures) int64 { return m.StagedBytes }))
	live("disk_full", "1 while trades wait in memory because there is no room on the disk, else 0.",
		readFlag(func(m *Measures) bool { return m.DiskFull }))
	gauge("disk_free_bytes", "Free space where the file is.",
		readKnown(func(m *Measures) float64 { return float64(m.DiskFreeBytes) }))
	gauge("disk_left_seconds", "Time until the disk is full if the file grows as it did.",
		readKnown(func(m *Measures) float64 { return m.DiskDaysLeft * 24 * 60 * 60 }))
	gauge("backup_timestamp_seconds", "When the last backup was made.",
		readMoment(func(m *Measures) time.Time { return m.BackupTime }))

	counter("log_lines_total", "Lines written to the log.",
		readCount(func(m *Measures) int64 { return m.LogLines }))
	counter("log_folded_total", "Log events that were folded into the line of another.",
		readCount(func(m *Measures) int64 { return m.LogFolded }))
	live("news_feeds", "News feeds by standing.",
		readEach(standings(), false, func(m *Measures) map[string]int { return m.Feeds }), "standing")
	gauge("news_headlines", "Headlines on file.",
		readCount(func(m *Measures) int64 { return m.Headlines }))
	gauge("event_clients", "Clients that listen to live events.",
		readCount(func(m *Measures) int64 { return int64(m.EventClients) }))
	counter("events_dropped_total", "Live events that were not sent because a client did not read.",
		readCount(func(m *Measures) int64 { return m.EventsDropped }))
	return all
}

func readCount(of func(*Measures) int64) reading {
	return func(m *Measures, put putValue) { put(float64(of(m))) }
}

// readKnown leaves out what is negative, which says that it is not known.
func readKnown(of func(*Measures) float64) reading {
	return func(m *Measures, put putValue) {
		if v := of(m); v >= 0 {
			put(v)
		}
	}
}

func readFlag(of func(*Measures) bool) reading {
	return func(m *Measures, put putValue) {
		if of(m) {
			put(1)
		} else {
			put(0)
		}
	}
}

// readMoment leaves out the zero time.
func readMoment(of func(*Measures) time.Time) reading {
	return func(m *Measures, put putValue) {
		if t := of(m); !t.IsZero() {
			put(float64(t.UnixMilli()) / 1000)
		}
	}
}

// otherLabel is the value of a label for what is not in a closed set, so that nothing outside the program
// can make series.
const otherLabel = "other"

// readEach puts one value for each name of a closed set, 0 for those that are not there: a
// counter that begins at 1 shows Prometheus no increase. Names outside the set are counted
// together as other. Of a nil map nothing is put, unless always.
func readEach[N int | int64](set []string, always bool, of func(*Measures) map[string]N) reading {
	return func(m *Measures, put putValue) {
		values := of(m)
		if values == nil && !always {
			return
		}
		rest := N(0)
		for _, n := range values {
			rest += n
		}
		for _, name := range set {
			put(float64(values[name]), name)
			rest -= values[name]
		}
		if rest != 0 {
			put(float64(rest), otherLabel)
		}
	}
}

// lastTrades has a series for each symbol as long as they are few.
func lastTrades(m *Measures, put putValue) {
	if max(m.SymbolCount, len(m.SymbolLast)) > mostSymbols {
		return
	}
	for symbol, t := range m.SymbolLast {
		name := strings.ToValidUTF8(symbol, "?")
		readMoment(func(*Measures) time.Time { return t })(m, func(v float64, _ ...string) { put(v, name) })
	}
}

func reasons() []string {
	all := []ledger.Count{
		ledger.RejectedPrecision, ledger.RejectedInvalid, ledger.RejectedFuture, ledger.RejectedSymbol, ledger.RejectedSession,
		ledger.RejectedEcho, ledger.RejectedGarbage, ledger.RejectedUnknown, ledger.RejectedUnreadable,
	}
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = strings.TrimPrefix(string(c), "rejected_")
	}
	return names
}

// causes are those that end a connection or a try; "" is in the ledger's counts unreachable.
func causes() []string {
	names := []string{"unreachable"}
	for _, c := range []ledger.Cause{
		ledger.Connect, ledger.Drop, ledger.Mute, ledger.Refused, ledger.Slots, ledger.DiskFull, ledger.Overload, ledger.Shutdown,
	} {
		names = append(names, string(c))
	}
	return names
}

func states() []string {
	all := []ledger.State{ledger.Traded, ledger.Quiet, ledger.Partial, ledger.Down, ledger.Unknown}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.String()
	}
	return names
}

func standings() []string { return []string{"answering", "silent", "gone"} }
