package command

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tapedeck/collector/eodhd"
	"tapedeck/schedule"
)

const (
	skewDoubt   = 2 * time.Second
	skewFault   = 30 * time.Second
	clockWithin = 8 * time.Second
)

// dateAddress is where the feed's host says which time it is.
func (r *runCommand) dateAddress() string {
	address := r.FeedURL
	if address == "" {
		address = eodhd.DefaultURL
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	scheme := "https"
	if u.Scheme == "ws" {
		scheme = "http"
	}
	return (&url.URL{Scheme: scheme, Host: u.Host, Path: "/"}).String()
}

// askDate asks a server of the web for its time. ours is our own when it answered, half of
// the way back taken off.
func askDate(ctx context.Context, client *http.Client, address string) (theirs, ours time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, clockWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return theirs, ours, err
	}
	begun := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return theirs, ours, err
	}
	defer response.Body.Close()
	ours = begun.Add(time.Since(begun) / 2)
	theirs, err = http.ParseTime(response.Header.Get("Date"))
	return theirs.Add(500 * time.Millisecond), ours, err // its milliseconds are cut off
}

// checkClock compares our clock with the feed's host's. An unreachable host is named by what
// tries the feed, and says nothing of the clock.
func checkClock(ctx context.Context, address string, ask func(context.Context, string) (theirs, ours time.Time, err error)) finding {
	const fix = "sudo timedatectl set-ntp true"
	theirs, ours, err := ask(ctx, address)
	if err != nil {
		return doubt("clock", fmt.Sprintf("not compared: the feed's host does not tell its time (%v)", bareWeb(err)), "timedatectl status   # says whether it is synchronised")
	}
	skew := ours.Sub(theirs)
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	says := fmt.Sprintf("ours is %.1f s %s that of the feed's host", skew.Abs().Seconds(), direction)
	switch {
	case skew.Abs() >= skewFault:
		return broken("clock", says, fix)
	case skew.Abs() >= skewDoubt:
		return doubt("clock", says, fix)
	}
	return good("clock", "%s, within the second that it is told by", says)
}

// checkCalendar says whether the table of holidays reaches far enough.
func checkCalendar(now time.Time, always bool) finding {
	if always {
		return good("calendar", "not asked, for the market is always open")
	}
	if warning, soon := schedule.Ends(now); soon {
		return doubt("calendar", warning, program()+" version   # get a newer one; until then --calendar-file FILE adds days")
	}
	return good("calendar", "the holidays until %s are known", schedule.CalendarUntil)
}

// checkZones proves that New York's time is known and right: the hour goes back at 2 in the
// morning of 2026-11-01.
func checkZones(now time.Time) finding {
	change := time.Date(2026, time.November, 1, 6, 0, 0, 0, time.UTC)
	_, before := change.Add(-time.Second).In(schedule.NewYork()).Zone()
	_, after := change.In(schedule.NewYork()).Zone()
	if before != -4*3600 || after != -5*3600 {
		return broken("time zones", fmt.Sprintf("New York is %d s from UTC before 2026-11-01 and %d s after it, in place of -14400 and -18000", before, after), "unset ZONEINFO   # so that the zones in the program are used")
	}
	return good("time zones", "in New York it is %s, and the change of 2026-11-01 is known", now.In(schedule.NewYork()).Format("Mon Jan 2 2006 03:04:05 PM MST"))
}
