package command

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"tapedeck/collector/news"
)

const (
	feedsAtOnce  = 8
	feedWithin   = 10 * time.Second
	feedsWithin  = 20 * time.Second // all of them
	feedRecently = 6 * time.Hour    // an answer of the recorder that is no older is as good as one now
	feedsNamed   = 10
)

// feedResult is how a feed answers.
type feedResult struct {
	feed    news.Feed
	outcome string // "" when it was not asked
	good    bool
	when    string // "" now
}

// checkFeeds asks each feed once, but those which the recorder asked of late: one at a time
// of a host, and some hosts at once.
func checkFeeds(ctx context.Context, n *newsFlags, states []news.State, now time.Time, ask func(context.Context, news.Feed) (string, error)) []finding {
	if !n.News {
		return []finding{good("news", "off (--no-news or ENABLE_RSS_NEWS=false)")}
	}
	if len(n.feeds) == 0 { // the list cannot be read, which is a fault of the configuration
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, feedsWithin)
	defer cancel()
	var known []feedResult
	hosts := make(map[string][]news.Feed)
	for _, f := range n.feeds {
		if r, ok := lately(f, states, now); ok {
			known = append(known, r)
			continue
		}
		host := hostOfFeed(f.URL)
		hosts[host] = append(hosts[host], f)
	}
	return judgeFeeds(n, append(known, askHosts(ctx, hosts, ask)...))
}

func hostOfFeed(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// lately is what the recorder knows of a feed, if it is fresh, or the feed wants to be left
// alone.
func lately(f news.Feed, states []news.State, now time.Time) (r feedResult, ok bool) {
	i := slices.IndexFunc(states, func(s news.State) bool { return s.URL == f.URL })
	if i < 0 {
		i = slices.IndexFunc(states, func(s news.State) bool { return s.URL == redacted(f.URL) })
	}
	if i < 0 {
		return r, false
	}
	s := &states[i]
	asked := time.UnixMilli(s.Asked)
	fresh := s.Asked > 0 && now.Sub(asked) < feedRecently
	if !fresh && !s.Retired && now.UnixMilli() >= s.Spare {
		return r, false
	}
	return feedResult{f, s.Last, standing(s) == feedAnswers, since(now, asked)}, true
}

// askHosts asks the feeds of each host one after the other.
func askHosts(ctx context.Context, hosts map[string][]news.Feed, ask func(context.Context, news.Feed) (string, error)) []feedResult {
	var mu sync.Mutex
	var all []feedResult
	var asking sync.WaitGroup
	turns := make(chan struct{}, feedsAtOnce)
	for _, feeds := range hosts {
		asking.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			for _, f := range feeds {
				r := askOnce(ctx, f, ask)
				mu.Lock()
				all = append(all, r)
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	return all
}

func askOnce(ctx context.Context, f news.Feed, ask func(context.Context, news.Feed) (string, error)) feedResult {
	if ctx.Err() != nil {
		return feedResult{feed: f}
	}
	ctx, cancel := context.WithTimeout(ctx, feedWithin)
	defer cancel()
	outcome, err := ask(ctx, f)
	return feedResult{feed: f, outcome: outcome, good: err == nil}
}

// judgeFeeds counts those that answer and names those that do not: by their source, for their
// addresses may hold keys.
func judgeFeeds(n *newsFlags, all []feedResult) (found []finding) {
	slices.SortFunc(all, func(a, b feedResult) int {
		return slices.Compare([]string{a.feed.Source, a.feed.URL}, []string{b.feed.Source, b.feed.URL})
	})
	if f, ok := allSilent(all); ok {
		return []finding{f}
	}
	answer, late, failing := 0, 0, 0
	for _, r := range all {
		switch {
		case r.outcome == "":
			late++
		case r.good:
			answer++
		default:
			if failing++; failing <= feedsNamed {
				found = append(found, doubt("news", r.String(), n.withoutLine()))
			}
		}
	}
	says := fmt.Sprintf("%d of %s answer", answer, plural(len(all), "feed"))
	if failing > feedsNamed {
		says += fmt.Sprintf(", %d more do not", failing-feedsNamed)
	}
	if late > 0 {
		says += fmt.Sprintf(", %d were not asked for want of time", late)
	}
	return append([]finding{good("news", "%s", says)}, found...)
}

// allSilent is the finding when some feeds were asked and none answered: then it is not them.
func allSilent(all []feedResult) (f finding, ok bool) {
	asked := slices.DeleteFunc(slices.Clone(all), func(r feedResult) bool { return r.outcome == "" })
	if len(asked) < 2 || slices.ContainsFunc(asked, func(r feedResult) bool { return r.good }) {
		return f, false
	}
	first := asked[0]
	says := fmt.Sprintf("none of %s answers, %s: %s. So the network is to blame, or a proxy", plural(len(asked), "feed"), first.feed.Source, first.outcome)
	return doubt("news", says, "curl -sI "+shellWord("https://"+hostOfFeed(first.feed.URL)+"/")+"   # says where it ends; HTTPS_PROXY is the proxy"), true
}

// String is how a feed does not answer.
func (r feedResult) String() string {
	text := fmt.Sprintf("%s (%s) does not answer: %s", r.feed.Source, hostOfFeed(r.feed.URL), r.outcome)
	if r.when != "" {
		text += ", " + r.when
	}
	return text
}

// withoutLine takes a feed off the list.
func (n *newsFlags) withoutLine() string {
	if n.FeedsFile != "" {
		return "${EDITOR:-vi} " + shellWord(n.FeedsFile) + "   # take it off, or leave it: the others work"
	}
	return giveLine("TAPEDECK_FEEDS_FILE", "feeds.txt") + "   # a list of your own, an address a line; or leave it: the others work"
}
