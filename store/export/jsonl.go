package export

import (
	"bytes"
	"encoding/json"
	"io"
)

// jsonLines writes JSON Lines.
type jsonLines struct {
	rows
	columns []column
	keys    []string // with what stands before and behind
	stamps  []stamp
	texts   []cached
	number  bool // instants are numbers
}

func newJSONLines(w io.Writer, columns []column, o Options) *jsonLines {
	e := &jsonLines{rows: newRows(w, JSONLines), columns: columns, stamps: newStamps(columns, o), texts: make([]cached, len(columns)), number: o.Time.number()}
	before := "{"
	for _, c := range columns {
		e.keys = append(e.keys, before+`"`+c.name+`":`)
		before = ","
	}
	return e
}

func (e *jsonLines) encode(row []value) error {
	if e.err != nil {
		return e.err
	}
	dst := e.buf
	for i := range e.columns {
		c := &e.columns[i]
		dst = append(dst, e.keys[i]...)
		switch v := &row[c.at]; {
		case v.null, v.text == "" && (c.kind == text || c.kind == label || c.kind == date):
			dst = append(dst, "null"...)
		case c.kind == instant || c.kind == second:
			dst = e.appendInstant(dst, i, v.n)
		case c.kind == text || c.kind == label || c.kind == date:
			dst = e.texts[i].append(dst, v.text, quoteJSON)
		default:
			dst = appendNumber(dst, c, v)
		}
	}
	return e.end(append(dst, '}', '\n'))
}

func (e *jsonLines) appendInstant(dst []byte, i int, millis int64) []byte {
	if e.number {
		return e.stamps[i].append(dst, millis)
	}
	dst = append(dst, '"')
	return append(e.stamps[i].append(dst, millis), '"')
}

// quoteJSON writes a text as JSON; bytes that are no UTF-8 become U+FFFD.
func quoteJSON(dst []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return append(dst, bytes.TrimSuffix(text.Bytes(), []byte{'\n'})...)
}
