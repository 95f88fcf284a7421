package rss

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// everyOpen and everyClosed are how often a feed is asked that says nothing about it.
	everyOpen, everyClosed = 10 * time.Minute, 30 * time.Minute
	// shortest and longest bound what a feed or its server asks for.
	shortest, longest = 5 * time.Minute, 7 * 24 * time.Hour
	// A feed that fails is asked again after backOff, then after twice as long, to backOffMost.
	backOff, backOffMost = 15 * time.Minute, 24 * time.Hour
	// pause is how long a host is left alone between two requests.
	pause = time.Second
	// astray is after how many failures a permanent redirect is forgotten.
	astray = 3
)

// settle enters an answer in the state of a feed, and finds when it is asked next.
func (f *feed) settle(a *answer, now time.Time, open bool) {
	f.Asked, f.Last = now.UnixMilli(), a.outcome
	if f.Outcomes == nil {
		f.Outcomes = make(map[string]int64)
	}
	f.Outcomes[a.outcome]++
	wait := everyClosed
	if open {
		wait = everyOpen
	}
	if a.good() {
		f.Failures, f.Answered = 0, now.UnixMilli()
		f.learn(a)
		wait = max(wait, time.Duration(f.TTL)*time.Millisecond, time.Duration(f.Fresh)*time.Millisecond)
	} else {
		f.Failures++
		wait = max(wait, min(backOffMost, backOff<<min(f.Failures-1, 10)))
		f.Retired = a.outcome == gone
		if f.Failures >= astray {
			f.Moved = ""
		}
	}
	wait = min(longest, max(shortest, wait, a.after))
	wait += rand.N(min(wait/10, 10*time.Minute)) // never earlier
	f.due = f.spared(now.Add(wait))
	f.Next = f.due.UnixMilli()
}

// learn keeps what an answer says of the document and its place.
func (f *feed) learn(a *answer) {
	if a.moved != "" {
		f.Moved = a.moved
	}
	if a.fresh >= 0 {
		f.Fresh = min(a.fresh, longest).Milliseconds()
	} else if a.outcome != unchanged {
		f.Fresh = 0
	}
	if a.etag != "" || a.outcome != unchanged { // a 304 may renew them
		f.ETag = a.etag
	}
	if a.modified != "" || a.outcome != unchanged {
		f.Modified = a.modified
	}
	if a.document == nil {
		return
	}
	f.Sum = a.sum
	f.TTL = min(a.document.ttl, longest).Milliseconds()
	f.SkipHours, f.SkipDays = a.document.skipHours, a.document.skipDays
}

// spared is the first moment from t on that is in no hour or day to be skipped. A feed that
// would have all of them skipped is not believed.
func (f *feed) spared(t time.Time) time.Time {
	at := t.UTC()
	for range 7 * 24 {
		if f.SkipHours>>at.Hour()&1 == 0 && f.SkipDays>>at.Weekday()&1 == 0 {
			return at
		}
		at = at.Truncate(time.Hour).Add(time.Hour)
	}
	return t
}

// freshness is how long a server says that its answer holds: max-age, else Expires
// (RFC 9111, 4.2.1), less the age it has already; -1 when it does not say.
func freshness(h http.Header, now time.Time) time.Duration {
	fresh := time.Duration(-1)
	for _, field := range h.Values("Cache-Control") {
		for part := range strings.SplitSeq(field, ",") {
			name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "=")
			switch name {
			case "no-cache", "no-store":
				return 0
			case "max-age":
				if s, ok := seconds(strings.Trim(value, `"`)); ok {
					fresh = s
				}
			}
		}
	}
	if fresh >= 0 {
		age, _ := seconds(h.Get("Age"))
		return max(0, fresh-age)
	}
	if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
		return max(0, expires.Sub(sent(h, now)))
	}
	return -1
}

// retryAfter is what a server asks for, in seconds or as a date (RFC 9110, 10.2.3); 0 when
// it asks for nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if s, ok := seconds(text); ok {
		return s
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(sent(h, now)))
	}
	return 0
}

// sent is when the server wrote the header, by its own clock, which its other dates are by.
func sent(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// seconds is a whole number of them that is not negative; years are cut.
func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, 10*365*24*60*60)) * time.Second, true
}
