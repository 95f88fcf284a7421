package eodhd

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// The grammar of JSON (RFC 8259), as encoding/json accepts it: bytes that are no
// UTF-8 are let through inside strings. Every function takes the text and an
// index, and returns the index behind what it read, or -1 where the text is no
// JSON. None of them calls itself, so no text can exhaust the stack.

// maxDepth is how deep a value in a frame may be nested. The feed's are flat;
// encoding/json stops at 10,000.
const maxDepth = 512

// space skips white space. It never fails, and may return len(b).
func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd reads the string whose opening quote is b[i]. What it returns is the
// closing quote. escaped says that its content needs unescape.
func stringEnd(b []byte, i int) (end int, escaped bool) {
	for i++; ; i++ {
		for i+8 <= len(b) {
			if n := plain(binary.LittleEndian.Uint64(b[i:])); n < 8 {
				i += n
				break
			}
			i += 8
		}
		if i >= len(b) {
			return -1, false
		}
		switch c := b[i]; {
		case c == '"':
			return i, escaped
		case c < ' ':
			return -1, false
		case c == '\\':
			escaped = true
			if i = escape(b, i+1); i < 0 {
				return -1, false
			}
		}
	}
}

// plain counts the bytes before the first quote, backslash or control character
// of eight, 8 if there is none. In word - ones a byte's highest bit comes up if the
// byte was 0; in word - spaces if it was under a space. Borrows go to higher bytes,
// so the lowest hit is a true one.
func plain(word uint64) int {
	const (
		ones    = 0x0101010101010101
		spaces  = ' ' * ones
		highest = 0x80 * ones
	)
	quote, backslash := word^'"'*ones, word^'\\'*ones
	hits := ((quote-ones)&^quote | (backslash-ones)&^backslash | (word-spaces)&^word) & highest
	return bits.TrailingZeros64(hits) / 8
}

// escape checks what follows a backslash, and returns its last byte.
func escape(b []byte, i int) int {
	if i == len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		if _, ok := fourHex(b[i+1:]); ok {
			return i + 4
		}
	}
	return -1
}

func fourHex(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape appends the content of a string that stringEnd has accepted. What is
// no Unicode becomes U+FFFD.
func unescape(dst, content []byte) []byte {
	for i := 0; i < len(content); {
		c := content[i]
		if c != '\\' {
			r, size := utf8.DecodeRune(content[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		c = content[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := fourHex(content[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(0)
				if i+1 < len(content) && content[i] == '\\' && content[i+1] == 'u' {
					low, _ = fourHex(content[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// numberEnd reads a number.
func numberEnd(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := i
	if i = digits(b, i); i < 0 || b[whole] == '0' && i > whole+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = digits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		i = digits(b, i)
	}
	return i
}

// digits reads at least one digit.
func digits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// literal reads one of the words true, false and null.
func literal(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// scalar reads a value that holds no others.
func scalar(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		end, _ := stringEnd(b, i)
		if end < 0 {
			return -1
		}
		return end + 1
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case 'n':
		return literal(b, i, "null")
	}
	return numberEnd(b, i)
}

// skip reads any value.
func skip(b []byte, i int) int {
	if i < len(b) && (b[i] == '{' || b[i] == '[') {
		return nested(b, i)
	}
	return scalar(b, i)
}

// nested reads an object or an array, with whatever is in it.
func nested(b []byte, i int) int {
	var (
		object [maxDepth]bool // what is open: objects, else arrays
		depth  int
	)
	for {
		// Here a value begins.
		if i < len(b) && (b[i] == '{' || b[i] == '[') {
			if depth == maxDepth-1 { // the frame's own object is the first
				return -1
			}
			object[depth] = b[i] == '{'
			depth++
			i = space(b, i+1)
			if i < len(b) && b[i] == closing(object[depth-1]) {
				depth--
				i++
			} else {
				if object[depth-1] {
					i = memberKey(b, i)
				}
				if i < 0 {
					return -1
				}
				continue
			}
		} else if i = scalar(b, i); i < 0 {
			return -1
		}
		// Here a value has ended, and maybe what holds it.
		for depth > 0 {
			i = space(b, i)
			if i == len(b) {
				return -1
			}
			if b[i] == ',' {
				i = space(b, i+1)
				if object[depth-1] {
					i = memberKey(b, i)
				}
				if i < 0 {
					return -1
				}
				break
			}
			if b[i] != closing(object[depth-1]) {
				return -1
			}
			depth--
			i++
		}
		if depth == 0 {
			return i
		}
	}
}

func closing(object bool) byte {
	if object {
		return '}'
	}
	return ']'
}

// memberKey reads the key of an object's member, the colon, and the space behind it.
func memberKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	end, _ := stringEnd(b, i)
	if end < 0 {
		return -1
	}
	return colon(b, end+1)
}

// colon reads a colon and the space around it.
func colon(b []byte, i int) int {
	i = space(b, i)
	if i == len(b) || b[i] != ':' {
		return -1
	}
	return space(b, i+1)
}
