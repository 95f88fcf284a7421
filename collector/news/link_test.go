package news

import (
	"net/url"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                    "",
		"not a link":                          "",
		"/story/1":                            "",
		"ftp://e.com/1":                       "",
		"javascript:alert(1)":                 "",
		"http://":                             "",
		" HTTPS://User:Pass@WWW.E.com:443/A ": "https://www.e.com/A",
		"http://e.com:80/a":                   "http://e.com/a",
		"http://e.com:8080/a":                 "http://e.com:8080/a",
		"https://e.com/a?utm_source=x&id=7&UTM_Campaign=y&fbclid=z": "https://e.com/a?id=7",
		"https://e.com/a?utm%5Fsource=x":                            "https://e.com/a",
		"https://e.com/a?b=2&a=1&empty":                             "https://e.com/a?b=2&a=1&empty",
		"https://e.com/a?q=%20+x&&":                                 "https://e.com/a?q=%20+x",
		"https://e.com/a?":                                          "https://e.com/a",
		"https://e.com/a#xtor=RSS-3":                                "https://e.com/a",
		"https://e.com/#!/story/1":                                  "https://e.com/#!/story/1",
		"https://e.com/a?.tsrc=rss":                                 "https://e.com/a?.tsrc=rss",
		"https://news.google.com/rss/articles/CBM?oc=5":             "https://news.google.com/rss/articles/CBM?oc=5",
		"https://e.com/" + strings.Repeat("a", 3000):                "",
	} {
		if got := Canonical(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// The same article under other links, and other articles under links that look the same.
func TestLinkKey(t *testing.T) {
	same := [][]string{
		{"https://e.com/a?x=1&y=2", "http://www.e.com/a/?y=2&x=1", "https://e.com/a?x=1&y=2&.tsrc=rss&mod=mw_rss"},
		{"https://e.com/story", "https://e.com/story/#comments", "https://E.com/story?utm_medium=rss"},
		{"https://e.com/Story", "https://e.com/Story"},
		{"https://e.com/?p=1", "https://www.e.com?p=1"},
		{"https://e.com/?p=2"},
		{"https://e.com/story?id=7"},
		{"https://e.com/story?cid=7"},
		{"https://e.com/story?pk_news=7"},
		{"https://e.com/#!/story"},
	}
	of := make(map[string]int)
	for i, list := range same {
		for _, link := range list {
			key := linkKey(Canonical(link))
			if j, ok := of[key]; ok && j != i {
				t.Errorf("%s has the key %q of %q", link, key, same[j])
			}
			of[key] = i
		}
	}
	if len(of) != len(same) {
		t.Errorf("%d keys of %d articles: %v", len(of), len(same), of)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"https://e.com/a?utm_source=x&b=1#c", "http://[::1]:80/?a=b;c", "https://e.com/%2f?%zz=1&a", "https://e.com/#!%41", "//e.com", "https://ü.com/ä?ö=ß"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		link := Canonical(raw)
		if link == "" {
			return
		}
		u, err := url.Parse(link)
		if err != nil || u.Hostname() == "" || u.User != nil || len(link) > linkMost {
			t.Fatalf("%q: %q: %v", raw, link, err)
		}
		if again := Canonical(link); again != link {
			t.Errorf("%q: %q, and again %q", raw, link, again)
		}
		if linkKey(link) == "" {
			t.Errorf("%q has no key", link)
		}
	})
}
