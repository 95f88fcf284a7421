package news

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html/charset"
)

const (
	feedsMost  = 5000
	sourceMost = 100 // bytes
)

// Problem is an entry of a list that is left out.
type Problem struct {
	Where string // as feeds[12], or line 14
	What  string
}

// ListError is a list of which nothing can be read.
type ListError struct {
	Line int // from 1; 0 when it is the whole
	Err  error
}

// Error names the line.
func (e *ListError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return e.Err.Error()
}

// Unwrap is what is wrong.
func (e *ListError) Unwrap() error { return e.Err }

// ParseList reads a list of feeds: JSON ({"feeds":[{"url":...,"source":...}]}, or the array
// alone, also of URLs), OPML, or one URL a line with its source behind a comma or a blank.
// A wrong entry is a Problem, and the rest works. The error is a *ListError.
func ParseList(data []byte) (feeds []Feed, problems []Problem, err error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	l := &list{known: make(map[string]bool)}
	switch begin := bytes.TrimLeft(data, " \t\r\n"); {
	case len(begin) == 0:
		return nil, nil, &ListError{Err: errors.New("it is empty")}
	case begin[0] == '{' || begin[0] == '[':
		err = l.json(data)
	case begin[0] == '<':
		err = l.opml(data)
	default:
		l.lines(data)
	}
	return l.feeds, l.problems, err
}

// list is a list that is being read.
type list struct {
	feeds    []Feed
	problems []Problem
	known    map[string]bool
}

func (l *list) problem(where, what string) {
	l.problems = append(l.problems, Problem{where, what})
}

func (l *list) add(where, address, source string) {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	_, place, _ := strings.Cut(address, "://") // by http and by https it is one feed
	switch {
	case address == "":
		l.problem(where, "there is no url")
		return
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		if strings.Contains(address, "@") { // what may be a password is not repeated
			address = "***"
		}
		l.problem(where, fmt.Sprintf("%q is no address of a feed; right is for example https://www.example.com/rss.xml", Shorten(address, 200)))
		return
	case l.known[place]:
		l.problem(where, u.Redacted()+" is there twice")
		return
	case len(l.feeds) == feedsMost:
		l.problem(where, fmt.Sprintf("there are %d feeds before it, which is the most", feedsMost))
		return
	}
	l.known[place] = true
	source = Shorten(Plain(source), sourceMost)
	l.feeds = append(l.feeds, Feed{URL: address, Source: cmp.Or(source, strings.TrimPrefix(u.Hostname(), "www."))})
}

func (l *list) json(data []byte) error {
	var entries []json.RawMessage
	var whole struct {
		Feeds []json.RawMessage `json:"feeds"`
	}
	into := any(&whole)
	if bytes.TrimLeft(data, " \t\r\n")[0] == '[' {
		into = &entries
	}
	if err := json.Unmarshal(data, into); err != nil {
		e := &ListError{Err: err}
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			e.Line = 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		case errors.As(err, &kind):
			e.Err = errors.New(`"feeds" is no list`)
		}
		return e
	}
	for i, raw := range append(whole.Feeds, entries...) {
		where := fmt.Sprintf("feeds[%d]", i)
		var entry struct{ URL, Source string }
		if json.Unmarshal(raw, &entry.URL) == nil || json.Unmarshal(raw, &entry) == nil {
			l.add(where, entry.URL, entry.Source)
			continue
		}
		l.problem(where, fmt.Sprintf(`%s is no feed; right is for example {"url": "https://www.example.com/rss.xml", "source": "Example"}`, Shorten(Plain(string(raw)), 200)))
	}
	return nil
}

// opml reads outlines at any depth (OPML 2.0, subscription lists).
func (l *list) opml(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = false
	d.CharsetReader = charset.NewReaderLabel
	root := false
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		if err == io.EOF && root {
			return nil
		}
		if err != nil {
			return &ListError{Line: line, Err: err}
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !root && !strings.EqualFold(element.Name.Local, "opml") {
			return &ListError{Line: line, Err: fmt.Errorf("<%s> is no OPML", element.Name.Local)}
		}
		root = true
		if strings.EqualFold(element.Name.Local, "outline") {
			l.outline(fmt.Sprintf("line %d", line), element.Attr)
		}
	}
}

func (l *list) outline(where string, attrs []xml.Attr) {
	of := make(map[string]string)
	for _, a := range attrs {
		of[strings.ToLower(a.Name.Local)] = a.Value
	}
	address, ok := of["xmlurl"]
	if !ok && strings.ToLower(of["type"]) != "rss" {
		return // a folder
	}
	l.add(where, address, cmp.Or(of["title"], of["text"]))
}

// lines reads a line each; what stands behind # is for people.
func (l *list) lines(data []byte) {
	n := 0
	for text := range bytes.Lines(data) {
		n++
		line := strings.TrimSpace(string(text))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := fieldsOf(line)
		if n == 1 && strings.EqualFold(fields[0], "url") { // the titles of a CSV
			continue
		}
		l.add(fmt.Sprintf("line %d", n), fields[0], fields[1])
	}
}

// fieldsOf is the address and the source of a line.
func fieldsOf(line string) [2]string {
	r := csv.NewReader(strings.NewReader(line))
	r.FieldsPerRecord, r.LazyQuotes = -1, !strings.Contains(line, `"`)
	if record, err := r.Read(); err == nil && len(record) > 1 && !strings.ContainsAny(record[0], " \t") {
		return [2]string{record[0], record[1]}
	}
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return [2]string{strings.TrimRight(line[:i], ","), strings.TrimSpace(line[i:])}
	}
	return [2]string{line, ""}
}

// DefaultFeeds are read when the owner names none: headlines of the NASDAQ-100 and of its
// funds, of the market, and of the Federal Reserve. Chosen in 2026 among feeds that several
// projects reported as working for who says honestly who it is.
func DefaultFeeds() []Feed {
	return []Feed{
		{"https://news.google.com/rss/search?q=%22Nasdaq+100%22+OR+QQQ+when:1d&hl=en-US&gl=US&ceid=US:en", "Google News Nasdaq-100"},
		{"https://feeds.finance.yahoo.com/rss/2.0/headline?s=QQQ,QLD,TQQQ,SQQQ,PSQ,QID&region=US&lang=en-US", "Yahoo Finance QQQ"},
		{"https://www.cnbc.com/id/15839069/device/rss/rss.html", "CNBC Investing"},
		{"https://www.cnbc.com/id/20910258/device/rss/rss.html", "CNBC Economy"},
		{"https://feeds.content.dowjones.io/public/rss/mw_topstories", "MarketWatch"},
		{"https://seekingalpha.com/market_currents.xml", "Seeking Alpha"},
		{"https://www.nasdaq.com/feed/rssoutbound?category=ETFs", "Nasdaq ETFs"},
		{"https://www.federalreserve.gov/feeds/press_all.xml", "Federal Reserve"},
	}
}
