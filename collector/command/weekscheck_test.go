package command

import (
	"flag"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/collector/notify"
	"tapedeck/store"
)

var (
	weeksSeed = flag.Uint64("weeks", 1, "the seed of TestTwoWeeks; 0 is a new one")
	weeksLog  = flag.Bool("weekslog", false, "print what happens in TestTwoWeeks")
)

// weeksMoment is a moment in the life of a process.
type weeksMoment struct {
	at   time.Time
	life weeksLife
}

// early is how much earlier than here the recorder may know: it notes a sign of life only so
// often.
const early = 3 * time.Second

// either is a standing of which nobody can say yet whether it is wrong or fine.
const either = notify.Standing(-1)

// holds goes through every second in which a process lived and holds the messages of an alarm
// against how things really stood: within the time that a look takes what is wrong is raised,
// and what is over is resolved; nothing is said without cause; reminders come when promised.
func (w *weeks) holds(alarm string, within time.Duration, standing func(weeksMoment) notify.Standing) {
	w.t.Helper()
	var messages []weeksMessage
	for _, m := range w.got {
		if m.Alarm == alarm {
			messages = append(messages, m)
		}
	}
	var told bool
	var last time.Time // of the messages
	recent := map[notify.Standing]time.Time{}
	complain := func(at time.Time, what string) {
		w.t.Errorf("%s: %s at %s", alarm, what, at.UTC().Format("01-02 15:04:05"))
	}
	for _, life := range w.lives {
		since, was := life.from, notify.Unsure
		clear(recent)
		for at := life.from; !at.After(life.until.Add(early)); at = at.Add(time.Second) {
			is := was
			if !at.After(life.until) {
				is = standing(weeksMoment{at, life})
			}
			if recent[is] = at; is == either {
				recent[notify.Wrong], recent[notify.Fine] = at, at
			}
			if is != was {
				since, was = at, is
			}
			for len(messages) > 0 && messages[0].at.Before(at.Add(time.Second-early)) {
				m := messages[0]
				messages = messages[1:]
				seen := func(s notify.Standing) bool { return at.Sub(recent[s]) <= within+early }
				switch {
				case m.State == notify.Raised && !told && seen(notify.Wrong):
					told = true
				case m.State == notify.Resolved && told && seen(notify.Fine):
					told = false
				case m.State == notify.Reminder && told && seen(notify.Wrong) && m.at.Sub(last) >= weeksEvery:
				default:
					complain(m.at, string(m.State)+" without cause ("+m.Text+")")
				}
				last = m.at
			}
			long := at.Sub(since) > within+early
			every := weeksEvery
			switch alarm {
			case "disk_low":
				every = 24 * time.Hour
			case "heartbeat": // which is there each minute anyway
				every = math.MaxInt64 - within
			}
			switch {
			case long && is == notify.Wrong && !told:
				complain(at, "not raised")
				told = true
			case long && is == notify.Fine && told:
				complain(at, "not resolved")
				told = false
			case long && is == notify.Wrong && told && at.Sub(last) > every+within:
				complain(at, "no reminder")
				last = at
			}
		}
	}
	if len(messages) > 0 {
		complain(messages[0].at, "a message of no process")
	}
}

// before is the last of a list that is not after a moment; the zero time is none.
func before(list []time.Time, at time.Time) time.Time {
	i := sort.Search(len(list), func(i int) bool { return list[i].After(at) })
	if i == 0 {
		return time.Time{}
	}
	return list[i-1]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// session is the one that is open at a moment.
func (w *weeks) session(at time.Time) (s ledger.Session, open bool) {
	for _, s := range w.sessions {
		if s.Contains(at.UnixMilli()) {
			return s, true
		}
	}
	return s, false
}

// connection is the last one that a process had begun by a moment, and whether it lives.
func (w *weeks) connection(m weeksMoment) (c *weeksConn, lives bool) {
	i := sort.Search(len(w.conns), func(i int) bool { return w.conns[i].began.After(m.at) })
	if i == 0 || w.conns[i-1].began.Before(m.life.from) {
		return nil, false
	}
	c = w.conns[i-1]
	return c, c.ended.IsZero() || c.ended.After(m.at)
}

// feed: nothing was heard for two minutes while the market is open, or nobody was connected
// for as long; nothing is said of it beside a refused key and a full disk.
func (w *weeks) feed(m weeksMoment) notify.Standing {
	s, open := w.session(m.at)
	if !open {
		return notify.Fine
	}
	base := later(time.UnixMilli(s.Open), m.life.from)
	sign := before(w.signs, m.at)
	silent := m.at.Sub(later(sign, base))
	limit := 5 * time.Minute
	if before(w.canary, m.at).After(m.life.from) {
		limit = 45 * time.Second
	}
	c, connected := w.connection(m)
	dropped := base
	if c != nil && !connected {
		dropped = later(base, c.ended)
	}
	switch {
	case silent > max(2*time.Minute, limit), !connected && m.at.Sub(dropped) > 2*time.Minute:
		if w.key(m) == notify.Wrong || w.full(m) == notify.Wrong {
			return notify.Unsure
		}
		return notify.Wrong
	case connected && !sign.Before(base) && silent <= limit:
		return notify.Fine
	}
	return notify.Unsure
}

// heart: what the heartbeat calls a failure.
func (w *weeks) heart(m weeksMoment) notify.Standing {
	for _, of := range []func(weeksMoment) notify.Standing{w.key, w.full, w.feed} {
		if of(m) == notify.Wrong {
			return notify.Wrong
		}
	}
	return notify.Fine
}

// key: refused three times in a row in a session, or at the try of a start before it.
func (w *weeks) key(m weeksMoment) notify.Standing {
	_, open := w.session(m.at)
	c, connected := w.connection(m)
	if connected && (c.tookKey(m.at)) {
		return notify.Fine
	}
	// A sign of life takes back what was refused before it, and so does a connection of more
	// than a minute.
	since := later(before(w.signs, m.at), m.life.from)
	for _, k := range slices.Backward(w.conns) {
		if !k.ended.After(m.at) && k.ended.Sub(k.began) > time.Minute {
			since = later(since, k.began)
			break
		}
	}
	refusals, last := 0, time.Time{}
	i := sort.Search(len(w.dials), func(i int) bool { return w.dials[i].at.After(m.at) })
	for i--; i >= 0 && !w.dials[i].at.Before(since); i-- {
		if w.dials[i].refused {
			if refusals++; last.IsZero() {
				last = w.dials[i].at
			}
		}
	}
	atStart := refusals == 1 && last.Sub(m.life.from) < time.Second && w.farFromOpen(last)
	if refusals >= 3 && open || atStart {
		return notify.Wrong
	}
	return notify.Unsure
}

// tookKey says whether a connection proves by a moment that the key is taken.
func (c *weeksConn) tookKey(at time.Time) bool {
	return at.Sub(c.began) > time.Minute || !before(c.w.signs, at).Before(c.began)
}

// farFromOpen says whether a start at a moment tries the key.
func (w *weeks) farFromOpen(at time.Time) bool {
	if _, open := w.session(at); open {
		return false
	}
	for _, s := range w.sessions {
		if left := time.UnixMilli(s.Open).Sub(at); left > 0 && left <= 5*time.Minute {
			return false
		}
	}
	return true
}

// full: the last commit of the process found no room, or there is hardly any.
func (w *weeks) full(m weeksMoment) notify.Standing {
	i := sort.Search(len(w.commits), func(i int) bool { return w.commits[i].at.After(m.at) })
	known := i > 0 && !w.commits[i-1].at.Before(m.life.from)
	switch {
	case w.is(m.at, "nearly"), known && !w.commits[i-1].ok:
		return notify.Wrong
	case known:
		return notify.Fine
	}
	return notify.Unsure
}

// low: what is left will not do for long.
func (w *weeks) low(m weeksMoment) notify.Standing {
	if w.is(m.at, "low", "nearly") {
		switch from := time.UnixMilli(w.began); {
		case m.at.Before(from.Add(-time.Minute)):
			return notify.Unsure // without a session nobody knows
		case m.at.Before(later(from, w.firstKept()).Add(2 * time.Minute)):
			return either
		}
		return notify.Wrong
	}
	return notify.Fine
}

// backup: none of the session that ended two hours ago, or at a start since when it should be
// there.
func (w *weeks) backup(m weeksMoment) notify.Standing {
	var last time.Time
	for _, s := range w.sessions {
		if closed := time.UnixMilli(s.Close); s.Open >= w.began && closed.Add(time.Minute).Before(m.at) {
			last = closed
		}
	}
	made := before(w.backups, m.at)
	switch {
	case last.IsZero():
		return notify.Unsure
	case made.Before(last) && w.wasFull(later(last, m.life.from), m.at):
		return either // it may have come onto the file later, which is when the two hours begin
	case !made.Before(last):
		return notify.Fine
	case m.at.Sub(later(last, m.life.from)) > 2*time.Hour:
		return notify.Wrong
	}
	return notify.Unsure
}

// wasFull says whether the disk was full at some time.
func (w *weeks) wasFull(from, until time.Time) bool {
	return slices.ContainsFunc(w.troubles, func(x trouble) bool {
		return x.kind == "full" && x.from.Before(until) && x.until.After(from)
	})
}

// firstKept is when something was on file for the first time.
func (w *weeks) firstKept() time.Time {
	for _, c := range w.commits {
		if c.ok && c.at.UnixMilli() >= w.began {
			return c.at
		}
	}
	return time.Time{}
}

// crashes holds the messages of crashes against the kills: each is told at the next start, but
// not more often than every four hours.
func (w *weeks) crashes() {
	var want, got []time.Time
	for _, m := range w.got {
		if m.Alarm == "crash" {
			got = append(got, m.at)
		}
	}
	waiting, last := 0, time.Time{}
	for i, life := range w.lives {
		if i > 0 && w.lives[i-1].killed {
			waiting++
		}
		due := life.from
		if !last.IsZero() {
			due = later(due, last.Add(weeksEvery))
		}
		// A start that lives on has no crash of its own to tell: what waits is told by the
		// next that was started after one.
		if waiting > 0 && i > 0 && w.lives[i-1].killed && due.Before(life.until) {
			want = append(want, due)
			if waiting, last = 0, due; len(want) <= len(got) {
				last = got[len(want)-1] // the four hours are from when it was told
			}
		}
	}
	if len(got) != len(want) {
		w.t.Errorf("%d messages of crashes at %v, want %d at %v", len(got), got, len(want), want)
		return
	}
	for i := range got {
		if late := got[i].Sub(want[i]); late < 0 || late > 7*time.Second {
			w.t.Errorf("a crash was told at %s, want %s", got[i], want[i])
		}
	}
}

// coverage holds the ledger against the connections, second by second, what was missed against
// what the world took away, and the messages of thin sessions against the ledger.
func (w *weeks) coverage(file *store.File) {
	var thin []string
	all, err := file.Sessions()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range w.sessions {
		if s.Open < w.began {
			continue // before anything was on file nobody knows that something is missing
		}
		if !slices.ContainsFunc(all, func(each store.Summary) bool { return each.Session == s }) {
			w.t.Errorf("session %s is not on file", s.Date())
			continue
		}
		lines, err := file.Timelines(s)
		if err != nil {
			w.t.Fatal(err)
		}
		heard := int64(0)
		for _, p := range lines("QLD") {
			if p.Cause != ledger.Heard {
				continue
			}
			heard += p.Until - p.From
			for at := p.From; at < p.Until; at += 1000 {
				if !w.vouched(time.UnixMilli(at), time.UnixMilli(min(at+1000, p.Until))) {
					w.t.Errorf("session %s: %s counts as heard", s.Date(), time.UnixMilli(at).UTC().Format(time.TimeOnly))
					break
				}
			}
		}
		allowed, cuts := w.allowed(s)
		// Of each cut: the last seconds before it that nothing vouches for any more, and the
		// longest wait for the next try, which is a minute, and five for a refused key.
		if lost := allowed - heard; lost > cuts*75_000+w.refusedFor(s)*300_000 {
			w.t.Errorf("session %s: %d s were heard of %d s that the feed allowed, in %d cuts", s.Date(), heard/1000, allowed/1000, cuts)
		}
		if part := float64(heard) / float64(s.Close-s.Open); part < 0.99 {
			thin = append(thin, s.Date())
		}
		w.t.Logf("session %s: %.1f %% heard of %.1f %% that the feed allowed", s.Date(), 100*float64(heard)/float64(s.Close-s.Open), 100*float64(allowed)/float64(s.Close-s.Open))
	}
	w.reports("coverage", thin, false)
	var dates []string
	for _, s := range w.sessions {
		dates = append(dates, s.Date())
	}
	w.reports("summary", dates, true)
}

// vouched says whether a connection was there in a stretch of time, and gave a sign of life at
// its end or later.
func (w *weeks) vouched(from, until time.Time) bool {
	return slices.ContainsFunc(w.conns, func(c *weeksConn) bool {
		return !c.began.After(from.Add(time.Millisecond)) && !c.sign.Before(until.Truncate(time.Millisecond)) || c.endsSession(from)
	})
}

// endsSession says whether a connection lived on over the close that a moment is just before.
func (c *weeksConn) endsSession(from time.Time) bool {
	for _, s := range c.w.sessions {
		closes := time.UnixMilli(s.Close)
		if from.Before(closes) && closes.Sub(from) <= 10*time.Second && c.began.Before(from) && c.ended.After(closes) {
			return true
		}
	}
	return false
}

// allowed is how many ms of a session a process lived and the feed was well, and how often
// that was cut.
func (w *weeks) allowed(s ledger.Session) (ms, cuts int64) {
	was := false
	for at := time.UnixMilli(s.Open); at.UnixMilli() < s.Close; at = at.Add(time.Second) {
		is := !w.is(at, "cut", "mute", "hangup", "key") && slices.ContainsFunc(w.lives, func(l weeksLife) bool { return !at.Before(l.from) && at.Before(w.kept(l)) })
		if is {
			ms += 1000
		}
		if is != was {
			cuts++
		}
		was = is
	}
	return ms, cuts + 1
}

// kept is until when what a process heard is on file: of one that was killed while the disk was
// full until its last commit, if that is long ago.
func (w *weeks) kept(l weeksLife) time.Time {
	i := sort.Search(len(w.commits), func(i int) bool { return w.commits[i].at.After(l.until) })
	if i == 0 || w.commits[i-1].ok {
		return l.until
	}
	for i > 0 && !w.commits[i-1].ok {
		i--
	}
	if i == 0 {
		return l.from
	}
	return later(l.from, w.commits[i-1].at)
}

// refusedFor is how many stretches of a refused key a session has.
func (w *weeks) refusedFor(s ledger.Session) (n int64) {
	for _, x := range w.troubles {
		if x.kind == "key" && x.from.UnixMilli() < s.Close && x.until.UnixMilli() > s.Open {
			n++
		}
	}
	return n
}

// reports holds the messages of sessions that have ended, of one kind, against the sessions that
// call for one: one for each that was the last to have ended while a process lived, on a disk
// with room, long enough to say so; whole says that it has to have lived at the close.
func (w *weeks) reports(alarm string, dates []string, whole bool) {
	got := map[string]int{}
	for _, m := range w.got {
		if m.Alarm != alarm {
			continue
		}
		_, date, _ := strings.Cut(m.Title, "session ")
		date = strings.TrimSuffix(date, " has holes")
		got[date]++
		if !slices.Contains(dates, date) || got[date] > 1 {
			w.t.Errorf("%s: %s (%d)", m.at, m.Text, got[date])
		}
	}
	for i, s := range w.sessions {
		until := time.UnixMilli(s.Close).Add(24 * time.Hour)
		if i+1 < len(w.sessions) {
			until = time.UnixMilli(w.sessions[i+1].Close)
		}
		if slices.Contains(dates, s.Date()) && got[s.Date()] == 0 && w.couldSay(time.UnixMilli(s.Close), until, whole) {
			w.t.Errorf("session %s: nobody was told of %s", s.Date(), alarm)
		}
	}
}

// couldSay says whether a process had five minutes in a row to tell of a session.
func (w *weeks) couldSay(closed, until time.Time, whole bool) bool {
	for _, l := range w.lives {
		if whole && l.from.After(closed) {
			continue
		}
		minutes := 0
		for at := later(closed.Add(2*time.Minute), l.from); at.Before(l.until) && at.Before(until); at = at.Add(time.Minute) {
			if minutes++; w.is(at, "full") {
				minutes = 0
			}
			if minutes > 5 {
				return true
			}
		}
	}
	return false
}
