package rss

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
	"github.com/mmcdole/gofeed/rss"
	"golang.org/x/net/html/charset"

	"tapedeck/collector/news"
)

// document is what a feed says.
type document struct {
	home      string // the page that it is the feed of
	items     []news.Item
	ttl       time.Duration
	skipHours uint32
	skipDays  uint8
}

// textMost is how much of an item's text is looked at.
const textMost = 16 << 10

// parse reads a document that is not empty and came from an address. The error is errNoFeed, or what is wrong with
// the feed.
func parse(ctx context.Context, body []byte, contentType, address string) (*document, error) {
	body, err := inUTF8(body, contentType)
	if err != nil {
		return nil, err
	}
	p := gofeed.NewParser()
	p.KeepOriginalFeed = true
	feed, err := p.Parse(&unhurried{ctx: ctx, rest: body})
	if errors.Is(err, gofeed.ErrFeedTypeNotDetected) {
		return nil, errNoFeed
	}
	if err != nil {
		return nil, err
	}
	if feed.FeedType == "json" && feed.FeedVersion == "" { // any JSON is one to the parser
		return nil, errNoFeed
	}
	d := &document{home: resolved(address, feed.Link)}
	var original *rss.Feed
	if f, ok := feed.OriginalFeed().(*rss.Feed); ok {
		original = f
		d.hints(f)
	}
	for i, item := range feed.Items {
		it := itemOf(item)
		it.Link = resolved(cmp.Or(d.home, address), it.Link)
		if original != nil && i < len(original.Items) && original.Items[i].Source != nil {
			it.Source = original.Items[i].Source.Title
		}
		d.items = append(d.items, it)
	}
	return d, nil
}

// unhurried reads a document piece by piece, with a pause before each but the first: who
// parses it, with much memory, leaves room for the recording.
type unhurried struct {
	ctx  context.Context // its end is the end of the reading
	rest []byte
	read bool
}

const (
	piece = 8 << 10
	rest  = time.Millisecond
)

// Read gives at most a piece.
func (u *unhurried) Read(p []byte) (int, error) {
	if len(u.rest) == 0 {
		return 0, io.EOF
	}
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	if u.read {
		time.Sleep(rest)
	}
	u.read = true
	n := copy(p, u.rest[:min(len(u.rest), piece)])
	u.rest = u.rest[n:]
	return n, nil
}

func itemOf(item *gofeed.Item) news.Item {
	it := news.Item{Title: item.Title, Link: item.Link, GUID: item.GUID, Text: item.Description}
	if it.Text == "" {
		it.Text = item.Content
	}
	it.Text = it.Text[:min(len(it.Text), textMost)]
	for _, at := range []*time.Time{item.PublishedParsed, item.UpdatedParsed} {
		if at != nil {
			it.Published = at.UnixMilli()
			break
		}
	}
	// FeedBurner leads through its own counter; it says where to.
	if origin := extension(item.Extensions["feedburner"], "origLink"); len(origin) > 0 {
		it.Link = origin[0]
	}
	for _, fields := range item.Extensions { // nasdaq:tickers and its like
		for _, name := range []string{"tickers", "ticker", "symbols", "symbol"} {
			it.Tickers = append(it.Tickers, extension(fields, name)...)
		}
	}
	slices.Sort(it.Tickers) // a map has no order
	return it
}

// resolved is a link that may be relative to the page that it stands on.
func resolved(page, link string) string {
	base, err := url.Parse(page)
	if err != nil || link == "" {
		return link
	}
	to, err := base.Parse(strings.TrimSpace(link))
	if err != nil {
		return link
	}
	return to.String()
}

// extension are the values of a field of another namespace.
func extension(fields map[string][]ext.Extension, name string) (values []string) {
	for _, e := range fields[name] {
		if v := strings.TrimSpace(e.Value); v != "" {
			values = append(values, v)
		}
	}
	return values
}

// hints are what RSS says of when to come again (RSS 2.0: ttl in minutes, skipHours and
// skipDays in GMT).
func (d *document) hints(f *rss.Feed) {
	if minutes, err := strconv.ParseUint(strings.TrimSpace(f.TTL), 10, 32); err == nil {
		d.ttl = time.Duration(minutes) * time.Minute
	}
	for _, text := range f.SkipHours {
		if h, err := strconv.ParseUint(strings.TrimSpace(text), 10, 8); err == nil && h <= 24 {
			d.skipHours |= 1 << (h % 24) // some count from 1 to 24
		}
	}
	for _, text := range f.SkipDays {
		for day := time.Sunday; day <= time.Saturday; day++ {
			if strings.EqualFold(strings.TrimSpace(text), day.String()) {
				d.skipDays |= 1 << day
			}
		}
	}
}

// inUTF8 is a document in UTF-8, unless its XML declaration names another encoding, which
// the parser follows. Without one the server's word counts.
func inUTF8(body []byte, contentType string) ([]byte, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	label := ""
	switch {
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		label = "utf-16le"
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		label = "utf-16be"
	case utf8.Valid(body):
		return body, nil
	default:
		if named := declared(body); named == "utf-8" {
			return bytes.ToValidUTF8(body, []byte("\ufffd")), nil
		} else if named != "" {
			return body, nil
		}
		_, label, _ = charset.DetermineEncoding(nil, contentType) // windows-1252 when it names none
	}
	e, _ := charset.Lookup(label)
	if e == nil {
		return nil, fmt.Errorf("it is in %q, which is not known", label)
	}
	text, err := e.NewDecoder().Bytes(body)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.HasPrefix(text, []byte("<?xml")) { // what it declares is not so any more
		_, text, _ = bytes.Cut(text, []byte("?>"))
	}
	return text, nil
}

// declared is the encoding that an XML declaration names, in lower case.
func declared(body []byte) string {
	head := bytes.TrimLeft(body[:min(len(body), 512)], " \t\r\n")
	head, _, ok := bytes.Cut(head, []byte("?>"))
	if !ok || !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	_, value, ok := strings.Cut(strings.ToLower(string(head)), "encoding")
	if !ok {
		return ""
	}
	value = strings.TrimLeft(value, " \t\r\n=")
	if value == "" {
		return ""
	}
	value, _, _ = strings.Cut(value[1:], value[:1]) // between its quotes
	return value
}
