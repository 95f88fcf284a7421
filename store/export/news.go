package export

import (
	"io"
	"strings"

	"tapedeck/collector/news"
)

// News writes headlines:
//
//	time,published,source,title,link,id,symbols
//
// time is when it was first seen here, published when the feed says; both have three
// decimals.
type News struct {
	out encoder
	row [7]value
}

var newsColumns = columnsOf(
	column{name: "time", kind: instant},
	column{name: "published", kind: instant, nullable: true},
	column{name: "source", kind: label},
	column{name: "title", kind: text},
	column{name: "link", kind: text, nullable: true},
	column{name: "id", kind: text},
	column{name: "symbols", kind: label, nullable: true},
)

// NewNews begins a file. The error is a *NoColumn, or a format that there is not.
func NewNews(w io.Writer, o Options) (*News, error) {
	out, err := o.begin(w, newsColumns, Decimals{})
	return &News{out: out}, err
}

// Encode writes a row; its symbols are joined by blanks. The order of the rows is the
// caller's. An error is the writer's, and stays; after Close there is always one.
func (e *News) Encode(a *news.Article) error {
	row := &e.row
	row[0].n = a.Seen
	row[1].n, row[1].null = a.Published, a.Published == 0
	row[2].text, row[3].text, row[4].text = a.Source, a.Title, a.Link
	row[5].text, row[6].text = a.ID.String(), strings.Join(a.Symbols, " ")
	return e.out.encode(row[:])
}

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *News) Close() error { return e.out.Close() }
