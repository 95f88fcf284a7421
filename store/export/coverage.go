package export

import (
	"io"
	"strings"

	"tapedeck/collector/ledger"
)

// Coverage writes runs of seconds in one state:
//
//	time,until,symbols,seconds,state,cause
//
// time and until have three decimals, until is the first instant that is no longer
// part of it; cause is empty where the feed was heard.
type Coverage struct {
	out encoder
	row [6]value
}

var coverageColumns = columnsOf(
	column{name: "time", kind: instant},
	column{name: "until", kind: instant},
	column{name: "symbols", kind: label, nullable: true},
	column{name: "seconds", kind: integer},
	column{name: "state", kind: label},
	column{name: "cause", kind: label, nullable: true},
)

// NewCoverage begins a file. The error is a *NoColumn, or a format that there is not.
func NewCoverage(w io.Writer, o Options) (*Coverage, error) {
	out, err := o.begin(w, coverageColumns, Decimals{})
	return &Coverage{out: out}, err
}

// Encode writes a row: the run and the symbols that it holds for, which are joined
// by blanks. The order of the rows is the caller's. An error is the writer's, and
// stays; after Close there is always one.
func (e *Coverage) Encode(r ledger.Run, symbols []string) error {
	row := &e.row
	row[0].n = r.From
	row[1].n = r.Until
	row[2].text = strings.Join(symbols, " ")
	row[3].n = r.Seconds()
	row[4].text = r.State.String()
	row[5].text = string(r.Cause)
	return e.out.encode(row[:])
}

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *Coverage) Close() error { return e.out.Close() }
