package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

type statusCommand struct {
	fileArgument
	JSON  bool `name:"json" help:"As JSON."`
	Feeds bool `name:"feeds" help:"The feeds of news instead: which answer, how the others do not, and when they are asked next."`
}

// Run says what is recorded, what is missing and what happens next.
func (k *statusCommand) Run(ctx context.Context, c console) error {
	notes, err := consult(ctx, k.path(), k, c.out)
	fmt.Fprint(c.err, notes)
	return err
}

func (*statusCommand) name() string { return "status" }

func (k *statusCommand) ask(v url.Values) {
	if k.JSON {
		v.Set("format", "json")
	}
	if k.Feeds {
		v.Set("feeds", "yes")
	}
}

func (k *statusCommand) take(a *asked) error {
	k.JSON, k.Feeds = a.take("format") == "json", a.take("feeds") != ""
	return nil
}

func (k *statusCommand) answer(ctx context.Context, b book, out io.Writer) (string, error) {
	if k.Feeds {
		return "", k.feeds(b, out)
	}
	s, err := statusOf(ctx, b)
	if err != nil {
		return "", err
	}
	if !k.JSON {
		return "", s.table(out)
	}
	return "", indented(out, s)
}

func indented(out io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err == nil {
		_, err = out.Write(append(text, '\n'))
	}
	return err
}

// status is what there is to say of a file, as of JSON. Times are RFC 3339, UTC, sizes
// bytes.
type status struct {
	Recording *statusRecording `json:"recording"` // null: nobody records
	File      statusFile       `json:"file"`
	Disk      statusDisk       `json:"disk"`
	Holds     statusHolds      `json:"holds"`
	Session   *statusSession   `json:"session"` // the last one; null: there is none
	Backup    *statusBackup    `json:"backup"`  // null: none
	Next      string           `json:"next"`

	now time.Time
}

type statusRecording struct {
	PID    int    `json:"pid"`
	Since  string `json:"since"`
	Source string `json:"source"`
	Market string `json:"market"` // open or closed, and why
	Trades int64  `json:"trades"` // since then
}

type statusFile struct {
	Path        string `json:"path"`
	Size        int64  `json:"size"`
	Pages       int64  `json:"pages"`
	FreePages   int64  `json:"free_pages"`
	Reclaimable int64  `json:"reclaimable"` // by compact
	Format      string `json:"format"`
	Writer      string `json:"writer"`
	Copied      bool   `json:"copied"` // with something like cp, while it was recorded
}

type statusDisk struct {
	Free       int64   `json:"free"` // -1: not known
	Filesystem string  `json:"unsafe_filesystem,omitempty"`
	Growth     int64   `json:"growth_a_day"` // -1: not known yet
	DaysLeft   float64 `json:"days_left"`    // -1: not known
}

type statusHolds struct {
	Sources  []string         `json:"sources"`
	Symbols  []string         `json:"symbols"`
	Sessions int              `json:"sessions"`
	First    string           `json:"first"`
	Last     string           `json:"last"`
	Trades   int64            `json:"trades"`
	Counted  int              `json:"sessions_counted"` // the latest ones, that the rest is of
	Second   int64            `json:"candles_1s"`
	Hundred  int64            `json:"candles_100t"`
	Seconds  map[string]int64 `json:"seconds"` // by state
}

type statusSession struct {
	Date    string         `json:"date"`
	Open    string         `json:"open"`
	Close   string         `json:"close"`
	Until   string         `json:"until"` // the states are of the time before
	Symbols []statusSymbol `json:"symbols"`
}

type statusSymbol struct {
	Symbol    string  `json:"symbol"`
	Trades    int64   `json:"trades"`
	LastTrade string  `json:"last_trade"` // "" is none
	Age       float64 `json:"age"`        // of it, seconds; -1: none, or nobody records
	Covered   float64 `json:"covered"`    // 0 to 1
	Traded    int64   `json:"traded"`
	Quiet     int64   `json:"quiet"`
	Partial   int64   `json:"partial"`
	Down      int64   `json:"down"`
	Unknown   int64   `json:"unknown"`
}

type statusBackup struct {
	Path string  `json:"path"`
	Time string  `json:"time"`
	Age  float64 `json:"age"` // seconds
}

// mostFolded is how many trades are folded for a status: about a second's work. Older
// sessions are left out of what is counted by the second.
const mostFolded = 10_000_000

func statusOf(ctx context.Context, b book) (*status, error) {
	s := &status{now: b.now()}
	r := b.Read()
	all, err := r.Sessions()
	if err != nil {
		return nil, err
	}
	if err := s.file(b); err != nil {
		return nil, err
	}
	s.disk(b.Path(), all)
	if l := b.live; l != nil {
		source, trades := l.totals()
		s.Recording = &statusRecording{os.Getpid(), l.begun.UTC().Format(time.RFC3339), source, l.plan.Status(s.now), trades}
	}
	if err := s.holds(ctx, r, all); err != nil {
		return nil, err
	}
	if len(all) > 0 {
		if err := s.session(ctx, b, r, all[len(all)-1]); err != nil {
			return nil, err
		}
	}
	s.Next = s.next(b, all)
	return s, s.backup(b)
}

func (s *status) file(b book) error {
	space, err := b.Space()
	if err != nil {
		return err
	}
	format, writer, err := b.Format()
	s.File = statusFile{b.Path(), space.Size, space.Pages, space.Free, space.Reclaimable(), format, writer, b.Copied()}
	return err
}

// sessionsADay is how many there are: the exchange is open on 252 of 365 days.
func sessionsADay(all []store.Summary) float64 {
	if all[len(all)-1].Session.Hours == ledger.WholeDay {
		return 1
	}
	return 252.0 / 365
}

// growthADay is how many bytes a day what is recorded takes, weekends included, if it goes on
// like that. There has to be a session.
func growthADay(used int64, all []store.Summary) float64 {
	return float64(used) / float64(len(all)) * sessionsADay(all)
}

func (s *status) disk(path string, all []store.Summary) {
	s.Disk = statusDisk{Free: -1, Growth: -1, DaysLeft: -1, Filesystem: store.UnsafeFilesystem(filepath.Dir(path))}
	if len(all) > 0 {
		s.Disk.Growth = int64(growthADay(s.File.Size-s.File.Reclaimable, all))
	}
	free, ok := store.FreeSpace(filepath.Dir(path))
	if !ok {
		return
	}
	s.Disk.Free = free
	if s.Disk.Growth > 0 {
		s.Disk.DaysLeft = math.Floor(float64(free) / float64(s.Disk.Growth))
	}
}

func (s *status) holds(ctx context.Context, r *store.Reading, all []store.Summary) error {
	h := &s.Holds
	*h = statusHolds{Sources: []string{}, Symbols: []string{}, Sessions: len(all), Seconds: make(map[string]int64)}
	if len(all) == 0 {
		return nil
	}
	h.First, h.Last = all[0].Session.Date(), all[len(all)-1].Session.Date()
	for _, each := range slices.Backward(all) {
		h.Trades += each.Counts[ledger.Accepted]
		if source := cmp.Or(each.Source, "unknown"); !slices.Contains(h.Sources, source) {
			h.Sources = append(h.Sources, source)
		}
	}
	folded := int64(0)
	for _, each := range slices.Backward(all) {
		if folded += each.Counts[ledger.Accepted]; folded > mostFolded || each.CandlesDropped {
			break
		}
		if err := h.count(ctx, r, each); err != nil {
			return err
		}
	}
	slices.Sort(h.Symbols)
	return nil
}

// count adds the seconds of a session.
func (h *statusHolds) count(ctx context.Context, r *store.Reading, each store.Summary) error {
	a, err := wholeSession(ctx, r, each)
	if err != nil {
		return err
	}
	h.Counted++
	for _, l := range a.lines {
		if !slices.Contains(h.Symbols, l.symbol) {
			h.Symbols = append(h.Symbols, l.symbol)
		}
		for state, n := range l.seconds {
			h.Seconds[ledger.State(state).String()] += n
		}
	}
	h.Second += a.candles[each.Session][0]
	h.Hundred += a.candles[each.Session][1]
	return nil
}

// wholeSession is the account of one session, all symbols.
func wholeSession(ctx context.Context, r *store.Reading, each store.Summary) (*account, error) {
	sel := &selection{ctx: ctx, sessions: []store.Summary{each}, from: math.MinInt64, to: math.MaxInt64}
	if err := sel.chooseSymbols(r, nil); err != nil {
		return nil, err
	}
	return sel.account(r)
}

func (s *status) session(ctx context.Context, b book, r *store.Reading, last store.Summary) error {
	until, err := r.Until(last.Session)
	if err != nil {
		return err
	}
	s.Session = &statusSession{last.Session.Date(), instant(last.Session.Open), instant(last.Session.Close), instant(until), []statusSymbol{}}
	if last.Counts[ledger.Accepted] > mostFolded || last.CandlesDropped {
		return s.heard(b, r, last.Session, until)
	}
	a, err := wholeSession(ctx, r, last)
	if err != nil {
		return err
	}
	latest := b.Latest(last.Session)
	if unknown := func(l accountLine) bool { return l.size.Trades > 0 && latest[l.symbol] == 0 }; slices.ContainsFunc(a.lines, unknown) {
		seconds, err := lastSeconds(r, last.Session)
		if err != nil {
			return err
		}
		maps.Copy(seconds, latest)
		latest = seconds
	}
	for _, l := range a.lines {
		n := l.seconds
		line := statusSymbol{Symbol: l.symbol, Trades: l.size.Trades, Covered: l.covered(), Traded: n[ledger.Traded], Quiet: n[ledger.Quiet],
			Partial: n[ledger.Partial], Down: n[ledger.Down], Unknown: n[ledger.Unknown]}
		s.age(&line, latest[l.symbol])
		s.Session.Symbols = append(s.Session.Symbols, line)
	}
	return nil
}

// age says when a symbol traded last.
func (s *status) age(line *statusSymbol, t int64) {
	line.Age = -1
	if t == 0 {
		return
	}
	line.LastTrade = instant(t)
	if s.Recording != nil {
		line.Age = max(0, s.now.Sub(time.UnixMilli(t)).Seconds())
	}
}

// heard is the session of a whole market: by the ledger alone, for to fold it takes too
// long.
func (s *status) heard(b book, r *store.Reading, session ledger.Session, until int64) error {
	list, err := hearingOf(r, session)
	if err != nil {
		return err
	}
	latest := b.Latest(session)
	for _, h := range list {
		line := statusSymbol{Symbol: h.symbol, Covered: float64(h.heard) / float64(max(1, until-session.Open))}
		s.age(&line, latest[h.symbol])
		s.Session.Symbols = append(s.Session.Symbols, line)
	}
	return nil
}

// lastSeconds is the last second in which each symbol traded.
func lastSeconds(r *store.Reading, session ledger.Session) (map[string]int64, error) {
	latest := make(map[string]int64)
	for c, err := range r.Candles(session, nil, candle.Second, 0) {
		if err != nil {
			return nil, err
		}
		latest[c.Symbol] = c.Start
	}
	return latest, nil
}

// next is what happens next, in words.
func (s *status) next(b book, all []store.Summary) string {
	if l := b.live; l != nil {
		if l.run.allHours() {
			return "always open"
		}
		next := l.plan.Next(s.now)
		if next.Contains(s.now.UnixMilli()) {
			next = l.plan.Next(time.UnixMilli(next.Close))
		}
		return schedule.NextSession(s.now, next)
	}
	if len(all) > 0 && all[len(all)-1].Session.Hours == ledger.WholeDay {
		return ""
	}
	plan, err := schedule.NewPlan(ledger.Regular, "", "", schedule.Calendar{})
	if err != nil {
		return ""
	}
	return schedule.NextSession(s.now, plan.Next(s.now))
}

// backup finds the last one: what the file remembers, or what lies where they usually do.
func (s *status) backup(b book) error {
	at, path, ok, err := b.LastBackup()
	if err != nil {
		return err
	}
	usual := backupPath(b.Path())
	if info, err := os.Stat(usual); err == nil && (!ok || info.ModTime().UnixMilli() > at && path != usual) {
		at, path, ok = info.ModTime().UnixMilli(), usual, true
	}
	if ok {
		s.Backup = &statusBackup{path, instant(at), max(0, s.now.Sub(time.UnixMilli(at)).Seconds())}
	}
	return nil
}
