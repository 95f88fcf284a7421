package export

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// csvFile writes CSV.
type csvFile struct {
	rows
	columns []column
	stamps  []stamp // one a column, of instants
	texts   []cached
	quote   func(dst []byte, s string) []byte
}

// cached is the last text of a column as it is written: it is mostly the next one's, too.
type cached struct {
	text    string
	written []byte
}

// append writes s, with write when it is another than the last one.
func (c *cached) append(dst []byte, s string, write func([]byte, string) []byte) []byte {
	if s != c.text || len(c.written) == 0 {
		c.text, c.written = s, write(c.written[:0], s)
	}
	return append(dst, c.written...)
}

func newCSV(w io.Writer, columns []column, o Options) *csvFile {
	e := &csvFile{rows: newRows(w, CSV), columns: columns, stamps: newStamps(columns, o), texts: make([]cached, len(columns)), quote: quoteCSV}
	if o.Excel {
		e.buf = append(e.buf, "\ufeff"...)
		e.quote = quoteExcel
	}
	for i, c := range columns {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, c.name...)
	}
	e.buf = append(e.buf, '\n')
	return e
}

func (e *csvFile) encode(row []value) error {
	if e.err != nil {
		return e.err
	}
	dst := e.buf
	var last *value // the price before in this row, which stands at from in dst, until to
	var from, to int
	for i := range e.columns {
		c := &e.columns[i]
		if v := &row[c.at]; !v.null {
			switch c.kind {
			case instant, second:
				dst = e.stamps[i].append(dst, v.n)
			case text, date:
				dst = e.quote(dst, v.text)
			case label:
				dst = e.texts[i].append(dst, v.text, e.quote)
			case price:
				if last != nil && last.n == v.n && last.scale == v.scale { // as in most candles
					dst = append(dst, dst[from:to]...)
					break
				}
				last, from = v, len(dst)
				dst = v.asDecimal().Append(dst, c.decimals)
				to = len(dst)
			default:
				dst = appendNumber(dst, c, v)
			}
		}
		dst = append(dst, ',')
	}
	dst[len(dst)-1] = '\n'
	return e.end(dst)
}

// appendNumber writes what looks the same in every text: a number, true or false.
func appendNumber(dst []byte, c *column, v *value) []byte {
	switch c.kind {
	case price, size, fraction:
		return v.asDecimal().Append(dst, c.decimals)
	case volume, average:
		return v.appendTotal(dst, c.decimals)
	case boolean:
		return strconv.AppendBool(dst, v.n != 0)
	}
	return strconv.AppendInt(dst, v.n, 10)
}

// appendTotal writes a total with just so many decimals, which are enough for it.
func (v *value) appendTotal(dst []byte, decimals int) []byte {
	if v.sum != nil {
		return v.sum.Append(dst, decimals)
	}
	d := v.asDecimal()
	for ; int(d.Scale) > decimals && d.Units%10 == 0; d.Scale-- {
		d.Units /= 10
	}
	return d.Append(dst, decimals)
}

// quoteCSV writes a text, in quotes where RFC 4180 wants them. Also quoted are a blank at
// the start and the lone \. of PostgreSQL, which readers trim and stop at.
func quoteCSV(dst []byte, s string) []byte {
	if !quoted(s) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i+1]...), '"')
		s = s[i+1:]
	}
	return append(append(dst, s...), '"')
}

func quoted(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case ',', '"', '\r', '\n':
			return true
		}
	}
	return s != "" && (s[0] == ' ' || s[0] == '\t') || s == `\.`
}

// quoteExcel writes a text that Excel shows as it is. One that it would compute gets an
// apostrophe in front (OWASP, "CSV Injection"); one that it would take for a number, a
// boolean or a date, such as the symbols TRUE and 1E5, becomes a formula whose value is the
// text, the only form in a CSV that it leaves alone.
func quoteExcel(dst []byte, s string) []byte {
	if s == "" {
		return dst
	}
	if strings.IndexByte("=+-@\t\r\n", s[0]) >= 0 {
		return quoteCSV(dst, "'"+s)
	}
	if guessed(s) {
		return quoteCSV(dst, `="`+s+`"`)
	}
	return quoteCSV(dst, s)
}

// guessed says whether Excel makes something else of a text without blanks.
func guessed(s string) bool {
	switch strings.ToUpper(s) {
	case "TRUE", "FALSE":
		return true
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s[0] != 'N' && s[0] != 'n' && s[0] != 'I' && s[0] != 'i' // NaN and Inf are words to it
	}
	// A month and a number are a date: MAR1, DEC-12. Days in full stand in no column.
	if len(s) < 4 || len(s) > 8 {
		return false
	}
	if _, err := time.Parse("Jan", s[:3]); err != nil {
		return false
	}
	return strings.Trim(s[3:], "-/0123456789") == ""
}
