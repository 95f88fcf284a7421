package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/news"
	"tapedeck/store"
)

// The feeds that do not answer stand first; one that has not answered yet is among them, one
// that left the list is in none. Nobody's password is shown.
func TestStatusFeeds(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	f, err := store.Open(db, store.Options{Command: "test", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out := feedsOf(t, db); out != db+" knows no feed: none was asked yet.\n" {
		t.Errorf("of none it says %q", out)
	}
	if f, err = store.Open(db, store.Options{Command: "test", NoSync: true}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	err = f.PutNews([]news.Article{{ID: news.ID{1}, Seen: 1}}, []news.State{
		{URL: "https://a.com/", Source: "Fine", Last: "unchanged", Answered: at(-2 * time.Hour), Next: at(time.Hour + time.Minute), Articles: 1234, Outcomes: map[string]int64{"ok": 2, "unchanged": 5}},
		{URL: "https://me:secret@b.com/", Source: "Silent", Last: "404", Failures: 3, Next: at(-time.Hour), Outcomes: map[string]int64{"404": 3}},
		{URL: "https://c.com/", Source: "Gone", Last: "410", Failures: 1, Retired: true, Outcomes: map[string]int64{"410": 1}},
		{URL: "https://d.com/", Source: "New"},
		{URL: "https://e.com/", Source: "Left", Left: true, Articles: 7},
	})
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	out := feedsOf(t, db)
	if strings.Contains(out, "secret") {
		t.Error("it shows a password")
	}
	want := `(?s)^4 feeds: 1 answer, 2 do not, 1 are gone for good; 1,234 headlines\n\nsource .*\n` +
		`New .*never .*https://d.com/ *\nSilent +404 +3 +never +in .*404 3 .*b.com/ *\nGone +410 +1 +never +never .*\nFine +unchanged +0 +2 h.* ago +in 1 h.* +1234 +unchanged 5, ok 2 +https://a.com/ *\n$`
	if !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("it says\n%s", out)
	}
	var states []news.State
	if err := json.Unmarshal([]byte(feedsOf(t, db, "--json")), &states); err != nil || len(states) != 4 || states[3].Articles != 1234 || states[1].Failures != 3 {
		t.Errorf("as JSON they are %+v: %v", states, err)
	}
}

func feedsOf(t *testing.T, db string, flags ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := dispatch(context.Background(), append([]string{"status", "--feeds", db}, flags...), console{&out, &errs}); code != 0 {
		t.Fatalf("%d: %s", code, errs.String())
	}
	return out.String()
}
