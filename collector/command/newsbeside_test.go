package command

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tapedeck/collector/news"
	"tapedeck/collector/news/rss"
)

// TestNewsBeside records at full rate beside a poller of 300 feeds whose servers are the
// worst: no trade is lost, and the ratio of the appends' p99 is printed.
func TestNewsBeside(t *testing.T) {
	if testing.Short() {
		t.Skip("a rate, which -race would tell nothing of; its goroutines are in the tests of rss")
	}
	var ratios []float64
	for range *pairs {
		without, rate1, _ := newsAtFullRate(t, 0)
		with, rate2, articles := newsAtFullRate(t, 300)
		ratios = append(ratios, float64(with)/float64(without))
		t.Logf("append p99: %v without, %v with news, %d headlines; %.2f and %.2f million trades/s", without, with, articles, rate1, rate2)
		if articles == 0 {
			t.Error("no headline was kept")
		}
	}
	slices.Sort(ratios)
	t.Logf("median ratio of append p99: %.2f of %.2f", ratios[len(ratios)/2], ratios)
}

func newsAtFullRate(t *testing.T, feeds int) (p99 time.Duration, millions float64, articles int) {
	t.Helper()
	d := newDesk(t, 50, 1_000_000, 0)
	begun := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var polling sync.WaitGroup
	if feeds > 0 {
		kept := make(chan struct{}, 1)
		poller := worstFeeds(t, feeds, d, kept)
		polling.Go(func() { poller.Run(ctx) })
		<-kept
	}
	time.Sleep(*pairTime - time.Since(begun)) // a rate takes its time
	cancel()
	polling.Wait()
	took := time.Since(begun)
	trades := d.checkNothingLost(t)
	for _, err := range d.file.News(0, math.MaxInt64) {
		if err != nil {
			t.Fatal(err)
		}
		articles++
	}
	return d.tape.quantile(0.99), float64(trades) / took.Seconds() / 1e6, articles
}

// worstFeeds polls feeds that each have a host of their own, all the same server. It tells
// kept when headlines are on file.
func worstFeeds(t *testing.T, n int, d *desk, kept chan struct{}) *rss.Poller {
	small := feedOfItems(40)
	begin, _, _ := strings.Cut(small, "</channel>")
	// Of the size that is just taken, and the same for all but its beginning, so that the
	// server has little to do.
	giant := []byte(strings.ReplaceAll(feedOfItems(11_500), "%[1]s", "example.com"))
	_, giant, _ = bytes.Cut(giant, []byte("</title>"))
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/giant":
			fmt.Fprintf(out, begin, r.Host)
			_, _ = out.Write(giant)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(out, small); err != nil {
					return
				}
			}
		case "/drip":
			for r.Context().Err() == nil {
				fmt.Fprint(out, "<")
				_ = http.NewResponseController(out).Flush()
				time.Sleep(20 * time.Millisecond) // a real network
			}
		case "/fault":
			out.WriteHeader(http.StatusInternalServerError)
		case "/page":
			fmt.Fprint(out, "<html>", strings.Repeat("<p>no feed", 10_000))
		default:
			fmt.Fprintf(out, small, r.Host)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	transport := rss.NewTransport()
	transport.Proxy, transport.DialContext = nil, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	var feeds []news.Feed
	for i := range n {
		kinds := []string{"small", "giant", "endless", "fault", "page", "small", "giant", "drip"}
		url := fmt.Sprintf("http://h%d.example/%s", i, kinds[i%len(kinds)])
		feeds = append(feeds, news.Feed{URL: url, Source: url})
	}
	save := func(articles []news.Article, states []news.State) error {
		err := d.file.PutNews(articles, states)
		if len(articles) > 0 && err == nil {
			select {
			case kept <- struct{}{}:
			default:
			}
		}
		return err
	}
	return rss.New(rss.Options{
		Feeds: feeds, Known: d.file.KnowsNews, Save: save, Open: func(time.Time) bool { return true },
		Recorded: func(symbol string) bool { return symbol == "S00001" }, Transport: transport, Log: slog.New(slog.DiscardHandler),
	})
}

// feedOfItems is a format of a document of so many items; its verb is the host.
func feedOfItems(n int) string {
	var b strings.Builder
	b.WriteString(`<rss version="2.0"><channel><title>%[1]s</title>`)
	for i := range n {
		fmt.Fprintf(&b, "<item><title>Story %d of S00001 and $QLD</title><link>https://%%[1]s/story/%d</link><description>%s</description></item>", i, i, strings.Repeat("word ", 40))
	}
	b.WriteString("</channel></rss>")
	return b.String()
}
