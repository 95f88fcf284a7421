package rss

import (
	"cmp"
	"fmt"
	"time"

	"tapedeck/collector/news"
)

// reportEvery is how often it is summed up which feeds answer.
const reportEvery = 24 * time.Hour

// firstReport is after how long it is for the first time, when all have been asked.
const firstReport = time.Hour

// report sums up, once a day.
func (p *Poller) report(now time.Time) {
	if now.Sub(p.reported) < reportEvery {
		return
	}
	p.Log.Info(p.summary())
	p.reported, p.found = now, 0
}

// summary is the feeds in a sentence: how many answer, and how the others do not.
func (p *Poller) summary() string {
	answer, silent, retired := 0, 0, 0
	how := make(map[string]int64)
	for _, f := range p.feeds {
		switch {
		case f.Retired:
			retired++
		case f.Failures == 0 && f.Answered > 0:
			answer++
		default:
			silent++
			how[cmp.Or(f.Last, "not asked yet")]++
		}
	}
	text := fmt.Sprintf("News: %d new headlines. %d of %d feeds answer", p.found, answer, len(p.feeds))
	if silent > 0 {
		text += fmt.Sprintf(", %d do not (%s)", silent, news.Counted(how))
	}
	if retired > 0 {
		text += fmt.Sprintf(", %d are gone for good", retired)
	}
	return text + ". \"tapedeck status --feeds\" names them"
}
