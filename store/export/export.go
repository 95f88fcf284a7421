// Package export writes trades, candles, coverage, sessions and news as files that others
// read: CSV, JSON Lines and Parquet. An encoder stands on an io.Writer that it does not
// close, belongs to one goroutine, and blocks only in that writer. What it has not written
// by itself it writes in Close. All times are Unix milliseconds, UTC.
package export

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Format is what a file is written as.
type Format string

// The formats. CSV is that of RFC 4180 with LF line ends, a header also when there are no
// rows, and quotes only where they are needed. JSON Lines has one object a line, whose keys
// are the columns; what is empty is null. Parquet is packed with zstd; times are UTC
// microseconds, prices DOUBLE unless they are asked for exactly.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
	Parquet   Format = "parquet"
)

// TimeFormat is how an instant stands in a text.
type TimeFormat string

// The formats of time: of RFC 3339 with its offset, as a number since the epoch, or as the
// clock on the wall shows it, without an offset.
const (
	RFC3339      TimeFormat = "rfc3339"
	Seconds      TimeFormat = "s"
	Milliseconds TimeFormat = "ms"
	Microseconds TimeFormat = "us"
	Nanoseconds  TimeFormat = "ns"
	Local        TimeFormat = "local"
)

// Options say how a file is written. The zero value is CSV, every column, RFC 3339, UTC.
type Options struct {
	Format  Format         // "" is CSV
	Columns []string       // by name, in this order; nil is all of them
	Time    TimeFormat     // "" is RFC3339; Parquet knows instants only
	Zone    *time.Location // of RFC3339 and Local; nil is UTC
	// Excel makes a CSV that Excel opens as it is meant: a byte order mark, and no text
	// that it would compute or take for a number.
	Excel bool
	// Exact makes the prices and sizes of a Parquet file DECIMAL.
	Exact bool
	// Metadata goes into the footer of a Parquet file.
	Metadata map[string]string
	// Follow adds a last column, amended: true where a row takes the place of an earlier one.
	Follow bool
}

// amendedColumn is the last column of files that are followed.
var amendedColumn = column{name: "amended", kind: boolean}

// followed are the columns, without the last one when nobody follows.
func (o Options) followed(all []column) []column {
	if o.Follow {
		return all
	}
	return all[:len(all)-1]
}

// encoder writes rows.
type encoder interface {
	// encode writes a row. An error is the writer's, and stays; after Close there is
	// always one.
	encode(row []value) error
	// flush hands over the rows so far.
	flush() error
	// Close writes what is left. It returns the first error of the writer, also when it was
	// returned before. A second Close does nothing more. The writer stays open.
	Close() error
}

// begin begins a file of those of the columns that are asked for.
func (o Options) begin(w io.Writer, all []column, d Decimals) (encoder, error) {
	list, err := o.pick(all)
	if err != nil {
		return nil, err
	}
	sized(list, d)
	switch o.Format {
	case CSV, "":
		return newCSV(w, list, o), nil
	case JSONLines:
		return newJSONLines(w, list, o), nil
	case Parquet:
		return newParquet(w, list, o), nil
	}
	return nil, fmt.Errorf("%q is no format: there are csv, jsonl and parquet", o.Format)
}

// NoColumn says that a file was asked for a column that its rows do not have.
type NoColumn struct {
	Name string
	Has  []string // the columns there are
}

func (e *NoColumn) Error() string {
	return fmt.Sprintf("there is no column %q: there are %s", e.Name, strings.Join(e.Has, ","))
}

func (o Options) pick(all []column) ([]column, error) {
	if o.Columns == nil {
		return slices.Clone(all), nil
	}
	var list []column
	for _, name := range o.Columns {
		i := slices.IndexFunc(all, func(c column) bool { return c.name == name })
		if i < 0 || slices.ContainsFunc(list, func(c column) bool { return c.name == name }) {
			return nil, &NoColumn{name, namesOf(all)}
		}
		list = append(list, all[i])
	}
	return list, nil
}

func namesOf(list []column) []string {
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}
