package news

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// articlesMost is how many articles of one document are taken: its first ones.
	articlesMost = 1000
	titleMost    = 1000 // bytes
	snippetMost  = 200  // bytes of text in the place of a title
	// sharedLink is how many titles a link of one document has when it names none of them.
	sharedLink = 3
)

// Articles are the articles of one document, in its order, each once; what has neither title
// nor link and text is none. source is the feed's name, home the page that it is the feed of,
// seen when it was read (Unix ms). recorded may be nil.
//
// Their ids survive edited titles, changed GUIDs, and feeds with one GUID for all items: an
// article is its link, whichever feed it comes from. A front page, the page of the feed, and
// a link that several headlines of the document share name no article; a GUID that is a link
// is taken in the place of one. Else a GUID that no other item of the document has names it,
// together with its source and date: the date, because one GUID may also come with one item
// at a time, and an edited title keeps it. Else title and day do.
func Articles(items []Item, source, home string, seen int64, recorded func(symbol string) bool) []Article {
	items = items[:min(len(items), articlesMost)]
	d := survey(items, home)
	var list []Article
	known := make(map[ID]bool)
	for i := range items {
		it := &items[i]
		a := Article{Seen: seen, Published: plausible(it.Published, seen), Source: cmp.Or(Shorten(Plain(it.Source), sourceMost), source)}
		text := Plain(it.Text)
		a.Title, a.Link = Shorten(Plain(it.Title), titleMost), Canonical(it.Link)
		if a.Title == "" && a.Link != "" {
			a.Title = Shorten(text, snippetMost)
		}
		if a.Title == "" {
			continue
		}
		a.ID = d.id(it, &a, source)
		if known[a.ID] {
			continue
		}
		known[a.ID] = true
		a.Symbols = Symbols(a.Title, text, it.Tickers, recorded)
		list = append(list, a)
	}
	return list
}

// document is what the items of one say of what tells them apart.
type document struct {
	home   string                     // its key
	titles map[string]map[string]bool // by the key of a link
	guids  map[string]int             // how many items have it
}

func survey(items []Item, home string) *document {
	d := &document{home: linkKey(Canonical(home)), titles: make(map[string]map[string]bool), guids: make(map[string]int)}
	for i := range items {
		it := &items[i]
		if it.GUID != "" {
			d.guids[it.GUID]++
		}
		for _, link := range [2]string{it.Link, it.GUID} {
			if link = Canonical(link); link == "" {
				continue
			}
			key := linkKey(link)
			if d.titles[key] == nil {
				d.titles[key] = make(map[string]bool)
			}
			d.titles[key][bareTitle(it.Title)] = true
		}
	}
	return d
}

// names says whether a canonical link is that of one article.
func (d *document) names(link string) bool {
	if link == "" || front(link) {
		return false
	}
	key := linkKey(link)
	return key != d.home && len(d.titles[key]) < sharedLink
}

func (d *document) id(it *Item, a *Article, source string) ID {
	guidLink := Canonical(it.GUID)
	switch {
	case d.names(a.Link):
		return idOf("link", linkKey(a.Link))
	case d.names(guidLink):
		if a.Link == "" {
			a.Link = guidLink
		}
		return idOf("link", linkKey(guidLink))
	case it.GUID != "" && d.guids[it.GUID] == 1:
		return idOf("guid", source, it.GUID, strconv.FormatInt(a.Published, 10))
	}
	day := ""
	if a.Published != 0 {
		day = time.UnixMilli(a.Published).UTC().Format(time.DateOnly)
	}
	return idOf("title", source, bareTitle(a.Title), day)
}

// idOf hashes parts so that no two lists of them run together.
func idOf(parts ...string) (id ID) {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:%s", len(p), p)
	}
	sum := sha256.Sum256([]byte(b.String()))
	copy(id[:], sum[:])
	return id
}

// bareTitle is what stays of a title when marks, blanks and case are edited.
func bareTitle(title string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, Plain(title))
}

// plausible is a time of publication, or 0 for one that cannot be: before there were feeds,
// or more than two days after it was seen.
func plausible(published, seen int64) int64 {
	const from, ahead = 788_918_400_000, 48 * 3_600_000 // 1995-01-01
	if published < from || published > seen+ahead {
		return 0
	}
	return published
}

// Shorten cuts a text to so many bytes at most, between two words where it can.
func Shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	text = text[:most]
	if i := strings.LastIndexByte(text, ' '); i > most/2 {
		text = text[:i]
	}
	return strings.TrimRight(text, " ")
}
