package export

import "io"

// News writes headlines:
//
//	time,published,source,title,link,id,symbols
//
// What a file holds of them comes with its own issue; until then there are no rows.
type News struct{ out encoder }

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

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *News) Close() error { return e.out.Close() }
