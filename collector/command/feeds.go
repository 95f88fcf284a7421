package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"tapedeck/collector/news"
	"tapedeck/collector/news/rss"
	"tapedeck/store"
)

// newsFlags say which feeds are read beside the recording.
type newsFlags struct {
	News      bool   `name:"news" default:"true" negatable:"" env:"TAPEDECK_NEWS,ENABLE_RSS_NEWS" help:"Collect headlines from feeds (default yes)."`
	FeedsFile string `name:"feeds-file" help:"Read these feeds: JSON {\"feeds\":[{\"url\":...,\"source\":...}]}, OPML, or a URL a line (default a few built in)." placeholder:"FILE"`

	feeds []news.Feed
}

// find reads the list. What is wrong with single entries is said; the rest works.
func (n *newsFlags) find(log *slog.Logger) error {
	if !n.News {
		return nil
	}
	if n.FeedsFile == "" {
		n.feeds = news.DefaultFeeds()
		return nil
	}
	data, err := os.ReadFile(n.FeedsFile)
	if err != nil {
		return &usage{problem: fmt.Sprintf("--feeds-file %s: %v", n.FeedsFile, bare(err))}
	}
	feeds, problems, err := news.ParseList(data)
	if err != nil {
		return &usage{problem: fmt.Sprintf("--feeds-file %s: %v; right is for example a file with the line https://www.example.com/rss.xml", n.FeedsFile, err)}
	}
	for i, p := range problems {
		if i == problemsSaid && len(problems) > problemsSaid+1 {
			log.Warn(fmt.Sprintf("--feeds-file %s: %d more entries are left out", n.FeedsFile, len(problems)-i))
			break
		}
		log.Warn(fmt.Sprintf("--feeds-file %s: %s: %s. It is left out", n.FeedsFile, p.Where, p.What))
	}
	if len(feeds) == 0 {
		return &usage{problem: fmt.Sprintf("--feeds-file %s holds no feed; right is for example a line https://www.example.com/rss.xml, or --no-news", n.FeedsFile)}
	}
	n.feeds = feeds
	return nil
}

// problemsSaid is how many wrong entries of a list are named.
const problemsSaid = 10

// saysFeeds is the news in the block that is said at start.
func (n *newsFlags) saysFeeds() string {
	switch {
	case !n.News:
		return "off (--no-news or ENABLE_RSS_NEWS=false)"
	case n.FeedsFile != "":
		return fmt.Sprintf("%s feeds of %s; off with --no-news or ENABLE_RSS_NEWS=false", thousands(int64(len(n.feeds))), n.FeedsFile)
	}
	var names []string
	for _, f := range n.feeds {
		names = append(names, f.Source)
	}
	return fmt.Sprintf("%d feeds (%s); others with --feeds-file, off with --no-news or ENABLE_RSS_NEWS=false", len(names), listed(names, len(names)))
}

// poller reads the feeds into the file; nil when news are off, also because what is on file
// of them is damaged: that keeps nobody from recording.
func (n *newsFlags) poller(file *store.File, plan marketPlan, symbols []string, log *slog.Logger) *rss.Poller {
	if !n.News {
		return nil
	}
	states, err := file.Feeds()
	if err != nil {
		log.Error(fmt.Sprintf("No news are collected: %v", err))
		return nil
	}
	return rss.New(rss.Options{
		Feeds: n.feeds, States: states, Known: file.KnowsNews, Save: file.PutNews,
		Open:     func(t time.Time) bool { return plan.Next(t).Contains(t.UnixMilli()) },
		Recorded: func(symbol string) bool { return slices.Contains(symbols, symbol) },
		Agent:    "tapedeck/" + version() + " (reads feeds for one person; honours ETag, Retry-After and 410)",
		Log:      log,
	})
}

// collectNews reads feeds until ctx ends. A fault of it is not the recording's.
func collectNews(ctx context.Context, p *rss.Poller, log *slog.Logger) {
	defer func() {
		if v := recover(); v != nil {
			log.Error(fmt.Sprintf("News have ended, the recording goes on: %v", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	p.Run(ctx)
}
