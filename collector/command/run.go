package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/collector/logs"
	"tapedeck/store"
)

type runCommand struct {
	database
	APIKey     key        `name:"api-key" env:"TAPEDECK_API_KEY,EODHD_API_KEY,EODHD_API_TOKEN" help:"EODHD API key." placeholder:"KEY"`
	APIKeyFile string     `name:"api-key-file" env:"TAPEDECK_API_KEY_FILE,EODHD_API_KEY_FILE" help:"A file that holds the key." placeholder:"FILE"`
	Symbols    symbolList `name:"symbols" aliases:"symbol" env:"TAPEDECK_SYMBOLS,TAPEDECK_SYMBOL,SYMBOLS" default:"QLD" help:"Symbols to record: A,B or @FILE (default QLD)." placeholder:"QLD,SPY"`
	FeedURL    string     `name:"feed-url" help:"Another server than EODHD's: ws://HOST:PORT." placeholder:"URL"`
	AllHours   bool       `name:"skip-market-hours" help:"Record whatever arrives, whenever, whatever its time."`
	marketHours
	Canary      string `name:"canary" default:"auto" help:"A liquid symbol that tells a quiet feed from a dead one; it is not recorded. auto is QQQ for us with a key of your own, unless it is recorded; \"\" is none (default auto)." placeholder:"auto"`
	Preflight   bool   `name:"preflight" default:"true" negatable:"" help:"Try the key at a start while the market is closed (default yes)."`
	CommitEvery span   `name:"commit-every" default:"1s" help:"A trade is on disk within this time (default 1s)." placeholder:"1s"`
	retention
	AfterClose  exports  `name:"after-close" help:"After each session write these beside the file, as exports/2026-11-20/1s.csv: WHAT.csv, .jsonl or .parquet, .gz and .zst packed." placeholder:"1s.csv 100t.csv"`
	Backup      bool     `name:"backup" default:"true" negatable:"" help:"After each session write backup/NAME beside the file: a verified copy that may be copied with anything (default yes)."`
	KeepBackups int      `name:"keep-backups" default:"1" help:"How many of them there are to be: NAME, NAME.1 ... (default 1)." placeholder:"1"`
	MaxSize     byteSize `name:"max-size" default:"0" help:"The file grows to at most this; then it is as with a full disk (default no limit)." placeholder:"5GB"`
	newsFlags
	pageFlags
	alertFlags
	LogFormat string `name:"log-format" env:"TAPEDECK_LOG_FORMAT,LOG_FORMAT" enum:"text,json,auto" default:"auto" help:"text, json or auto (default auto)." placeholder:"text|json|auto"`
	Verbose   bool   `name:"verbose" short:"v" help:"Say more."`

	says   string // what the feed says it plays
	memory string // how much of it there is, in words
}

// Run records until it is told to stop.
func (r *runCommand) Run(ctx context.Context, c console) error {
	if err := r.findKey(); err != nil {
		return err
	}
	if err := r.checkURL(); err != nil {
		return err
	}
	if err := r.alertFlags.find(); err != nil {
		return err
	}
	if r.KeepBackups < 1 {
		return &usage{problem: fmt.Sprintf("--keep-backups %d keeps none; right is for example --keep-backups 7, or --no-backup", r.KeepBackups)}
	}
	r.memory = memoryLimit()
	kept := new(logs.Tail)
	log, folder := newLog(c.out, r.logsJSON(), r.Verbose, kept)
	defer func() { folder.Flush(); _ = kept.Close() }()
	if err := needVolume(r.path(), log); err != nil {
		return err
	}
	if err := r.newsFlags.find(log); err != nil {
		return err
	}
	plan, err := r.plan(r.AllHours, log)
	if err != nil {
		return err
	}
	feed := eodhd.Options{URL: r.FeedURL, Token: eodhd.Token(r.APIKey), Market: eodhd.Market(r.Market)}
	if r.FeedURL != "" && feed.Token == "" {
		feed.Token = "tapedeck" // a playback server takes any key but none
	}
	page, err := r.openPage(ctx, os.Getenv("PORT"), log)
	if err != nil {
		return err
	}
	defer page.close()
	before := store.Holder(r.path()).Socket
	file, err := openWaiting(ctx, r.path(), store.Options{Command: "tapedeck run", Source: r.source(), Version: version(), MaxSize: int64(r.MaxSize)}, log)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while it waited
		}
		return err
	}
	if err := kept.Begin(eventsPath(file.Path())); err != nil {
		log.Warn(fmt.Sprintf("The last events are not kept: %v", err))
	}
	recording := &live{file: file, plan: plan, begun: time.Now(), run: r, source: r.source(), clock: collector.Clock{}, logged: folder.Counts, page: page.address}
	err = r.record(ctx, c, recording, page, before, feed, log)
	var hung *hang
	if errors.As(err, &hung) {
		return err // what hangs may hold the file: the end of the process lets go of it
	}
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}

// logsJSON says whether a machine reads the log.
func (r *runCommand) logsJSON() bool {
	return r.LogFormat == "json" || r.LogFormat == "auto" && platform()
}

// allHours says whether there is no plan to follow.
func (r *runCommand) allHours() bool { return r.AllHours || r.Market == "crypto" }

// record records, and answers beside it. before is the socket of the recorder before.
func (r *runCommand) record(ctx context.Context, c console, l *live, page *openPage, before string, feed eodhd.Options, log *slog.Logger) (err error) {
	file, plan := l.file, l.plan
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer func() {
		stop()
		var hung *hang
		if !errors.As(err, &hung) {
			beside.Wait()
		}
	}()
	l.answer(ctx, before, log, &beside)
	site := newSite(file, l, log)
	site.dropSnapshot() // what a killed one left
	defer site.dropSnapshot()
	page.show(site)
	beside.Go(func() { site.tell(ctx) })
	r.alert(ctx, newAlarms(l, r, reportHang(file.Path(), log)), log, &beside)
	o := collector.Options{
		Symbols: r.Symbols, Stated: !r.AllHours, AllHours: r.allHours(), Clock: collector.Clock{},
		OpenLead: time.Duration(r.OpenLead), CloseGrace: time.Duration(r.CloseGrace),
		CommitEvery: time.Duration(r.CommitEvery), Log: log, Logged: l.logged, Canary: r.canary(), Preflight: r.Preflight,
	}
	if r.FeedURL != "" {
		told := false
		says, err := askFeed(ctx, feed, func(err error) {
			if !told {
				log.Warn(fmt.Sprintf("The feed does not answer yet: %v. Trying each second", err))
				told = true
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		o.Clock, o.Stated = says.clock, o.Stated && says.clock.Speed > 0
		if says.source != "" {
			r.says = says.source
			file.SetSource(says.source)
		}
	}
	r.introduce(c, file, plan, page, o.Clock.Now(), log)
	if poller := r.poller(file, plan, r.Symbols, log); poller != nil {
		beside.Go(func() { collectNews(ctx, poller, log) })
	}
	return r.keep(ctx, l, feedOf(feed), timedTape{file, site.metrics.ObserveCommit}, o, &beside)
}

// keep records what a feed sends onto a tape of the file, and does the jobs beside it,
// until ctx ends. o.Log is where it is logged.
func (r *runCommand) keep(ctx context.Context, l *live, feed collector.Feed, tape collector.Tape, o collector.Options, beside *sync.WaitGroup) error {
	jobs := r.jobs(l.file, o.Clock, &l.failed, o.Log)
	o.Sealed = func(ctx context.Context, s ledger.Session) {
		o.Log.Info(fmt.Sprintf("Session %s is sealed: %s", s.Date(), outcomeOf(ctx, l.file, s)))
		jobs.Wake()
	}
	beside.Go(func() { jobs.Run(ctx) })
	recorder := collector.New(feed, tape, l.plan, o)
	l.begin(recorder, r.source(), o.Clock)
	service := newService(l, o.Log)
	defer service.stopping()
	return watched(ctx, recorder, l.file.Path(), &l.still, service.tell, o.Log)
}

// canary is the symbol that --canary stands for.
func (r *runCommand) canary() string {
	name := strings.ToUpper(strings.TrimSpace(r.Canary))
	if name == "AUTO" {
		name = "QQQ"
		if r.Market != "us" || r.APIKey == "demo" || r.AllHours {
			name = ""
		}
	}
	if slices.Contains(r.Symbols, name) {
		return ""
	}
	return name
}

func (r *runCommand) source() string {
	if r.FeedURL == "" {
		return "EODHD " + r.Market
	}
	u, err := url.Parse(r.FeedURL)
	if err != nil {
		return "another feed"
	}
	at := u.Scheme + "://" + u.Host // the rest may hold a key
	if r.says != "" {
		return r.says + " at " + at
	}
	return at
}

// checkURL refuses an address that no dial could reach, before a file is made for it.
// The error does not repeat what may hold a key.
func (r *runCommand) checkURL() error {
	u, err := url.Parse(r.FeedURL)
	if r.FeedURL == "" || err == nil && (u.Scheme == "ws" || u.Scheme == "wss") && u.Hostname() != "" {
		return nil
	}
	text := strconv.Quote(r.FeedURL)
	if strings.ContainsAny(text, "?@") {
		text = "***"
	}
	return &usage{problem: fmt.Sprintf("--feed-url: %s is no address of a WebSocket; right is for example ws://127.0.0.1:8765", text), try: program() + " simulate"}
}

// demoSymbols are what EODHD serves with the key demo.
var demoSymbols = []string{"AAPL", "BTC-USD", "ETH-USD", "EURUSD", "MSFT", "TSLA"}

// findKey finds the key, or says where one goes.
func (r *runCommand) findKey() error {
	if err := secretFile("api-key-file", r.APIKeyFile, &r.APIKey); err != nil {
		return err
	}
	if r.FeedURL != "" {
		return nil
	}
	crypto := "EODHD_API_KEY=demo " + program() + " run --market crypto --symbols BTC-USD"
	if r.APIKey == "" {
		return &usage{
			problem: "there is no EODHD API key: set EODHD_API_KEY, or give --api-key or --api-key-file.\n" +
				"Without a key: \"" + program() + " demo\" records a simulated session, and the line below live crypto",
			try: crypto,
		}
	}
	if r.APIKey != "demo" {
		return nil
	}
	for _, s := range r.Symbols {
		if !slices.Contains(demoSymbols, s) {
			return &usage{problem: fmt.Sprintf("--symbols %s: the key demo serves only %s", s, strings.Join(demoSymbols, ", ")), try: crypto}
		}
	}
	return nil
}
