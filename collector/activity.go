package collector

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tapedeck/collector/ledger"
)

// mostDisconnects is how many ended connections are remembered for those who look.
const mostDisconnects = 20

// refusalsForgotten is how long a connection must live, event time, for the key to count as
// taken although nothing has traded.
const refusalsForgotten = time.Minute

// Activity is what a recorder is doing at a moment. Times are event time, Unix ms; 0 is
// never, or not now.
type Activity struct {
	// Session is what is being recorded, from Joined on; Joined 0 is nothing. With
	// Options.AllHours it has no ends.
	Session ledger.Session
	Joined  int64
	// Connected is when the connection that lives subscribed, Dropped when the last one ended.
	Connected, Dropped int64
	// Sign is the last sign of life of any connection: a fresh trade, of the canary too.
	Sign int64
	// Silence is how long none may be missing at this time of the day before the connection is
	// taken for dead, counted from RegularFrom on, the start of the regular hours, in them.
	Silence     time.Duration
	RegularFrom int64
	// NextTry is when it is dialled again while nobody is connected.
	NextTry int64
	// Refusals is how many tries in a row were refused for the key, Refusal the last of them
	// in words.
	Refusals int
	Refusal  string
	// RefusedAtStart says that the last of them was the try of a start while the market is
	// closed.
	RefusedAtStart bool
	// Canary is its symbol, "" when there is none or it was refused; CanaryHeard when it was
	// last heard, and CanaryTrades how often since the start.
	Canary       string
	CanaryHeard  int64
	CanaryTrades int64
	// Full says that the tape found no room at its last commit, Fits that it had room: before
	// the first commit since the start neither is known.
	Full, Fits bool
	// Disconnects are the connections and tries that ended, the last one first, at most 20.
	Disconnects []Disconnect
}

// Disconnect is a connection that ended, or tries in a row that ended alike.
type Disconnect struct {
	At     int64         // event time, of the last try
	Cause  ledger.Cause  // "" when nothing new can be said
	Words  string        // as it was logged
	Lasted time.Duration // event time; 0 of tries
	Trades int64
	Tries  int   // 0 of a connection
	Since  int64 // event time, of the first try
}

// activity is that of a recorder as its goroutines note it.
type activity struct {
	sign, canary  atomic.Int64 // event time
	songs         atomic.Int64
	canaryRefused atomic.Bool

	mu          sync.Mutex
	session     ledger.Session
	joined      int64
	connected   int64
	dropped     int64
	nextTry     int64
	refusals    int
	refusal     string
	refusedAt   int64
	atStart     bool
	disconnects []Disconnect // the last one last
	counts      ledger.Counts
	lagSum      int64 // ms
}

// Activity is what the recorder is doing now. It does not block, and may be called from any
// goroutine.
func (r *Recorder) Activity() Activity {
	a, now := &r.activity, r.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	is := Activity{
		Session: a.session, Joined: a.joined, Connected: a.connected, Dropped: a.dropped, Sign: a.sign.Load(), NextTry: a.nextTry,
		Refusals: a.refusals, Refusal: a.refusal, Canary: r.o.Canary, CanaryHeard: a.canary.Load(), CanaryTrades: a.songs.Load(),
		RefusedAtStart: a.atStart, Full: r.full.Load(), Fits: r.fits.Load(), Disconnects: slices.Clone(a.disconnects),
	}
	slices.Reverse(is.Disconnects)
	if a.canaryRefused.Load() {
		is.Canary = ""
	}
	if is.Sign > a.refusedAt || a.connected > 0 && now-a.connected > refusalsForgotten.Milliseconds() {
		is.Refusals, is.Refusal, is.RefusedAtStart = 0, "", false
	}
	from, regular := regularFrom(a.session, now)
	if regular {
		is.RegularFrom = from
	}
	is.Silence = silenceLimit(is.Canary != "" && r.canaryKnown.Load(), regular, 0)
	return is
}

// Counts are what was counted since the start, all sessions together, up to the last ten
// seconds; lagSum is the sum of the lags that are among them, in ms. It does not block, and
// may be called from any goroutine.
func (r *Recorder) Counts() (counts ledger.Counts, lagSum int64) {
	r.activity.mu.Lock()
	defer r.activity.mu.Unlock()
	return maps.Clone(r.activity.counts), r.activity.lagSum
}

func (a *activity) count(c ledger.Counts, lagSum int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = ledger.Counts{}
	}
	for name, n := range c {
		a.counts.Add(name, n)
	}
	a.lagSum += lagSum
}

func (a *activity) join(s ledger.Session, now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.session, a.joined, a.nextTry = s, now, 0
}

func (a *activity) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.joined, a.nextTry = 0, 0
}

func (a *activity) connect(now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.connected, a.nextTry = now, 0
}

func (a *activity) disconnect(now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now-a.connected > refusalsForgotten.Milliseconds() {
		a.refusals = 0
	}
	a.connected, a.dropped = 0, now
}

// tried notes how a connection, or a try, ended, and when the next one is.
func (a *activity) tried(o outcome, words string, now, next int64) {
	a.refuse(o.err, now, false)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nextTry = next
	d := Disconnect{At: now, Cause: o.cause, Words: words, Lasted: o.lasted, Trades: o.trades, Since: now}
	if !o.connected {
		d.Tries = 1
	}
	if n := len(a.disconnects); n > 0 && d.Tries > 0 && a.disconnects[n-1].Tries > 0 && a.disconnects[n-1].Cause == d.Cause {
		d.Tries, d.Since = a.disconnects[n-1].Tries+1, a.disconnects[n-1].Since
		a.disconnects = a.disconnects[:n-1]
	}
	if len(a.disconnects) == mostDisconnects {
		a.disconnects = slices.Delete(a.disconnects, 0, 1)
	}
	a.disconnects = append(a.disconnects, d)
}

// refuse notes a key that was refused, atStart while the market is closed; any other error
// changes nothing.
func (a *activity) refuse(err error, now int64, atStart bool) {
	if refusal(err) != "key" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sign.Load() > a.refusedAt {
		a.refusals = 0
	}
	a.refusals++
	a.refusedAt, a.refusal, a.atStart = now, err.Error(), atStart
}
