package rss

import (
	"net/http"
	"testing"
	"time"

	"tapedeck/collector/news"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestFreshness(t *testing.T) {
	for _, c := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{}, -1},
		{http.Header{"Cache-Control": {"max-age=600"}}, 10 * time.Minute},
		{http.Header{"Cache-Control": {"public", `MAX-AGE="60" , must-revalidate`}}, time.Minute},
		{http.Header{"Cache-Control": {"max-age=600"}, "Age": {"100"}}, 500 * time.Second},
		{http.Header{"Cache-Control": {"max-age=600"}, "Age": {"1000"}}, 0},
		{http.Header{"Cache-Control": {"max-age=600, no-cache"}}, 0},
		{http.Header{"Cache-Control": {"s-maxage=600"}}, -1},
		{http.Header{"Cache-Control": {"max-age=soon"}, "Expires": {"Fri, 20 Nov 2026 12:30:00 GMT"}}, 30 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=60"}, "Expires": {"Fri, 20 Nov 2026 12:30:00 GMT"}}, time.Minute},
		{http.Header{"Expires": {"Fri, 20 Nov 2026 12:30:00 GMT"}, "Date": {"Fri, 20 Nov 2026 12:20:00 GMT"}}, 10 * time.Minute},
		{http.Header{"Expires": {"0"}}, -1},
		{http.Header{"Expires": {"Thu, 01 Jan 1970 00:00:00 GMT"}}, 0},
		{http.Header{"Cache-Control": {"max-age=99999999999999999999"}}, -1},
		{http.Header{"Cache-Control": {"max-age=9999999999999999"}}, 10 * 365 * 24 * time.Hour},
	} {
		if got := freshness(c.header, noon); got != c.want {
			t.Errorf("%v: %v, want %v", c.header, got, c.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                               0,
		"120":                            2 * time.Minute,
		" 120 ":                          2 * time.Minute,
		"-5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Fri, 20 Nov 2026 13:00:00 GMT":  time.Hour,
		"Fri, 20 Nov 2026 11:00:00 GMT":  0,
		"Friday, 20-Nov-26 13:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, noon); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// What the formula of the next look gives, without its jitter, which only adds.
func TestNextLook(t *testing.T) {
	bad := func(outcome string, after time.Duration) answer {
		return answer{outcome: outcome, after: after, fresh: -1}
	}
	good := func(fresh, ttl time.Duration) answer {
		return answer{outcome: fine, fresh: fresh, document: &document{ttl: ttl}}
	}
	for name, c := range map[string]struct {
		before news.State
		answer answer
		open   bool
		want   time.Duration
	}{
		"open":                     {answer: good(-1, 0), open: true, want: 10 * time.Minute},
		"closed":                   {answer: good(-1, 0), want: 30 * time.Minute},
		"ttl":                      {answer: good(-1, time.Hour), open: true, want: time.Hour},
		"max-age":                  {answer: good(2*time.Hour, time.Hour), open: true, want: 2 * time.Hour},
		"stale at once":            {answer: good(0, 0), open: true, want: 10 * time.Minute},
		"a year":                   {answer: good(365*24*time.Hour, 0), want: 7 * 24 * time.Hour},
		"304 keeps the ttl":        {before: news.State{TTL: 3_600_000, Fresh: 7_200_000}, answer: answer{outcome: unchanged, fresh: -1}, open: true, want: 2 * time.Hour},
		"304 renews the freshness": {before: news.State{TTL: 3_600_000, Fresh: 7_200_000}, answer: answer{outcome: unchanged, fresh: 0}, open: true, want: time.Hour},
		"200 without freshness":    {before: news.State{Fresh: 7_200_000}, answer: good(-1, 0), open: true, want: 10 * time.Minute},
		"first failure":            {answer: bad("404", 0), open: true, want: 15 * time.Minute},
		"third failure":            {before: news.State{Failures: 2}, answer: bad("404", 0), want: time.Hour},
		"thousandth failure":       {before: news.State{Failures: 999}, answer: bad("404", 0), want: 24 * time.Hour},
		"retry after":              {answer: bad("429", 5*time.Hour), want: 5 * time.Hour},
		"retry at once":            {answer: bad("503", time.Second), want: 30 * time.Minute},
		"retry after on success":   {answer: answer{outcome: fine, fresh: -1, after: 3 * time.Hour, document: &document{}}, want: 3 * time.Hour},
	} {
		f := &feed{State: c.before}
		f.settle(&c.answer, noon, c.open)
		wait := f.due.Sub(noon)
		if most := c.want + min(c.want/10, 10*time.Minute); wait < c.want || wait > most {
			t.Errorf("%s: asked after %v, want %v to %v", name, wait, c.want, most)
		}
		if f.Next != f.due.UnixMilli() {
			t.Errorf("%s: %d is kept of %v", name, f.Next, f.due)
		}
	}
}

func TestSkippedHours(t *testing.T) {
	friday := uint8(1 << time.Friday)
	for _, c := range []struct {
		hours uint32
		days  uint8
		want  time.Time
	}{
		{0, 0, noon},
		{1 << 12, 0, noon.Add(time.Hour)},
		{1<<12 | 1<<13 | 1<<15, 0, noon.Add(2 * time.Hour)},
		{0, friday, noon.Add(12 * time.Hour)},
		{1 | 1<<1, friday, noon.Add(14 * time.Hour)},
		{1<<24 - 1, 0, noon}, // not believed
		{0, 1<<7 - 1, noon},
	} {
		f := &feed{State: news.State{SkipHours: c.hours, SkipDays: c.days}}
		if got := f.spared(noon); !got.Equal(c.want) {
			t.Errorf("%024b %07b: %v, want %v", c.hours, c.days, got, c.want)
		}
	}
}

// A permanent redirect is kept while what is there answers.
func TestMovedAndAstray(t *testing.T) {
	f := &feed{State: news.State{URL: "http://a/"}}
	f.settle(&answer{outcome: fine, fresh: -1, moved: "http://b/", document: &document{}}, noon, false)
	if f.asked() != "http://b/" {
		t.Fatalf("it asks %s", f.asked())
	}
	for range astray - 1 {
		f.settle(&answer{outcome: "404", fresh: -1}, noon, false)
	}
	if f.asked() != "http://b/" {
		t.Errorf("it asks %s after %d failures", f.asked(), f.Failures)
	}
	f.settle(&answer{outcome: timedOut, fresh: -1}, noon, false)
	if f.asked() != "http://a/" {
		t.Errorf("it asks %s after %d failures", f.asked(), f.Failures)
	}
	f.settle(&answer{outcome: gone, fresh: -1}, noon, false)
	if !f.Retired {
		t.Error("410 does not retire it")
	}
}
