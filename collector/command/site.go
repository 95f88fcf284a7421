package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// site is the page over a file and all that is served beside it.
type site struct {
	file    *store.File
	live    *live // the recorder; nil when a stopped file is viewed
	hub     *monitor.Hub
	metrics *monitor.Metrics
	log     *slog.Logger
	login   bool // a token is wanted

	numbers   numbersCache
	pace      pace
	snapshots snapshots
}

func newSite(file *store.File, l *live, log *slog.Logger) *site {
	s := &site{file: file, live: l, hub: monitor.NewHub(), log: log}
	s.metrics = monitor.NewMetrics(s.measures)
	return s
}

// book is the file as commands know it.
func (s *site) book() book { return book{s.file, s.live} }

// handler serves the site to whom access admits.
func (s *site) handler(access *monitor.Access) http.Handler {
	s.login = access.Token != ""
	page := &monitor.Site{
		Access: access, Health: s.health, Ready: s.ready, Topics: s.topics, Hub: s.hub, Metrics: s.metrics.Handler(), Explain: failure,
		Download: s.download, Snapshot: s.snapshot, Rows: map[string]monitor.Rows{
			"status": s.statusRows, "dates": s.dateRows, "strip": s.stripRows, "candles": s.candleRows,
			"coverage": s.coverageRows, "sessions": s.sessionRows, "news": s.newsRows,
		},
	}
	return page.Handler()
}

// pageFlags say where the page is, and for whom.
type pageFlags struct {
	Listen        *string `name:"listen" help:"Where the page is served; \"\" is nowhere (default 127.0.0.1:8080; where a platform sets PORT, :$$PORT)." placeholder:"127.0.0.1:8080"`
	HTTPToken     key     `name:"http-token" env:"TAPEDECK_HTTP_TOKEN,HTTP_TOKEN" help:"Who wants to see the page has to know this. Without it nothing but /healthz is shown to other machines." placeholder:"TOKEN"`
	HTTPTokenFile string  `name:"http-token-file" env:"TAPEDECK_HTTP_TOKEN_FILE,HTTP_TOKEN_FILE" help:"A file that holds the token." placeholder:"FILE"`
}

// find reads the token when it is in a file.
func (p *pageFlags) find() error {
	return secretFile("http-token-file", p.HTTPTokenFile, &p.HTTPToken)
}

const defaultListen = "127.0.0.1:8080"

// address is where the page is to be; asked says that somebody asked for just that.
func (p *pageFlags) address(port string) (address string, asked bool) {
	switch {
	case p.Listen != nil:
		return *p.Listen, true
	case port != "":
		return ":" + port, true
	}
	return defaultListen, false
}

// listen takes the address of the page; nil is none. A busy one that nobody asked for is a
// warning: the recording goes on.
func (p *pageFlags) listen(port string, log *slog.Logger) (net.Listener, error) {
	if err := p.find(); err != nil {
		return nil, err
	}
	address, asked := p.address(port)
	if address == "" {
		return nil, nil
	}
	l, err := monitor.ListenTCP(address)
	switch {
	case err == nil:
		return l, nil
	case asked:
		return nil, noListener(address, err)
	}
	log.Warn(fmt.Sprintf("No page: %s: %v. Another place is --listen 127.0.0.1:8081", address, bareNet(err)))
	return nil, nil
}

func noListener(address string, err error) error {
	return &usage{problem: fmt.Sprintf("--listen %s: %v; right is for example --listen 127.0.0.1:8081, or --listen \"\" for no page", address, bareNet(err))}
}

// bareNet is an error of the network without the address, which is said already.
func bareNet(err error) error {
	var of *net.OpError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// access is who may see what listens there.
func (p *pageFlags) access(l net.Listener, log *slog.Logger) *monitor.Access {
	return &monitor.Access{Token: string(p.HTTPToken), Outside: monitor.Outside(l.Addr()), Wrong: func(address string, waits bool) {
		if waits {
			log.Warn(fmt.Sprintf("Too many wrong tokens for the page from %s: it has to wait", address))
			return
		}
		log.Warn(fmt.Sprintf("A wrong token for the page from %s", address))
	}}
}

// shortToken is under which length a token can be guessed.
const shortToken = 12

// announce is the page in the block that is said at start.
func (p *pageFlags) announce(l net.Listener) string {
	if l == nil {
		return ""
	}
	text := pageAddress(l.Addr())
	if public := publicPage(); public != "" && monitor.Outside(l.Addr()) {
		text = public
	}
	switch n := len(p.HTTPToken); {
	case n > 0 && n < shortToken:
		text += fmt.Sprintf(" (with the token, which is short: %d letters or more are hard to guess)", shortToken)
	case n > 0:
		text += " (with the token)"
	case monitor.Outside(l.Addr()):
		text += " (nothing but /healthz, as there is no token: set HTTP_TOKEN)"
	}
	return text
}

// pageAddress is where a browser on this machine finds it.
func pageAddress(at net.Addr) string { return "http://" + reachable(at) + "/" }

// servePage serves a handler until ctx ends.
func servePage(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, beside *sync.WaitGroup) {
	beside.Go(func() {
		if err := monitor.Serve(ctx, l, h); err != nil {
			log.Error(fmt.Sprintf("The page has ended, the recording goes on: %v", err))
		}
	})
}

// health is what a platform and a watchdog want to know.
func (s *site) health() monitor.Health {
	if s.live == nil {
		return monitor.Healthy("viewing")
	}
	return s.live.health()
}

// ready is whether there is something to ask: the file is open and the recording has begun.
func (s *site) ready() monitor.Health {
	if s.live != nil {
		if s.live.get() == nil {
			return monitor.Failing("connecting", "The feed has not answered yet.")
		}
	}
	return monitor.Healthy("ready")
}

// siteAsked is a question as it came in an address, for a command that takes it: lists may be
// joined by commas, as on the command line, and one symbol is a list of symbols.
func siteAsked(v url.Values) *asked {
	v["symbols"] = append(v["symbols"], v["symbol"]...)
	delete(v, "symbol")
	for _, name := range []string{"symbols", "columns"} {
		list := strings.FieldsFunc(strings.Join(v[name], ","), func(r rune) bool { return r == ',' || r <= ' ' })
		if v[name] = list; len(list) == 0 {
			delete(v, name)
		}
	}
	for i, symbol := range v["symbols"] {
		v["symbols"][i] = strings.ToUpper(symbol)
	}
	return &asked{v}
}

// pace is how many trades come in a second, of late.
type pace struct {
	mu     sync.Mutex
	points []pacePoint // one a second
}

type pacePoint struct {
	at             time.Time
	event          int64
	trades, canary int64
}

const paceOver = 20 * time.Second

// note notes how many there are by now, and says how many came in a second of the feed's time.
func (p *pace) note(now time.Time, event, trades, canary int64) (rate, canaryRate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.points) > 1 && now.Sub(p.points[0].at) > paceOver {
		p.points = p.points[1:]
	}
	if n := len(p.points); n == 0 || now.Sub(p.points[n-1].at) > 500*time.Millisecond {
		p.points = append(p.points, pacePoint{now, event, trades, canary})
	}
	first := p.points[0]
	if event <= first.event {
		return 0, 0
	}
	seconds := float64(event-first.event) / 1000
	return float64(trades-first.trades) / seconds, float64(canary-first.canary) / seconds
}
