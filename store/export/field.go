package export

import (
	"strconv"
	"strings"
)

// appendText writes a text and a comma, in quotes where RFC 4180 wants them. Also
// quoted are a blank at the start and the lone \. of PostgreSQL, which readers
// trim and stop at.
func appendText(dst []byte, s string) []byte {
	if !quoted(s) {
		dst = append(dst, s...)
		return append(dst, ',')
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		dst = append(dst, s[:i+1]...)
		dst = append(dst, '"')
		s = s[i+1:]
	}
	dst = append(dst, s...)
	return append(dst, '"', ',')
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

// symbolField is the field of a symbol, which rows by symbol repeat.
type symbolField struct {
	symbol string
	text   []byte // with its comma
}

func (f *symbolField) append(dst []byte, symbol string) []byte {
	if symbol != f.symbol || len(f.text) == 0 {
		f.symbol, f.text = symbol, appendText(f.text[:0], symbol)
	}
	return append(dst, f.text...)
}

func appendInt(dst []byte, v int64) []byte {
	return append(strconv.AppendInt(dst, v, 10), ',')
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "true,"...)
	}
	return append(dst, "false,"...)
}
