package rss

import (
	"context"
	"fmt"
	"net/http"

	"tapedeck/collector/news"
)

// Ask asks one feed once, beside any Poller: for who wants to know whether it answers. It
// blocks until ctx ends at most, and 45 s. The outcome is a word, such as ok, 404 or
// timeout; with another than ok comes an error, which does not hold the address. agent is the
// User-Agent. Any number of goroutines may ask at once; not to bother one host with several
// requests at a time is the caller's business.
func Ask(ctx context.Context, transport http.RoundTripper, agent string, f news.Feed) (outcome string, err error) {
	nobody := func(string) bool { return false }
	a := newFetcher(Options{Transport: transport, Agent: agent, Recorded: nobody}).fetch(ctx, &news.State{URL: f.URL, Source: f.Source})
	if a.good() {
		return fine, nil
	}
	return a.outcome, fmt.Errorf("%s", a.outcome)
}
