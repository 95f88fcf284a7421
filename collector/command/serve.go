package command

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
	"tapedeck/schedule"
	"tapedeck/store"
)

// server is the flags that replay and simulate share.
type server struct {
	Listen   string  `name:"listen" default:"127.0.0.1:8765" help:"Address to serve on (default 127.0.0.1:8765)." placeholder:"HOST:PORT"`
	Speed    float64 `name:"speed" default:"1" help:"Seconds of the market in a second; 0 is as fast as it is read (default 1)." placeholder:"1"`
	Lead     span    `name:"lead" default:"90s" help:"The clock starts this long before the first frame, in time of the market (default 90s)." placeholder:"90s"`
	Once     bool    `name:"once" help:"Stop when all has been played."`
	CutEvery span    `name:"cut-every" default:"0s" help:"Break each connection after this time of the market." placeholder:"60s"`
	Limit    int     `name:"limit" default:"50" help:"Symbols a key may subscribe to; 0 is no limit (default 50)." placeholder:"50"`
}

// serve plays the source; says is what it is, told to people and to whoever dials.
func (s *server) serve(ctx context.Context, c console, source playback.Source, says, market string, symbols []string) error {
	if s.Speed < 0 {
		return &usage{problem: fmt.Sprintf("--speed %v is negative; right is 1, 60, or 0 for as fast as it is read", s.Speed)}
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return &usage{problem: fmt.Sprintf("--listen %s: %v; right is for example 127.0.0.1:8766", s.Listen, err)}
	}
	lead := time.Duration(s.Lead)
	if lead == 0 {
		lead = -1 // none: 0 would be the server's default
	}
	fmt.Fprintf(c.err, "Serving %s at ws://%s/ws/%s\nRecord it with: %s\n", says, l.Addr(), market, s.recordLine(reachable(l.Addr()), market, symbols))
	return playback.NewServer(source, playback.ServerOptions{
		Speed: s.Speed, Lead: lead, Once: s.Once, CutEvery: time.Duration(s.CutEvery), Limit: s.Limit, Source: says,
	}).Serve(ctx, l)
}

// reachable is where a client on this machine finds what listens at an address, which
// may stand for every address of the machine.
func reachable(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return at.String()
}

// recordLine is a command that records what is served.
func (s *server) recordLine(at string, market string, symbols []string) string {
	line := fmt.Sprintf("%s run --feed-url ws://%s --symbols %s --db data/%s.db", program(), at, strings.Join(symbols[:min(3, len(symbols))], ","), market+"-playback")
	if market != "us" {
		line += " --market " + market
	}
	if s.Speed == 0 {
		line += " --skip-market-hours"
	}
	return line
}

type replayCommand struct {
	File string `arg:"" help:"JSON Lines of feed messages, .gz and .zst too, or a tapedeck file."`
	period
	server
}

// Run serves until it is stopped or, with --once, has played everything.
func (r *replayCommand) Run(ctx context.Context, c console) error {
	if err := r.period.check(); err != nil {
		return err
	}
	if store.Is(r.File) {
		return r.replayFile(ctx, c, time.Now())
	}
	if r.Session != "" || r.From != "" || r.To != "" || r.Symbols != nil {
		return &usage{problem: "--session, --from, --to and --symbols choose from a tapedeck file; a recording of feed messages is replayed whole"}
	}
	recording, err := playback.OpenRecording(r.File)
	if err != nil {
		return err
	}
	symbols := recording.Symbols()
	market := "us"
	if len(symbols) > 0 && strings.Contains(symbols[0], "-") {
		market = "crypto"
	}
	return r.serve(ctx, c, recording, fmt.Sprintf("replay of %s (%d frames of %d symbols)", filepath.Base(r.File), recording.Len(), len(symbols)), market, symbols)
}

type simulateCommand struct {
	server
	Symbols symbolList `name:"symbols" aliases:"symbol" default:"QLD,QQQ,SPY,AAPL,TSLA" help:"Symbols, the busiest first (default QLD,QQQ,SPY,AAPL,TSLA)." placeholder:"QLD,SPY"`
	Count   int        `name:"count" default:"0" help:"Make S00001 to this number instead." placeholder:"N"`
	Rate    float64    `name:"rate" default:"20" help:"Trades a second in all, on average (default 20)." placeholder:"20"`
	Seed    uint64     `name:"seed" default:"1" help:"The same seed gives the same market (default 1)." placeholder:"1"`
	Date    string     `name:"date" help:"The session's date (default the last whole session)." placeholder:"2026-11-20"`
}

// Run serves one session until it is stopped or, with --once, has played it.
func (s *simulateCommand) Run(ctx context.Context, c console) error {
	if s.Rate <= 0 || s.Count < 0 {
		return &usage{problem: fmt.Sprintf("--rate %v --count %d: right is for example --rate 20 --count 100", s.Rate, s.Count)}
	}
	session, err := sessionOn(s.Date, time.Now())
	if err != nil {
		return err
	}
	o := playback.MarketOptions{Seed: s.Seed, Session: session, Symbols: s.Symbols, Rate: s.Rate}
	if s.Count > 0 {
		o.Symbols, o.Count = nil, s.Count
	}
	market := playback.NewMarket(o)
	return s.serve(ctx, c, market, fmt.Sprintf("simulated market of %s, seed %d", session.Date(), s.Seed), "us", market.Symbols())
}

// sessionOn is the regular session of a date, or the last whole one before today.
func sessionOn(date string, now time.Time) (ledger.Session, error) {
	var calendar schedule.Calendar
	if date == "" {
		for d := schedule.DateIn(now).AddDays(-1); ; d = d.AddDays(-1) {
			if day := calendar.Day(d); day.Status == schedule.Open {
				s, _ := day.Session(ledger.Regular)
				return s, nil
			}
		}
	}
	d, err := schedule.ParseDate(date)
	if err != nil {
		return ledger.Session{}, &usage{problem: "--date: " + err.Error()}
	}
	day := calendar.Day(d)
	s, ok := day.Session(ledger.Regular)
	if !ok {
		other := d
		for calendar.Day(other).Status == schedule.Closed {
			other = other.AddDays(1)
		}
		return s, &usage{problem: fmt.Sprintf("--date %s: the market was closed (%s); right is for example --date %s", date, schedule.WhyClosed(day), other)}
	}
	return s, nil
}
