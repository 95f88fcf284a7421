package command

import (
	"fmt"
	"time"

	"tapedeck/collector"
	"tapedeck/schedule"
)

// verdict is how it stands with a recording, in words and for a machine.
type verdict struct {
	ok     bool
	state  string // recording quiet connecting reconnecting refused broken closed viewing
	level  string // good warn bad idle
	words  string // the state, a sentence
	reason string // what is wrong; "" when nothing is
}

// situation is what a verdict is made of. Times are event time, Unix ms.
type situation struct {
	activity collector.Activity
	now      int64
	open     bool   // the market is open, or always
	begun    int64  // since when it is
	market   string // open or closed, and why
	next     string // when it opens next
	start    int64  // since when it is recorded
	started  bool   // the feed has answered once, or needs not to
	last     int64  // time of the last trade on the tape; 0: none since the start
	free     int64  // bytes of the disk; -1: not known
	still    time.Duration
}

const (
	stillLimit   = 75 * time.Second // without a round of the recording loop, which makes one a minute
	leastFree    = 64 << 20         // bytes: less is as good as a full disk
	mostRefusals = 3                // of the key in a row
	quietAfter   = time.Minute      // without a trade of ours
)

// judge finds what is worst. While the market is closed only the disk and the key can be
// wrong; while it is open the tape is fresh, or quiet beside a feed that lives, or something
// is wrong.
func (s *situation) judge() verdict {
	a := &s.activity
	switch {
	case s.still > stillLimit:
		return bad("broken", "The recording stands still.", fmt.Sprintf("It has stood still for %s, and ends itself after %s, to be started again.", schedule.Span(s.still), schedule.Span(hangLimit)))
	case a.Full:
		return bad("broken", "The disk is full.", "Recording goes on in memory, up to 64 MB; what does not fit will be a gap.")
	case s.free >= 0 && s.free < leastFree:
		return bad("broken", "The disk is nearly full.", fmt.Sprintf("It has only %s left.", megabytes(s.free)))
	case a.Refusals >= mostRefusals:
		return bad("refused", "The feed refuses the key.", fmt.Sprintf("It has refused it %d times in a row (%s): is it right, and does its plan have WebSockets?", a.Refusals, a.Refusal))
	case !s.open:
		return s.closed()
	case !s.started:
		return bad("connecting", "Waiting for the feed.", "It has not answered yet.")
	case a.Connected > 0:
		return s.connected()
	}
	return s.cut()
}

func bad(state, words, reason string) verdict {
	return verdict{state: state, level: "bad", words: words, reason: reason}
}

func (s *situation) closed() verdict {
	v := verdict{ok: true, state: "closed", level: "idle", words: fmt.Sprintf("Not recording: the market is %s. %s.", s.market, s.next)}
	switch a := &s.activity; {
	case a.Refusals > 0:
		v.level, v.reason = "warn", fmt.Sprintf("The feed has refused the key (%s).", a.Refusal)
	case a.Connected > 0:
		v.words = fmt.Sprintf("Connected, and waiting: the market is %s. %s.", s.market, s.next)
	}
	return v
}

// connected judges a connection that lives, by its signs of life: a fresh trade or the canary,
// and at first the time since it was hoped for.
func (s *situation) connected() verdict {
	a := &s.activity
	if silent := s.since(max(a.Sign, a.Joined, a.RegularFrom, s.begun)); silent > a.Silence {
		return bad("broken", "The feed is mute.", fmt.Sprintf("Connected, and no trade of any symbol for %s.", schedule.Span(silent)))
	}
	switch {
	case s.last == 0:
		return verdict{ok: true, state: "connecting", level: "warn", words: fmt.Sprintf("Connected for %s; no trade yet.", schedule.Span(s.since(a.Connected)))}
	case s.since(s.last) < quietAfter:
		return verdict{ok: true, state: "recording", level: "good", words: fmt.Sprintf("Recording. The last trade was %s ago.", brief(s.since(s.last)))}
	case a.CanaryHeard > s.last:
		return verdict{ok: true, state: "quiet", level: "good", words: fmt.Sprintf("Recording, and quiet: nobody has traded for %s, while the canary %s traded %s ago.",
			schedule.Span(s.since(s.last)), a.Canary, brief(s.since(a.CanaryHeard)))}
	}
	return verdict{ok: true, state: "quiet", level: "warn", words: fmt.Sprintf("Recording. Nobody has traded for %s; without a canary it is not proven that the feed lives.", schedule.Span(s.since(s.last)))}
}

// cut judges a recording that is not connected.
func (s *situation) cut() verdict {
	a := &s.activity
	words := "Connecting."
	if len(a.Disconnects) > 0 && a.Disconnects[0].At >= a.Joined {
		words = fmt.Sprintf("%s ago: %s", brief(s.since(a.Disconnects[0].At)), a.Disconnects[0].Words)
	}
	state := "reconnecting"
	if a.Sign == 0 {
		state = "connecting"
	}
	if a.Sign > 0 && s.since(a.Sign) <= a.Silence {
		return verdict{ok: true, state: state, level: "warn", words: "Nothing is heard at the moment, and that is written down.", reason: words}
	}
	return bad(state, "Nothing is heard at the moment.", words)
}

// since is how long ago a moment was; it is 0 for one to come.
func (s *situation) since(t int64) time.Duration {
	return time.Duration(max(0, s.now-t)) * time.Millisecond
}

// brief is a length of time with a tenth of a second, as long as that matters.
func brief(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return schedule.Span(d)
}
