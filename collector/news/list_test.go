package news

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestParseList(t *testing.T) {
	for name, c := range map[string]struct {
		list     string
		feeds    string // URL Source; ...
		problems string // Where; ...
		line     int    // of the error, -1 for one of the whole
	}{
		"the owner's":      {list: `{"feeds":[{"url":"https://e.com/a","source":"E &amp; A"},{"url":"https://www.e.com/b"}]}`, feeds: "https://e.com/a E & A; https://www.e.com/b e.com"},
		"an array":         {list: "\xef\xbb\xbf [\"https://e.com/a\", {\"url\": \"http://e.com/b\", \"more\": 1}]", feeds: "https://e.com/a e.com; http://e.com/b e.com"},
		"bad entries":      {list: `{"feeds":[{"source":"x"},{"url":5},7,null,{"url":"ftp://e.com"},{"url":"https://e.com/a"},{"url":" HTTPS://e.com/a "},{"url":"http://e.com/a"}]}`, feeds: "https://e.com/a e.com", problems: "feeds[0]; feeds[1]; feeds[2]; feeds[3]; feeds[4]; feeds[6]; feeds[7]"},
		"broken JSON":      {list: "{\"feeds\": [\n{\"url\": \"https://e.com/a\"},\n}", line: 3},
		"feeds is no list": {list: `{"feeds": "x"}`, line: -1},
		"no feeds":         {list: `{}`},
		"empty":            {list: " \r\n ", line: -1},
		"lines":            {list: "# feeds\r\n\r\nhttps://e.com/a\r\nhttps://e.com/b, The B\r\nhttps://e.com/c  The C feed\r\nno address\r\nhttps://e.com/a", feeds: "https://e.com/a e.com; https://e.com/b The B; https://e.com/c The C feed", problems: "line 6; line 7"},
		"a CSV":            {list: "url,name,topic\n\"https://e.com/?s=A,B\",\"Name, with a comma\",x\nhttps://e.com/b,B,y\n", feeds: "https://e.com/?s=A,B Name, with a comma; https://e.com/b B"},
		"OPML": {list: "<?xml version=\"1.0\"?>\n<opml version=\"2.0\"><body>\n<outline text=\"Folder\"><outline type=\"rss\" text=\"A\" title=\"The A\" xmlUrl=\"https://e.com/a?x=1&amp;y=2\"/>\n<outline text=\"B\" XMLURL='http://e.com/b'/></outline>\n<outline type=\"rss\" text=\"C\"/>\n</body></opml>",
			feeds: "https://e.com/a?x=1&y=2 The A; http://e.com/b B", problems: "line 5"},
		"OPML in latin 1": {list: "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><opml><body><outline text=\"Gr\xfc\xdfe\" xmlUrl=\"https://e.com/a\"/></body></opml>", feeds: "https://e.com/a Grüße"},
		"broken OPML":     {list: "<opml>\n<body>\n<outline xmlUrl=\"https://e.com/a\"", line: 3},
		"HTML":            {list: "<html></html>", line: 1},
	} {
		feeds, problems, err := ParseList([]byte(c.list))
		var got, where []string
		for _, f := range feeds {
			got = append(got, f.URL+" "+f.Source)
		}
		for _, p := range problems {
			where = append(where, p.Where)
			if p.What == "" {
				t.Errorf("%s: %s has no reason", name, p.Where)
			}
		}
		var list *ListError
		if errors.As(err, &list) != (c.line != 0) || list != nil && list.Line != max(c.line, 0) {
			t.Errorf("%s: error %v, want line %d", name, err, c.line)
		}
		if err == nil && strings.Join(got, "; ") != c.feeds || strings.Join(where, "; ") != c.problems {
			t.Errorf("%s: %q and %q, want %q and %q", name, got, problems, c.feeds, c.problems)
		}
	}
}

// What may be a password is in no problem.
func TestListWithPasswords(t *testing.T) {
	feeds, problems, err := ParseList([]byte("https://me:secret@e.com/a\nhttps://me:secret@e.com/a\nhttps://me:secret@:x/\nftp://me:secret@e.com"))
	if err != nil || len(feeds) != 1 || len(problems) != 3 || strings.Contains(fmt.Sprint(problems), "secret") {
		t.Errorf("%v %v %v", feeds, problems, err)
	}
}

func TestManyFeeds(t *testing.T) {
	var b strings.Builder
	for i := range feedsMost + 2 {
		fmt.Fprintf(&b, "https://e.com/%d\n", i)
	}
	feeds, problems, err := ParseList([]byte(b.String()))
	if len(feeds) != feedsMost || len(problems) != 2 || err != nil {
		t.Errorf("%d feeds, %d problems, %v", len(feeds), len(problems), err)
	}
}

func TestDefaultFeeds(t *testing.T) {
	list := DefaultFeeds()
	if len(list) == 0 || len(list) > 8 {
		t.Fatalf("%d feeds", len(list))
	}
	data, err := os.ReadFile("../../../shared/data/feeds/finance_feed_urls.csv")
	if err != nil {
		t.Skipf("without the list of reported states: %v", err)
	}
	for _, f := range list {
		if u, err := url.Parse(f.URL); err != nil || u.Scheme != "https" || f.Source == "" {
			t.Errorf("%+v", f)
		}
		if !strings.Contains(string(data), f.URL) {
			t.Errorf("%s is not among those of which something is known", f.URL)
		}
	}
}

func FuzzParseList(f *testing.F) {
	for _, s := range []string{`{"feeds":[{"url":"https://e.com/a","source":"A"}]}`, `["http://e.com"]`, "https://e.com/a,A\n# x\n", `<opml><outline xmlUrl="http://e.com" text="a"/></opml>`, `{"feeds":null}`, `[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		feeds, problems, err := ParseList(data)
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		for _, f := range feeds {
			u, err := url.Parse(f.URL)
			if err != nil || u.Hostname() == "" || f.Source == "" || len(f.Source) > max(sourceMost, len(u.Hostname())) {
				t.Errorf("%+v", f)
			}
		}
		for _, p := range problems {
			if p.Where == "" || p.What == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
