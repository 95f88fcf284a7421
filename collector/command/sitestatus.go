package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// siteStatus is what the page is told each second. Times are Unix ms of the feed's clock,
// null where there is none.
type siteStatus struct {
	Now       int64   `json:"now"`
	Speed     float64 `json:"speed"` // of that clock; 0: it stands still
	Mode      string  `json:"mode"`  // recording or viewing
	Simulated bool    `json:"simulated"`
	Source    string  `json:"source"`
	Version   string  `json:"version"`
	File      string  `json:"file"`
	Login     bool    `json:"login"` // a token is wanted, so that one can log out

	State  string `json:"state"`
	Level  string `json:"level"`
	Words  string `json:"words"`
	Reason string `json:"reason"`

	Market      siteMarket       `json:"market"`
	Session     *siteSession     `json:"session"`
	Symbols     []siteSymbol     `json:"symbols"`
	SymbolCount int              `json:"symbol_count"`
	Numbers     siteNumbers      `json:"numbers"`
	Feed        *siteFeed        `json:"feed"`
	Disconnects []siteDisconnect `json:"disconnects"`
	Disk        siteDisk         `json:"disk"`
	Backup      *siteBackup      `json:"backup"`
	Feeds       *siteFeeds       `json:"feeds"`
}

type siteMarket struct {
	Words  string `json:"words"`
	Always bool   `json:"always"`
	Open   bool   `json:"open"`
	Opens  *int64 `json:"opens"`
	Closes *int64 `json:"closes"`
	Next   string `json:"next"`
	Ahead  string `json:"ahead"`
}

type siteSession struct {
	Date    string `json:"date"`
	Open    int64  `json:"open"`
	Close   int64  `json:"close"`
	Until   int64  `json:"until"`
	Running bool   `json:"running"`
}

type siteNumbers struct {
	Trades     int64   `json:"trades"`
	Rate       float64 `json:"rate"`
	Late       int64   `json:"late"`
	Rejected   int64   `json:"rejected"` // without echoes
	Echoes     int64   `json:"echoes"`
	Reconnects int64   `json:"reconnects"`
	Lost       int64   `json:"lost"`
	LagP50     *int64  `json:"lag_p50"` // ms
	LagP99     *int64  `json:"lag_p99"`
}

type siteFeed struct {
	ConnectedSince *int64   `json:"connected_since"`
	LastSign       *int64   `json:"last_sign"`
	Canary         string   `json:"canary"`
	CanaryRate     *float64 `json:"canary_rate"`
	CanaryWords    string   `json:"canary_words"`
	NextTry        *int64   `json:"next_try"`
}

type siteDisconnect struct {
	Time   int64   `json:"time"`
	Cause  string  `json:"cause"`
	Words  string  `json:"words"`
	Lasted float64 `json:"lasted"` // seconds
	Trades int64   `json:"trades"`
}

type siteDisk struct {
	FileBytes   int64    `json:"file_bytes"`
	FreeBytes   *int64   `json:"free_bytes"`
	GrowthBytes *int64   `json:"growth_bytes"` // a day
	DaysLeft    *float64 `json:"days_left"`
	Full        bool     `json:"full"`
}

type siteBackup struct {
	Time int64  `json:"time"`
	Path string `json:"path"`
}

type siteFeeds struct {
	Answering int   `json:"answering"`
	Silent    int   `json:"silent"`
	Headlines int64 `json:"headlines"`
}

// some is a number that there is, nil for 0.
func some[T int64 | float64](n T) *T {
	if n == 0 {
		return nil
	}
	return &n
}

// known is a number, nil for a negative one.
func known[T int64 | float64](n T) *T {
	if n < 0 {
		return nil
	}
	return &n
}

// lastSession is the one that the page begins with.
func (s *site) lastSession() (last store.Summary, ok bool, err error) {
	all, err := s.file.Sessions()
	if err != nil || len(all) == 0 {
		return last, false, err
	}
	return all[len(all)-1], true, nil
}

// status looks at everything, but for the numbers of the session, which it is handed; they may
// be nil.
func (s *site) status(count func(store.Summary) (*numbers, error)) (*siteStatus, error) {
	b := s.book()
	now := b.now()
	is := &siteStatus{Now: now.UnixMilli(), Mode: "viewing", Version: version(), File: b.Path(), Login: s.login,
		State: "viewing", Level: "idle", Words: "Nobody records into this file; what is in it is shown.", Disconnects: []siteDisconnect{}, Symbols: []siteSymbol{}}
	all, err := b.Sessions()
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		if err := s.session(is, all[len(all)-1], count); err != nil {
			return nil, err
		}
	}
	if err := s.disk(is, all); err != nil {
		return nil, err
	}
	if err := s.saved(is); err != nil {
		return nil, err
	}
	if s.live == nil {
		// What would be recorded next is not of this file.
		is.Market.Words = "not asked for: a stopped file is viewed"
		return is, nil
	}
	s.recording(is, now)
	is.Simulated = simulated(is.Source)
	return is, nil
}

// session fills in the last session on file.
func (s *site) session(is *siteStatus, last store.Summary, count func(store.Summary) (*numbers, error)) error {
	n, err := count(last)
	if err != nil {
		return err
	}
	c, of := last.Counts, last.Session
	is.Session = &siteSession{of.Date(), of.Open, of.Close, of.Close, s.live != nil && is.Now < of.Close}
	if is.Session.Running {
		is.Session.Until = is.Now
	}
	if n != nil {
		is.Session.Until, is.Symbols, is.SymbolCount = n.until, n.symbols, n.count
	}
	is.Source, is.Simulated = last.Source, simulated(last.Source)
	is.Numbers = siteNumbers{Trades: c[ledger.Accepted], Late: c[ledger.Late], Echoes: c[ledger.RejectedEcho], Reconnects: c[ledger.Reconnects], Lost: c[ledger.Lost]}
	for name, n := range c {
		if strings.HasPrefix(string(name), "rejected_") && name != ledger.RejectedEcho {
			is.Numbers.Rejected += n
		}
	}
	if half, ok := c.LagQuantile(0.5); ok {
		most, _ := c.LagQuantile(0.99)
		most = min(most, max(c[ledger.LagMost], 0))
		is.Numbers.LagP50, is.Numbers.LagP99 = &half, &most
	}
	return nil
}

// recording fills in what the recorder is doing.
func (s *site) recording(is *siteStatus, now time.Time) {
	v, a := s.live.judge(), s.live.activity()
	is.Mode, is.State, is.Level, is.Words, is.Reason = "recording", v.state, v.level, v.words, v.reason
	source, trades := s.live.totals()
	is.Source, is.Speed = source, s.live.speed()
	m := s.live.market(now)
	is.Market = siteMarket{Words: m.words, Always: m.always, Open: m.open, Next: m.next, Ahead: m.ahead}
	if !m.always {
		is.Market.Opens, is.Market.Closes = some(m.opens), some(m.closes)
	}
	rate, canaryRate := s.pace.note(time.Now(), now.UnixMilli(), trades, a.CanaryTrades)
	is.Numbers.Rate = rate
	is.Feed = &siteFeed{ConnectedSince: some(a.Connected), LastSign: some(a.Sign), Canary: a.Canary, CanaryWords: canaryWords(a), NextTry: some(a.NextTry)}
	if a.Canary != "" {
		is.Feed.CanaryRate = &canaryRate
	}
	for _, d := range a.Disconnects {
		cause := string(d.Cause)
		if cause == "" {
			cause = "unreachable"
		}
		words := d.Words
		if d.Tries > 1 {
			words += fmt.Sprintf(". The last of %d tries since %s", d.Tries, clockTime(d.Since))
		}
		is.Disconnects = append(is.Disconnects, siteDisconnect{d.At, cause, words, d.Lasted.Seconds(), d.Trades})
	}
	is.Disk.Full = a.Full
}

func canaryWords(a collector.Activity) string {
	switch {
	case a.Canary == "":
		return "No canary: a quiet feed cannot be told from a dead one for five minutes."
	case a.CanaryHeard == 0:
		return a.Canary + " has not been heard yet."
	}
	return a.Canary + " tells a quiet feed from a dead one; it is not recorded."
}

func (s *site) disk(is *siteStatus, all []store.Summary) error {
	var of status
	if err := of.file(s.book()); err != nil {
		return err
	}
	of.disk(s.file.Path(), all)
	is.Disk = siteDisk{FileBytes: of.File.Size, FreeBytes: known(of.Disk.Free), GrowthBytes: known(of.Disk.Growth), DaysLeft: known(of.Disk.DaysLeft)}
	return nil
}

// saved fills in the backup and the news.
func (s *site) saved(is *siteStatus) error {
	of := status{now: s.book().now()}
	if err := of.backup(s.book()); err != nil {
		return err
	}
	if b := of.Backup; b != nil {
		if at, err := time.Parse(time.RFC3339Nano, b.Time); err == nil {
			is.Backup = &siteBackup{at.UnixMilli(), b.Path}
		}
	}
	feeds, headlines, err := s.feedsStanding()
	if err != nil || feeds == nil {
		return err
	}
	is.Feeds = &siteFeeds{feeds["answering"], feeds["silent"] + feeds["gone"], headlines}
	return nil
}

// feedsStanding counts the feeds of news by how they stand; nil when there are none.
func (s *site) feedsStanding() (n map[string]int, headlines int64, err error) {
	list, err := s.file.Feeds()
	if err != nil || len(list) == 0 {
		return nil, 0, err
	}
	n = map[string]int{"answering": 0, "silent": 0, "gone": 0}
	for i := range list {
		headlines += list[i].Articles
		if !list[i].Left {
			n[standingWords[standing(&list[i])]]++
		}
	}
	return n, headlines, nil
}

var standingWords = [...]string{feedSilent: "silent", feedRetired: "gone", feedAnswers: "answering"}

// statusEvent is the status as an event; what is wrong with the file is said in its place.
func (s *site) statusEvent(ctx context.Context) []byte {
	is, err := s.status(func(last store.Summary) (*numbers, error) {
		if s.live == nil {
			return s.numbers.of(ctx, s.book(), last) // they do not change
		}
		return s.numbers.last(last.Session), nil
	})
	if err != nil {
		is = &siteStatus{Now: s.book().now().UnixMilli(), Mode: "recording", Version: version(), File: s.file.Path(), State: "broken", Level: "bad",
			Words: "The file cannot be read.", Reason: err.Error(), Disconnects: []siteDisconnect{}, Symbols: []siteSymbol{}}
	}
	text, err := json.Marshal(is)
	if err != nil {
		return []byte("{}") // numbers that JSON has not: there are none
	}
	return text
}

// statusRows is the status as one flat row, with the names that a metric would have.
func (s *site) statusRows(ctx context.Context, v url.Values, out io.Writer) (url.Values, error) {
	a := siteAsked(v)
	if err := a.leftover(); err != nil {
		return nil, err
	}
	is, err := s.status(func(last store.Summary) (*numbers, error) { return s.numbers.of(ctx, s.book(), last) })
	if err != nil {
		return nil, err
	}
	row := map[string]any{
		"time": instant(is.Now), "mode": is.Mode, "state": is.State, "ok": s.health().OK, "words": is.Words, "reason": is.Reason, "source": is.Source,
		"simulated": is.Simulated, "version": is.Version, "market": is.Market.Words, "market_open": is.Market.Open, "opens": instantOf(is.Market.Opens), "closes": instantOf(is.Market.Closes),
		"next": is.Market.Next, "symbols": is.SymbolCount, "late": is.Numbers.Late, "rejected": is.Numbers.Rejected, "echoes": is.Numbers.Echoes, "reconnects": is.Numbers.Reconnects,
		"lost": is.Numbers.Lost, "trades": is.Numbers.Trades, "rate": is.Numbers.Rate, "lag_p50_ms": is.Numbers.LagP50, "lag_p99_ms": is.Numbers.LagP99,
		"file": filepath.Base(is.File), "file_bytes": is.Disk.FileBytes, "free_bytes": is.Disk.FreeBytes, "days_left": is.Disk.DaysLeft, "disk_full": is.Disk.Full,
		"session": nil, "connected_since": nil, "last_sign": nil, "backup_time": nil,
	}
	for state, seconds := range tallyOf(is.Symbols) {
		row[ledger.State(state).String()] = seconds
	}
	if is.Session != nil {
		row["session"] = is.Session.Date
	}
	if is.Feed != nil {
		row["connected_since"], row["last_sign"] = instantOf(is.Feed.ConnectedSince), instantOf(is.Feed.LastSign)
	}
	if is.Backup != nil {
		row["backup_time"] = instant(is.Backup.Time)
	}
	return nil, json.NewEncoder(out).Encode(row)
}

// instantOf is a time as the exports have it, nil for none.
func instantOf(ms *int64) any {
	if ms == nil {
		return nil
	}
	return instant(*ms)
}

// market is how it stands with the market, as a recorder sees it.
type market struct {
	words, next, ahead string
	always, open       bool
	opens, closes      int64 // of the session that runs, closes; of the next one, opens
	begun              int64
}

// market asks the plan.
func (l *live) market(now time.Time) market {
	if l.run.allHours() {
		return market{words: "OPEN (always)", next: "It never closes", always: true, open: true}
	}
	next := l.plan.Next(now)
	m := market{words: l.plan.Status(now), ahead: l.plan.Ahead(now), open: next.Contains(now.UnixMilli())}
	if m.open {
		m.begun, m.closes = next.Open, next.Close
		next = l.plan.Next(time.UnixMilli(next.Close))
	}
	m.opens, m.next = next.Open, schedule.NextSession(now, next)
	return m
}
