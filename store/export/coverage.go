package export

import (
	"io"
	"strings"

	"tapedeck/collector/ledger"
)

// Coverage writes runs of seconds in one state as CSV:
//
//	time,until,symbols,seconds,state,cause
//
// time and until have three decimals, until is the first instant that is no longer
// part of it; cause is empty where the feed was heard.
type Coverage struct {
	rows
	from, until stamp
}

// NewCoverage begins a file.
func NewCoverage(w io.Writer) *Coverage {
	return &Coverage{rows: newRows(w, "time,until,symbols,seconds,state,cause")}
}

// Encode writes a row: the run and the symbols that it holds for, which are joined
// by blanks. The order of the rows is the caller's. An error is the writer's, and
// stays; after Close there is always one.
func (e *Coverage) Encode(r ledger.Run, symbols []string) error {
	if e.err != nil {
		return e.err
	}
	row := e.from.millis(e.buf, r.From)
	row = e.until.millis(row, r.Until)
	row = appendText(row, strings.Join(symbols, " "))
	row = appendInt(row, r.Seconds())
	row = append(append(row, r.State.String()...), ',')
	return e.end(appendText(row, string(r.Cause)))
}
