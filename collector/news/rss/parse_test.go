package rss

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tapedeck/collector/news"
)

const fixtures = "../../../../shared/data/feeds"

// The fixtures are excerpts of real feeds; expected.json says what is in them.
func TestFixtures(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures, "expected.json"))
	if err != nil {
		t.Skipf("without the fixtures: %v", err)
	}
	var expected map[string]struct {
		Items []struct {
			Title, Link, GUID string
			Unix              int64 `json:"published_unix"`
			Source            string
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) < 6 {
		t.Fatalf("%d fixtures", len(expected))
	}
	for name, want := range expected {
		body, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			t.Fatal(err)
		}
		d, err := parse(t.Context(), body, "text/xml", "https://feeds.example/")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		list := news.Articles(d.items, "feed", d.home, noon.UnixMilli(), nil)
		if len(list) < len(want.Items) {
			t.Fatalf("%s: %d articles, want %d", name, len(list), len(want.Items))
		}
		for i, w := range want.Items {
			a := list[i]
			if a.Title != w.Title || a.Link != w.Link || a.Published != w.Unix*1000 || d.items[i].GUID != w.GUID || d.items[i].Source != w.Source {
				t.Errorf("%s: item %d is %+v of %+v, want %+v", name, i, a, d.items[i], w)
			}
			if source := w.Source; source != "" && a.Source != source || source == "" && a.Source != "feed" {
				t.Errorf("%s: item %d is of %q", name, i, a.Source)
			}
		}
		if name == "nasdaq_2026-09-11.xml" && strings.Join(list[0].Symbols, " ") != "AAPL AMAT SPX" {
			t.Errorf("%s names %q", name, list[0].Symbols)
		}
	}
}

// channel is a small RSS document.
func channel(head, items string) string {
	return `<rss version="2.0"><channel><title>c</title><link>https://example.com/</link>` + head + items + `</channel></rss>`
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		body, contentType string
		title             string // of the first item
		published         string
		err               error
	}{
		"empty channel":         {body: channel("", "")},
		"no item, no end":       {body: `<rss version="2.0"><channel>`, err: errAny},
		"HTML":                  {body: "<!DOCTYPE html><html><body>403</body></html>", err: errNoFeed},
		"text":                  {body: "Too many requests", err: errNoFeed},
		"other XML":             {body: `<?xml version="1.0"?><sitemap/>`, err: errNoFeed},
		"JSON that is none":     {body: `{"error": "no"}`, err: errNoFeed},
		"JSON Feed":             {body: `{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","url":"https://e.com/1","title":"One &amp; two","date_published":"2026-11-20T10:00:00Z"}]}`, title: "One & two", published: "2026-11-20T10:00:00Z"},
		"RDF":                   {body: `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>c</title></channel><item rdf:about="y"><title>One</title><link>https://e.com/1</link><dc:date>2026-11-20T10:00:00Z</dc:date></item></rdf:RDF>`, title: "One", published: "2026-11-20T10:00:00Z"},
		"entities":              {body: item("S&amp;P 500 &lt;b&gt;slides&lt;/b&gt; &amp;amp; more &#8212; a &hellip;"), title: "S&P 500 slides & more — a …"},
		"bare ampersand":        {body: item("AT&T and S&P slide"), title: "AT&T and S&P slide"},
		"CDATA":                 {body: item("<![CDATA[<p>One</p> &amp; <b>two</b>]]>"), title: "One & two"},
		"UTF-8 BOM":             {body: "\xef\xbb\xbf" + item("Grüße"), title: "Grüße"},
		"broken UTF-8":          {body: `<?xml version="1.0" encoding="utf-8"?>` + item("Gr\xfc\xdfe"), title: "Gr\ufffde"},
		"latin 1, declared":     {body: `<?xml version="1.0" encoding="ISO-8859-1"?>` + item("Gr\xfc\xdfe"), title: "Grüße"},
		"latin 1 by the server": {body: item("Gr\xfc\xdfe"), contentType: "text/xml; charset=iso-8859-1", title: "Grüße"},
		"1251 by the server":    {body: item("\xcc\xee\xf1\xea\xe2\xe0"), contentType: "application/rss+xml; charset=windows-1251", title: "Москва"},
		"said by nobody":        {body: item("\x93One\x94"), title: "“One”"},
		"UTF-16":                {body: utf16Of(`<?xml version="1.0" encoding="UTF-16"?>` + item("Grüße")), title: "Grüße"},
		"unknown encoding":      {body: `<?xml version="1.0" encoding="klingon"?>` + item("\xfc"), err: errAny},
		"RFC 822":               {body: dated("Fri, 20 Nov 2026 05:00:00 EST"), title: "t", published: "2026-11-20T10:00:00Z"},
		"RFC 822, summer":       {body: dated("20 Jul 2026 05:00 EDT"), title: "t", published: "2026-07-20T09:00:00Z"},
		"ISO 8601":              {body: dated("2026-11-20T10:00:00+00:00"), title: "t", published: "2026-11-20T10:00:00Z"},
		"no date at all":        {body: dated("yesterday"), title: "t"},
		"the year 0":            {body: dated("Mon, 01 Jan 0001 00:00:00 GMT"), title: "t"},
		"the year 2099":         {body: dated("Thu, 01 Jan 2099 00:00:00 GMT"), title: "t"},
		"a relative link":       {body: `<rss version="2.0"><channel><item><title>t</title><link>/story/1</link></item></channel></rss>`, title: "t"},
		"FeedBurner":            {body: `<rss version="2.0" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel><item><title>t</title><link>https://feedproxy.google.com/~r/x/1</link><feedburner:origLink>https://e.com/1?utm_source=feedburner</feedburner:origLink></item></channel></rss>`, title: "t"},
	} {
		d, err := parse(t.Context(), []byte(c.body), c.contentType, "https://feeds.example/a.xml")
		if c.err != nil || err != nil {
			if err == nil || c.err == nil || c.err != errAny && !errors.Is(err, c.err) {
				t.Errorf("%s: error %v, want %v", name, err, c.err)
			}
			continue
		}
		list := news.Articles(d.items, "feed", d.home, noon.UnixMilli(), nil)
		if c.title == "" {
			if len(list) != 0 {
				t.Errorf("%s: %+v", name, list)
			}
			continue
		}
		published := ""
		if len(list) > 0 && list[0].Published != 0 {
			published = time.UnixMilli(list[0].Published).UTC().Format(time.RFC3339)
		}
		if len(list) != 1 || list[0].Title != c.title || published != c.published {
			t.Errorf("%s: %+v at %s, want %q at %s", name, list, published, c.title, c.published)
		}
		if name == "a relative link" && list[0].Link != "https://feeds.example/story/1" {
			t.Errorf("%s leads to %s", name, list[0].Link)
		}
		if name == "FeedBurner" && list[0].Link != "https://e.com/1" {
			t.Errorf("FeedBurner leads to %s", list[0].Link)
		}
	}
}

var errAny = errors.New("any")

func item(title string) string {
	return channel("", "<item><title>"+title+"</title><link>https://example.com/story/1</link></item>")
}

func dated(date string) string {
	return channel("", "<item><title>t</title><link>https://example.com/story/1</link><pubDate>"+date+"</pubDate></item>")
}

func utf16Of(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestHints(t *testing.T) {
	d, err := parse(t.Context(), []byte(channel("<ttl> 90 </ttl><skipHours><hour>0</hour><hour>23</hour><hour>24</hour><hour>99</hour><hour>x</hour></skipHours><skipDays><day>Saturday</day><day>sunday</day><day>Someday</day></skipDays>", "")), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if d.ttl != 90*time.Minute || d.skipHours != 1|1<<23 || d.skipDays != 1<<time.Saturday|1<<time.Sunday || d.home != "https://example.com/" {
		t.Errorf("%+v", d)
	}
}

// A document as large as is taken has as many articles as are kept of one.
func TestGiantDocument(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`<rss version="2.0"><channel>`)
	for i := 0; b.Len() < bodyMost-1000; i++ {
		fmt.Fprintf(&b, "<item><title>Story %d</title><link>https://e.com/%d</link><description>%s</description></item>", i, i, strings.Repeat("word ", 50))
	}
	b.WriteString(`</channel></rss>`)
	d, err := parse(t.Context(), b.Bytes(), "", "https://e.com/feed")
	if err != nil {
		t.Fatal(err)
	}
	list := news.Articles(d.items, "feed", d.home, noon.UnixMilli(), nil)
	t.Logf("%d bytes, %d items, %d articles", b.Len(), len(d.items), len(list))
	if len(list) != 1000 || list[999].Title != "Story 999" {
		t.Errorf("%d articles", len(list))
	}
}

// FuzzParse: whatever comes is read or refused, and what is kept of it is bounded.
func FuzzParse(f *testing.F) {
	f.Add([]byte(item("a")), "")
	f.Add([]byte(dated("Fri, 20 Nov 2026 05:00:00 EST")), "text/xml; charset=koi8-r")
	f.Add([]byte(utf16Of(item("a"))), "")
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":1,"url":"x"}]}`), "application/json")
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">&lt;i&gt;x</title><link href="https://e.com"/></entry></feed>`), "")
	names, _ := filepath.Glob(filepath.Join(fixtures, "*.xml"))
	for _, name := range names {
		if body, err := os.ReadFile(name); err == nil {
			f.Add(body, "text/xml")
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		d, err := parse(t.Context(), body, contentType, "https://feeds.example/")
		if err != nil {
			return
		}
		if d.ttl < 0 || d.skipHours >= 1<<24 || d.skipDays >= 1<<7 {
			t.Errorf("%+v", d)
		}
		for _, a := range news.Articles(d.items, "feed", d.home, noon.UnixMilli(), nil) {
			if a.Title == "" && a.Link == "" || strings.ContainsAny(a.Title, "\n\r\t") || len(a.Title) > 1000 || len(a.Link) > 2048 {
				t.Errorf("%+v", a)
			}
		}
	})
}
