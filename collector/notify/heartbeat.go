package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

const (
	// BeatEvery is how often a Heartbeat is sent.
	BeatEvery = time.Minute

	beatWithin = 10 * time.Second
	beatTries  = 3
	beatPause  = 5 * time.Second

	failure = "fail" // what is behind the address then
)

// Heartbeat tells a service elsewhere that all is well, so that silence is an alarm, too: the
// protocol of healthchecks.io, which others understand. The address itself is a success,
// /start below it a start, /fail a failure. They are asked for with GET, which every such
// service takes; a failure with POST first, so that the reason goes along. Fill it and call Run
// once.
type Heartbeat struct {
	// URL is the address. It is a secret: who knows it can report in our name.
	URL string
	// Client asks; nil is the usual one.
	Client *http.Client
	// Log is where failures go, each once until it works again.
	Log *slog.Logger

	failed bool
}

// Run says that something has started, and then once a minute, and at once when it changes,
// how it is: well, or not, with words that say why. It blocks until ctx ends. look is called
// by this goroutine, every few seconds, and should not block.
func (h *Heartbeat) Run(ctx context.Context, look func() (well bool, words string)) {
	h.beat(ctx, "start", "")
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	var last time.Time
	was := true
	for {
		if well, words := look(); last.IsZero() || well != was || time.Since(last) >= BeatEvery {
			last, was = time.Now(), well
			h.beat(ctx, map[bool]string{true: "", false: failure}[well], words)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat sends one sign, and again when it does not get through.
func (h *Heartbeat) beat(ctx context.Context, what, words string) {
	var err error
	for range beatTries {
		if err = h.try(ctx, what, words); err == nil || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(beatPause):
		}
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && !h.failed:
		h.failed = true
		h.Log.Warn("The heartbeat does not get through: " + h.mask(bare(err)))
	case err == nil && h.failed:
		h.failed = false
		h.Log.Info("The heartbeat gets through again")
	}
}

func (h *Heartbeat) try(ctx context.Context, what, words string) error {
	u, err := url.Parse(h.URL)
	if err != nil {
		return errors.New("it is no address")
	}
	ctx, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	if what != "" {
		u = u.JoinPath(what)
	}
	client := cmp.Or(h.Client, http.DefaultClient)
	if what == failure { // with the reason, where that is taken
		if err = ask(ctx, client, http.MethodPost, u.String(), "text/plain; charset=utf-8", []byte(words)); err == nil {
			return nil
		}
	}
	return ask(ctx, client, http.MethodGet, u.String(), "", nil)
}

// mask takes out of a text what is secret of the address.
func (h *Heartbeat) mask(text string) string {
	u, err := url.Parse(h.URL)
	if err != nil {
		return "it is no address"
	}
	return (&Target{secrets: secretsOf(u)}).mask(text)
}
