package news

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const seen = 1_763_735_400_000 // 2025-11-21 14:30 UTC

func articlesOf(items ...Item) []Article { return Articles(items, "feed", "https://e.com/", seen, nil) }

// ids are those of items that come one after the other, each in a document of its own.
func ids(items ...Item) (list []ID) {
	for _, it := range items {
		for _, a := range articlesOf(it) {
			list = append(list, a.ID)
		}
	}
	return list
}

func TestIdentity(t *testing.T) {
	day := int64(24 * 3_600_000)
	for name, c := range map[string]struct {
		items []Item
		want  int // different articles, of documents of one item
	}{
		"an edited title":              {[]Item{{Title: "A", Link: "https://e.com/1"}, {Title: "A (updated)", Link: "https://e.com/1"}}, 1},
		"a changed GUID":               {[]Item{{Title: "A", Link: "https://e.com/1", GUID: "x"}, {Title: "A", Link: "https://e.com/1", GUID: "y"}}, 1},
		"one GUID for all":             {[]Item{{Title: "A", Link: "https://e.com/1", GUID: "x"}, {Title: "B", Link: "https://e.com/2", GUID: "x"}}, 2},
		"other trackers":               {[]Item{{Title: "A", Link: "https://e.com/1?utm_source=a"}, {Title: "A", Link: "http://www.e.com/1/?.tsrc=rss"}}, 1},
		"a front page as a link":       {[]Item{{Title: "A", Link: "https://e.com/", GUID: "x"}, {Title: "B", Link: "https://e.com/", GUID: "y"}}, 2},
		"a front page, edited":         {[]Item{{Title: "A", Link: "https://e.com/", GUID: "x", Published: seen}, {Title: "B", Link: "https://e.com/", GUID: "x", Published: seen}}, 1},
		"no link, a GUID that is one":  {[]Item{{Title: "A", GUID: "https://e.com/1"}, {Title: "B", GUID: "https://e.com/1"}, {Title: "A", Link: "https://e.com/1"}}, 1},
		"no link, edited":              {[]Item{{Title: "A", GUID: "x", Published: seen}, {Title: "B", GUID: "x", Published: seen}}, 1},
		"no link, one GUID, days":      {[]Item{{Title: "A", GUID: "x", Published: seen}, {Title: "B", GUID: "x", Published: seen - day}}, 2},
		"neither link nor GUID":        {[]Item{{Title: "A story."}, {Title: "a  STORY"}, {Title: "Another"}}, 2},
		"the same title, another day":  {[]Item{{Title: "Close", Published: seen}, {Title: "Close", Published: seen - 2*day}}, 2},
		"dates that cannot be, edited": {[]Item{{Title: "A", GUID: "x", Published: 1}, {Title: "B", GUID: "x", Published: seen * 2}}, 1},
		"a query that is the article":  {[]Item{{Title: "A", Link: "https://e.com/?p=1"}, {Title: "B", Link: "https://e.com/?p=2"}}, 2},
		"nothing":                      {[]Item{{}, {GUID: "x"}, {Text: "text alone"}}, 0},
		"a link and a text, no title":  {[]Item{{Link: "https://e.com/1", Text: "<p>text</p>"}, {Title: "text", Link: "https://e.com/1"}}, 1},
	} {
		different := make(map[ID]bool)
		for _, id := range ids(c.items...) {
			different[id] = true
		}
		if len(different) != c.want {
			t.Errorf("%s: %d articles, want %d", name, len(different), c.want)
		}
	}
}

// Within a document what several items share names none of them.
func TestSharedInADocument(t *testing.T) {
	var links, guids, twice []Item
	for i := range 5 {
		title := fmt.Sprintf("Story %d", i)
		links = append(links, Item{Title: title, Link: "https://e.com/live", GUID: fmt.Sprint(i)})
		guids = append(guids, Item{Title: title, GUID: "same"})
		twice = append(twice, Item{Title: title, Link: fmt.Sprintf("https://e.com/%d", i/2)})
	}
	for name, c := range map[string]struct {
		items []Item
		want  int
	}{"one link for all": {links, 5}, "one GUID for all": {guids, 5}, "twice in one": {twice, 3}} {
		if got := articlesOf(c.items...); len(got) != c.want {
			t.Errorf("%s: %d articles, want %d", name, len(got), c.want)
		}
	}
	if got := Articles(links, "feed", "https://e.com/live", seen, nil); len(got) != 5 {
		t.Errorf("the feed's own page as a link: %d articles", len(got))
	}
	// The same article in two feeds is one.
	a := Articles([]Item{{Title: "A", Link: "https://e.com/1"}}, "one", "", seen, nil)
	b := Articles([]Item{{Title: "B", Link: "https://e.com/1", Source: "<b>Wire</b>"}}, "two", "", seen, nil)
	if a[0].ID != b[0].ID || a[0].Source != "one" || b[0].Source != "Wire" {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestPublished(t *testing.T) {
	for published, want := range map[int64]int64{
		0: 0, -5: 0, 1: 0, seen: seen,
		time.Date(1994, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli(): 0,
		time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli():      time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
		seen + 48*3_600_000:     seen + 48*3_600_000,
		seen + 48*3_600_000 + 1: 0,
	} {
		if got := articlesOf(Item{Title: "A", Published: published})[0].Published; got != want {
			t.Errorf("%d: %d, want %d", published, got, want)
		}
	}
}

func TestLongTitles(t *testing.T) {
	a := articlesOf(Item{Title: strings.Repeat("Größe ", 300)}, Item{Link: "https://e.com/1", Text: strings.Repeat("word ", 300)})
	if len(a) != 2 || len(a[0].Title) > titleMost || !strings.HasSuffix(a[0].Title, "Größe") || len(a[1].Title) > snippetMost || !strings.HasSuffix(a[1].Title, "word") {
		t.Errorf("%+v", a)
	}
	if text := Shorten(strings.Repeat("ü", 100), 101); !utf8.ValidString(text) || len(text) != 100 {
		t.Errorf("%q", text)
	}
}
