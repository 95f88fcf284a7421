package command

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"tapedeck/collector/news"
	"tapedeck/schedule"
)

// feeds says how each feed does: those that do not answer first, as who asks wants to know.
func (k *statusCommand) feeds(b book, out io.Writer) error {
	list, err := b.Feeds()
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(s news.State) bool { return s.Left })
	slices.SortStableFunc(list, func(a, b news.State) int {
		return cmp.Or(cmp.Compare(standing(&a), standing(&b)), cmp.Compare(a.Source, b.Source))
	})
	for i := range list {
		list[i].URL, list[i].Moved = redacted(list[i].URL), redacted(list[i].Moved)
	}
	if k.JSON {
		return indented(out, append([]news.State{}, list...))
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(out, "%s knows no feed: none was asked yet.\n", b.Path())
		return err
	}
	var n [3]int
	articles := int64(0)
	for i := range list {
		n[standing(&list[i])]++
		articles += list[i].Articles
	}
	fmt.Fprintf(out, "%d feeds: %d answer, %d do not, %d are gone for good; %s headlines\n\n", len(list), n[feedAnswers], n[feedSilent], n[feedRetired], thousands(articles))
	return feedTable(out, list, time.Now())
}

// redacted is an address without the password that may be in it.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "***"
	}
	return u.Redacted()
}

// How a feed stands, in the order of the table.
const (
	feedSilent = iota
	feedRetired
	feedAnswers
)

func standing(s *news.State) int {
	switch {
	case s.Retired:
		return feedRetired
	case s.Failures > 0 || s.Answered == 0:
		return feedSilent
	}
	return feedAnswers
}

func feedTable(out io.Writer, list []news.State, now time.Time) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "source\tlast\tfailures\tanswered\tnext\theadlines\tof its requests\turl\t")
	ago := func(ms int64) string {
		if ms == 0 {
			return "never"
		}
		return schedule.Span(now.Sub(time.UnixMilli(ms))) + " ago"
	}
	for i := range list {
		s := &list[i]
		next := "in " + schedule.Span(max(0, time.UnixMilli(s.Next).Sub(now)))
		if s.Retired {
			next = "never"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t\n", news.Shorten(s.Source, 32), s.Last, s.Failures, ago(s.Answered), next, s.Articles, news.Counted(s.Outcomes), s.URL)
	}
	return t.Flush()
}
