package rss

import (
	"fmt"
	"time"

	"tapedeck/collector/news"
)

// unknown are the articles that are neither on file nor about to be.
func (p *Poller) unknown(list []news.Article) ([]news.Article, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ids := make([]news.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	known, err := p.Known(ids)
	if err != nil {
		return nil, err
	}
	var fresh []news.Article
	for i := range list {
		if !known[i] && !p.known[list[i].ID] {
			fresh = append(fresh, list[i])
		}
	}
	return fresh, nil
}

func (p *Poller) saveAfter(now time.Time) time.Duration {
	switch {
	case now.Sub(p.begun) < first:
		return savedFirst
	case p.Open(now):
		return savedOpen
	}
	return savedClosed
}

func (p *Poller) saveEvery(now time.Time) {
	if len(p.changed) > 0 && now.Sub(p.saved) >= p.saveAfter(now) {
		p.save(now)
	}
}

// save keeps what has changed. What cannot be kept now waits.
func (p *Poller) save(now time.Time) {
	p.saved = now
	if len(p.changed) == 0 {
		return
	}
	states := make([]news.State, 0, len(p.changed))
	for f := range p.changed {
		states = append(states, f.State)
	}
	if err := p.Save(p.pending, states); err != nil {
		p.troubled(fmt.Errorf("save articles: %w", err))
		return
	}
	p.unsaved, p.pending = false, nil
	clear(p.known)
	clear(p.changed)
}

// troubled says once that the file does not take or give news.
func (p *Poller) troubled(err error) {
	if !p.unsaved {
		p.Log.Warn(fmt.Sprintf("News: %v. %d headlines wait; trying on", err, len(p.pending)))
	}
	p.unsaved = true
}
