// Package collector is the recorder: session after session it stays connected
// to a feed until the close, hands every trade to the tape, and keeps the ledger
// of what was listened to. It knows the feed, the tape and the plan only by the
// interfaces it declares.
package collector

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

// Conn is one authorised connection to a feed. One goroutine reads at a time; the
// other methods may be called from any, meanwhile.
type Conn interface {
	// Subscribe asks for the trades of the symbols and blocks until that is written.
	Subscribe(ctx context.Context, symbols []string) error
	// Read blocks for one frame. With ledger.Accepted it has set *t (but not
	// Received and Echo), another Count says why the frame is no trade, and ""
	// is a frame that counts for nothing. An error ends the connection, as does
	// the end of ctx.
	Read(ctx context.Context, t *candle.Trade) (ledger.Count, error)
	// Ping blocks until the pong has come, which needs somebody to read, or
	// until ctx ends.
	Ping(ctx context.Context) error
	// Close ends the connection politely, within 200 ms, and wakes Read.
	Close(reason string) error
	// CloseNow ends it at once and wakes Read and Ping. It may be called again.
	CloseNow() error
}

// Feed dials and authorises. It is bounded by itself and ends early with ctx,
// which has no hold on the Conn afterwards. Its errors may say more, found with
// errors.As: Refusal() string (slots, key, or another word for what the server
// would not have) and RetryAfter() (time.Duration, bool).
type Feed func(ctx context.Context) (Conn, error)

// Tape is where the trades and the ledger go. Begin, Append, Enter and Count are
// called by one goroutine at a time; the others by others meanwhile. What they keep of
// the slices they are handed, they copy.
type Tape interface {
	// Last is the session on the tape that was begun last, false when there is none.
	Last() (ledger.Session, bool, error)
	// Begin says that a recorder joins the session at event time now (Unix ms),
	// so that what an earlier one left open can be accounted for. It may block.
	Begin(s ledger.Session, now int64) error
	// Append stages trades in memory. What it leaves out it returns, counted by
	// reason (nil is nothing): suspected echoes (Trade.Echo) that are recorded already,
	// and what it does not take any more.
	Append(s ledger.Session, trades []candle.Trade) (left ledger.Counts, err error)
	// Enter stages ledger entries: settled are final, open take the place of the
	// open ones of the call before.
	Enter(s ledger.Session, settled, open []ledger.Span)
	// Count stages increments.
	Count(s ledger.Session, c ledger.Counts)
	// Staged is how many bytes wait for Commit.
	Staged() int
	// Commit makes all that is staged durable, in one transaction, and blocks
	// for it. After an error with Full() true (disk full) all is still staged,
	// and it may be called again; every other error is final.
	Commit() error
	// Unsealed is how many bytes of a session have been committed and not sealed.
	// It does not block.
	Unsealed(s ledger.Session) int64
	// Unfinished are the sessions that have something to seal.
	Unfinished() ([]ledger.Session, error)
	// Seal brings what is committed of a session into its lasting form; ended says
	// that the session is over. It may take a minute, and ends early with ctx. After
	// an error with Full() true it is worth calling again.
	Seal(ctx context.Context, s ledger.Session, ended bool) error
}

// Plan is when there are sessions, and the words for it. It may change its mind: it is
// asked again at least once a minute. It is called by one goroutine.
type Plan interface {
	// Next is the session that contains t, else the next one.
	Next(t time.Time) ledger.Session
	// Status is whether the market is open at t and, when it is not, why: "CLOSED
	// (Weekend)".
	Status(t time.Time) string
	// Ahead are the holidays and early closes of the week from t; "" is none.
	Ahead(t time.Time) string
}

// Options say what is recorded and how. Durations are event time, except for
// CommitEvery.
type Options struct {
	// Symbols are bare, upper case, without repeats, and at least one.
	Symbols []string
	// Stated says that the clock of the feed is known: the real feed, or a
	// playback server that states it. Without it nothing is said of the time
	// before the first and after the last trade.
	Stated bool
	// AllHours records UTC days that touch, and asks no plan. When Stated (crypto)
	// a day is recorded while it lasts and for CloseGrace; else (with
	// --skip-market-hours) a trade of any day is taken at any time.
	AllHours bool
	// Canary is a liquid symbol that tells a quiet feed from a dead one. It is
	// subscribed to, beside Symbols, and not recorded. "" is none.
	Canary string
	// Preflight tries the key once, when the start is more than five minutes before
	// an open.
	Preflight bool
	// OpenLead is how long before the open to connect, CloseGrace how long after
	// the close to go on listening. 0 is not at all.
	OpenLead, CloseGrace time.Duration
	// CommitEvery is wall time: the longest that an accepted trade waits for
	// Commit to be called. 0 is a second.
	CommitEvery time.Duration
	// Clock is the clock of the feed; nil is the wall clock.
	Clock schedule.Clock
	// Log is where events go; nil is nowhere.
	Log *slog.Logger
	// Logged, if not nil, says how many lines of the log were written, and how many
	// events folded, so far: they are statistics of the session.
	Logged func() (written, folded int64)
	// Sealed is called, if not nil, when a session that is over has been sealed, by a
	// goroutine that does nothing else. It should end early with ctx.
	Sealed func(ctx context.Context, s ledger.Session)
}

// Recorder records one feed. Make one with New. Run is called once; Totals at
// any time from any goroutine.
type Recorder struct {
	feed  Feed
	tape  Tape
	plan  Plan
	o     Options
	log   *slog.Logger
	all   *ledger.Symbols
	in    *intake
	seal  *seals
	begun time.Time // wall time, what life counts from

	trades      atomic.Int64
	latest      atomic.Int64
	full        atomic.Bool  // the tape found no room at its last commit
	fulls       atomic.Int64 // how often that has begun
	fits        atomic.Bool  // the last commit since the start went through
	beats       atomic.Int64
	canaryKnown atomic.Bool  // the feed has sent it: so it is no symbol that the feed does not know
	commit      atomic.Int64 // the number of the one that runs; 0: none
	activity    activity
}

// New makes a recorder. It starts nothing. plan may be nil with AllHours.
func New(feed Feed, tape Tape, plan Plan, o Options) *Recorder {
	if o.CommitEvery <= 0 {
		o.CommitEvery = time.Second
	}
	if o.Clock == nil {
		o.Clock = Clock{}
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{feed: feed, tape: tape, plan: plan, o: o, log: log,
		all: ledger.NewSymbols(o.Symbols...), in: newIntake(tape.Staged)}
	r.seal = newSeals(r)
	r.begun = wall().Add(-time.Second)
	return r
}

// Totals are the trades recorded so far and the greatest of their times, Unix
// milliseconds, 0 before the first. It does not block.
func (r *Recorder) Totals() (trades, t int64) {
	return r.trades.Load(), r.latest.Load()
}

// Beats is how often the recording loop has gone round, which it does at least once a
// minute, and the number of the commit that runs, 0 when none does: for a watchdog. A tape
// that finds no room ends its commits with an error, and is alive. It does not block.
func (r *Recorder) Beats() (rounds, commit int64) { return r.beats.Load(), r.commit.Load() }

// Run records until ctx ends, and then returns within 300 ms of it and the tape's
// last commit; that is nil unless this commit failed. Any other error is the
// tape's, wrapped: it cannot be written any more.
func (r *Recorder) Run(ctx context.Context) error {
	if err := r.accountForAbsence(); err != nil {
		return fmt.Errorf("recording to the tape: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	kept := make(chan error, 1)
	var sealing sync.WaitGroup
	defer sealing.Wait() // after stop
	defer stop()
	sealing.Go(func() { r.seal.run(ctx) })
	go func() {
		defer stop()
		defer r.in.abandon()
		kept <- newKeeper(r).run(ctx)
	}()
	r.sessions(ctx)
	r.in.mark(mark{kind: stopped, now: r.now()})
	if err := <-kept; err != nil {
		return fmt.Errorf("recording to the tape: %w", err)
	}
	return nil
}

// sessions goes from one session to the next until ctx ends.
func (r *Recorder) sessions(ctx context.Context) {
	if r.o.AllHours {
		s := ledger.Session{Hours: ledger.WholeDay, Open: math.MinInt64, Close: math.MaxInt64, Stated: r.o.Stated}
		r.record(ctx, s)
		return
	}
	r.preflight(ctx)
	w := waiting{log: r.log, plan: r.plan, lead: r.o.OpenLead}
	schedule.Loop{
		Clock: r.o.Clock, Next: r.plan.Next, Lead: r.o.OpenLead, Closed: w.look,
		Session: func(ctx context.Context, s ledger.Session) {
			w.begun, s.Stated = true, r.o.Stated
			r.record(ctx, s)
		},
	}.Run(ctx)
}

// record stays connected until the session has closed or ctx ends.
func (r *Recorder) record(ctx context.Context, s ledger.Session) {
	r.log.Info("Market Open - Connecting...")
	r.in.mark(mark{kind: joined, now: r.now(), session: s})
	var b backoff
	in := inSession{session: s, joined: r.now()}
	r.activity.join(s, in.joined)
	defer r.activity.leave()
	over := false
	for ctx.Err() == nil && r.runs(s) {
		o := r.stream(ctx, s, &in)
		switch {
		case o.fresh > 0:
			in.barren = 0
		case o.connected:
			in.barren++
		}
		if over = o.over; over || ctx.Err() != nil {
			break
		}
		pause := b.next(o)
		r.in.count(ledger.Disconnects(o.cause), 1)
		until := min(r.now()+pause.Milliseconds(), s.Close)
		r.activity.tried(o, r.report(o, &in, pause), r.now(), until)
		for r.now() < until && r.waitEvent(ctx, until) {
		}
		r.in.awaitRoom(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	switch {
	case !r.stands(s):
		r.log.Warn("The plan has changed: the session of " + s.Date() + " is not what it was")
	case !over:
		r.log.Warn("Market closed while not connected")
	}
	r.in.mark(mark{kind: left, now: r.now()})
}

// runs says whether there is something to record of the session yet, by the plan.
func (r *Recorder) runs(s ledger.Session) bool { return r.now() < s.Close && r.stands(s) }

// stands says whether the plan still has the session as it was begun. When it is over
// it stands for ever.
func (r *Recorder) stands(s ledger.Session) bool {
	now := r.o.Clock.Now()
	if r.o.AllHours || now.UnixMilli() >= s.Close {
		return true
	}
	next := r.plan.Next(now)
	return next.Open == s.Open && next.Close == s.Close
}
