package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tapedeck/collector"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/collector/playback"
	"tapedeck/schedule"
	"tapedeck/store"
)

// The demo's market: a session of five symbols in about 12 seconds, cut twice.
const (
	demoSeed  = 1
	demoRate  = 18   // trades a second
	demoSpeed = 2000 // market seconds a second
	demoCut   = 150 * time.Minute
	demoLead  = 30 * time.Second
	demoGrace = 4 * time.Minute
)

var demoMarket = []string{"QQQ", "SPY", "TSLA", "AAPL", "QLD"} // busiest first

type demoCommand struct {
	DB string `name:"db" env:"-" default:"data/demo.db" help:"The file (default data/demo.db)." placeholder:"FILE"`
}

// Run simulates, plays, records, exports and shows.
func (d *demoCommand) Run(ctx context.Context, c console) error {
	if err := d.clear(); err != nil {
		return err
	}
	session, err := sessionOn("", time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "SIMULATED DATA: a generated market of %s, %s, played at %d times its speed over a\n"+
		"real WebSocket on this machine, cut twice on the way, and recorded into %s.\n\n",
		session.Date(), strings.Join(demoMarket, " "), demoSpeed, d.DB)
	begun := time.Now()
	if err := d.record(ctx, c, session); errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w; %s holds what was recorded of the session", err, d.DB)
	} else if err != nil {
		return err
	}
	return d.show(ctx, c, time.Since(begun))
}

// clear removes what an earlier demo made, and nothing else.
func (d *demoCommand) clear() error {
	f, err := store.OpenReadOnly(d.DB)
	if errors.Is(err, store.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	sessions, err := f.Sessions()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if !simulated(s.Source) {
			return &usage{problem: fmt.Sprintf("--db %s holds recordings that are not simulated; right is another file", d.DB), try: program() + " demo --db data/demo.db"}
		}
	}
	return os.Remove(d.DB)
}

// record plays the market to the recorder until the session is closed.
func (d *demoCommand) record(ctx context.Context, c console, session ledger.Session) error {
	market := playback.NewMarket(playback.MarketOptions{Seed: demoSeed, Session: session, Symbols: demoMarket, Rate: demoRate})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- playback.NewServer(market, playback.ServerOptions{Speed: demoSpeed, Lead: demoLead, CutEvery: demoCut}).Serve(ctx, l)
	}()
	file, err := store.Open(d.DB, store.Options{Command: "tapedeck demo", Version: version(),
		Source: fmt.Sprintf("simulated, seed %d", demoSeed)})
	if err == nil {
		if err = d.play(ctx, c, file, session, "ws://"+l.Addr().String()); err == nil {
			err = file.Seal(ctx, session, true) // what the recorder had begun
		}
		err = errors.Join(err, file.Close())
	}
	stop()
	return errors.Join(err, <-served)
}

func (d *demoCommand) play(ctx context.Context, c console, file *store.File, session ledger.Session, url string) error {
	feed := eodhd.Options{URL: url, Token: "simulated", Market: eodhd.US}
	says, err := askFeed(ctx, feed, func(error) {})
	if err != nil {
		return err
	}
	clock := says.clock
	plan, err := schedule.NewPlan(ledger.Regular, "", "", schedule.Calendar{})
	if err != nil {
		return err
	}
	recorder := collector.New(feedOf(feed), file, plan, collector.Options{
		Symbols: demoMarket, Stated: true, OpenLead: time.Minute, CloseGrace: demoGrace, CommitEvery: time.Second, Clock: clock,
	})
	recording, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- recorder.Run(recording) }()
	show := newProgress(c.out)
	// A second more than the grace: the recorder closes by itself, in peace.
	until := session.Close + demoGrace.Milliseconds() + demoSpeed*1000
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			show.end()
			if err == nil {
				err = ctx.Err()
			}
			return err
		case <-tick.C:
		}
		now := clock.Now()
		trades, _ := recorder.Totals()
		show.line(fmt.Sprintf("%s New York, %s trades", now.In(schedule.NewYork()).Format("15:04:05"), thousands(trades)))
		if now.UnixMilli() > until {
			show.end()
			stop()
			return <-done
		}
	}
}

// show prints what came out.
func (d *demoCommand) show(ctx context.Context, c console, took time.Duration) error {
	f, err := store.OpenReadOnly(d.DB)
	if err != nil {
		return err
	}
	defer f.Close() // again, after verify, which wants it for itself
	r := f.Read()
	sel, err := (&period{Session: "last"}).choose(ctx, r, time.Now())
	if err != nil {
		return err
	}
	if err := printSymbols(c.out, r, sel); err != nil {
		return err
	}
	if err := printGaps(c.out, r, sel); err != nil {
		return err
	}
	name := strings.TrimSuffix(d.DB, filepath.Ext(d.DB)) + "-1s.csv"
	rows, err := exportFile(name, r, sel, "1s")
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	info, err := os.Stat(d.DB)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "\n%s: %s rows of 1-second candles. It begins:\n", name, thousands(rows))
	if err := printHead(c.out, name, 6); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "\nRecorded in %.1f s; %s has %.1f MB.\n\n", took.Seconds(), d.DB, float64(info.Size())/1e6)
	if err := verified(ctx, c.out, d.DB); err != nil {
		return err
	}
	fmt.Fprint(c.out, "\nNext:\n")
	for _, line := range []string{"export 100t --symbols QLD", "export coverage --symbols QLD", "export trades --symbols QLD -o " + strings.TrimSuffix(name, "1s.csv") + "trades.csv"} {
		fmt.Fprintf(c.out, "  %s %s --db %s\n", program(), line, d.DB)
	}
	fmt.Fprintf(c.out, "Look at it in a browser:\n  %s view %s\n", program(), d.DB)
	fmt.Fprintf(c.out, "Live, without an account of your own:\n  EODHD_API_KEY=demo %s run --market crypto --symbols BTC-USD\n", program())
	return nil
}
