package playback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// message is what the player needs to know of a line: the symbol, the time, and
// where the time's digits stand, so that another time can be put there.
type message struct {
	symbol           []byte // within the line, or its own when it had escapes
	time             int64
	timeFrom, timeTo int
	crypto           bool // has a q: a feed that knows no market hours
}

// parseLine reads one feed message. The line must be one JSON object with a
// string s and a whole number t, which may be quoted; the rest is anything.
func parseLine(line []byte) (message, error) {
	var m message
	if !json.Valid(line) {
		return m, errors.New("not JSON")
	}
	i := skipBlank(line, 0)
	if line[i] != '{' {
		return m, errors.New("not a JSON object")
	}
	// The line is valid JSON, so the walk below need not look for damage.
	var hasSymbol, hasTime bool
	for i = skipBlank(line, i+1); line[i] != '}'; i = skipBlank(line, i) {
		if line[i] == ',' {
			i = skipBlank(line, i+1)
		}
		end := skipString(line, i)
		key := line[i+1 : end-1]
		i = skipBlank(line, skipBlank(line, end)+1) // over the colon
		end = skipValue(line, i)
		value := bytes.TrimRight(line[i:end], " \t\r\n")
		if len(key) == 1 {
			switch key[0] {
			case 's':
				symbol, err := text(value)
				if err != nil {
					return m, fmt.Errorf("s is not a string: %s", value)
				}
				m.symbol, hasSymbol = symbol, len(symbol) > 0
			case 't':
				from, to := i, i+len(value)
				if line[i] == '"' {
					from, to = from+1, to-1
				}
				t, err := strconv.ParseInt(string(line[from:to]), 10, 64)
				if err != nil {
					return m, fmt.Errorf("t is not a whole number: %s", value)
				}
				m.time, m.timeFrom, m.timeTo, hasTime = t, from, to, true
			case 'q':
				m.crypto = true
			}
		}
		i = end
	}
	switch {
	case !hasSymbol:
		return m, errors.New("no symbol (s)")
	case !hasTime:
		return m, errors.New("no time (t)")
	}
	return m, nil
}

// withTime is a copy of a message with another time in it.
func withTime(line []byte, from, to int, t int64) []byte {
	out := make([]byte, 0, len(line)+20)
	out = append(out, line[:from]...)
	out = strconv.AppendInt(out, t, 10)
	return append(out, line[to:]...)
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t' || line[i] == '\n' || line[i] == '\r') {
		i++
	}
	return i
}

// skipString goes from an opening quote to behind the closing one.
func skipString(line []byte, i int) int {
	for i++; line[i] != '"'; i++ {
		if line[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue goes behind the value that starts at i.
func skipValue(line []byte, i int) int {
	depth := 0
	for {
		switch line[i] {
		case '"':
			i = skipString(line, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i // the end of the object around a bare number or word
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
}

// text is the content of a JSON string.
func text(value []byte) ([]byte, error) {
	if len(value) < 2 || value[0] != '"' {
		return nil, errors.New("not a string")
	}
	inner := value[1 : len(value)-1]
	for _, c := range inner {
		if c == '\\' {
			var s string
			err := json.Unmarshal(value, &s)
			return []byte(s), err
		}
	}
	return inner, nil
}
