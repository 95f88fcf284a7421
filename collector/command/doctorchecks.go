package command

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"tapedeck/collector"
	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/monitor"
	"tapedeck/collector/news"
	"tapedeck/collector/news/rss"
	"tapedeck/store"
)

// checksOf are the checks of a set-up, in the order in which they are told. Here they get the
// world; the tests give them another.
func checksOf(i *inspection, f facts) []check {
	r := i.run
	folder := filepath.Dir(f.path)
	transport := rss.NewTransport()
	one := func(look func(ctx context.Context) finding) check {
		return func(ctx context.Context) []finding { return []finding{look(ctx)} }
	}
	return []check{
		func(context.Context) []finding { return checkConfiguration(i.faults) },
		func(context.Context) []finding { return checkRailway(f.path, os.Environ()) },
		func(ctx context.Context) []finding {
			if f.recording() {
				return []finding{checkRecorder(f, func() (monitor.Health, error) {
					ctx, cancel := context.WithTimeout(ctx, healthWithin)
					defer cancel()
					return (&healthcheckCommand{database: r.database}).ask(ctx)
				})}
			}
			return checkFeed(ctx, i, f, tryFeed(r))
		},
		one(func(ctx context.Context) finding {
			return checkClock(ctx, r.dateAddress(), func(ctx context.Context, address string) (time.Time, time.Time, error) {
				return askDate(ctx, http.DefaultClient, address)
			})
		}),
		one(func(context.Context) finding { return checkZones(time.Now()) }),
		one(func(context.Context) finding { return checkCalendar(time.Now(), r.allHours()) }),
		one(func(context.Context) finding { return checkMemory(os.Getenv, memlimit.FromCgroup) }),
		func(ctx context.Context) []finding { return checkFolder(ctx, folder, whoAmI(), syncSpeed) },
		func(context.Context) []finding { return checkSpace(f, int64(r.AlertDiskDays), store.FreeSpace) },
		one(func(context.Context) finding { return checkFilesystem(folder, store.UnsafeFilesystem) }),
		func(ctx context.Context) []finding { return checkFile(ctx, f, float64(r.AlertCoverage), proveFile) },
		func(context.Context) []finding {
			if f.recording() || f.held() || i.has("listen") {
				return nil // it is taken by whoever has the file, or no address at all
			}
			return checkPage(&r.pageFlags, os.Getenv("PORT"), monitor.ListenTCP)
		},
		func(ctx context.Context) []finding {
			return checkFeeds(ctx, &r.newsFlags, statesOf(ctx, f), time.Now(), func(ctx context.Context, feed news.Feed) (string, error) {
				return rss.Ask(ctx, transport, "tapedeck/"+version()+" (asks once whether a feed answers)", feed)
			})
		},
		func(ctx context.Context) []finding {
			return checkAlerts(ctx, &r.alertFlags, func(ctx context.Context, address string) error {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
				if err == nil {
					err = conn.Close()
				}
				return err
			})
		},
	}
}

// tryFeed tries the feed that run would record.
func tryFeed(r *runCommand) func(context.Context) ([]candle.Trade, error) {
	o := eodhd.Options{URL: r.FeedURL, Token: eodhd.Token(r.APIKey), Market: eodhd.Market(r.Market)}
	if r.FeedURL != "" && o.Token == "" {
		o.Token = "tapedeck"
	}
	return func(ctx context.Context) ([]candle.Trade, error) {
		return collector.Try(ctx, feedOf(o), r.Symbols)
	}
}

// consultJSON asks a question whose answer is JSON.
func consultJSON(ctx context.Context, path string, q question, answer any) error {
	var text bytes.Buffer
	if _, err := consult(ctx, path, q, &text); err != nil {
		return err
	}
	return json.Unmarshal(text.Bytes(), answer)
}

// statesOf are the feeds as the file knows them; none where it knows nothing.
func statesOf(ctx context.Context, f facts) (states []news.State) {
	if f.status == nil || consultJSON(ctx, f.path, &statusCommand{JSON: true, Feeds: true}, &states) != nil {
		return nil
	}
	return states
}
