package eodhd

import "bytes"

const (
	// maxConditions is the most characters that the conditions of a trade may
	// come to: some sixty codes, where real prints have up to four.
	maxConditions = 255
	// Conditions repeat, so their texts are kept, by the bytes they were read
	// from: this many, of values up to this long. The tapes of a day have a few
	// dozen combinations.
	maxKept    = 1024
	maxKeptRaw = 64
)

// conditions reads the value of c: an array of integers, a single integer, or
// null, and makes the text of a candle.Trade out of it.
func (d *Decoder) conditions(b []byte, i int) (text string, s state, end int) {
	if i >= len(b) {
		return "", wrong, -1
	}
	switch c := b[i]; {
	case c == '[':
		if i+1 < len(b) && b[i+1] == ']' {
			return "", good, i + 2
		}
		// An array of integers ends at the first bracket. If it was kept, it
		// was read as a whole array before, and need not be read again.
		if n := bytes.IndexByte(b[i:], ']'); n > 0 && n < maxKeptRaw {
			if text, ok := d.kept[string(b[i:i+n+1])]; ok {
				return text, good, i + n + 1
			}
		}
	case c == '-' || c-'0' <= 9:
	case c == 'n':
		return "", good, literal(b, i, "null")
	default:
		return "", wrong, skip(b, i)
	}
	if end = skip(b, i); end < 0 {
		return "", wrong, -1
	}
	text, s = d.codes(b[i:end])
	return text, s, end
}

// codes is the text of an integer or an array of integers, given as valid JSON
// that is a number or an array.
func (d *Decoder) codes(raw []byte) (text string, s state) {
	if text, ok := d.kept[string(raw)]; ok {
		return text, good
	}
	d.scratch = d.scratch[:0]
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '[', ']', ',', ' ', '\t', '\n', '\r':
			if c == '[' && i > 0 {
				return "", wrong
			}
			i++
			continue
		}
		end := i
		if raw[end] == '-' {
			end++
		}
		for end < len(raw) && raw[end]-'0' <= 9 {
			end++
		}
		if end == i { // a string, an object, a word
			return "", wrong
		}
		if end < len(raw) && (raw[end] == '.' || raw[end]|0x20 == 'e') {
			return "", wrong
		}
		d.scratch = append(append(d.scratch, raw[i:end]...), '|')
		if len(d.scratch) > maxConditions {
			return "", wrong
		}
		i = end
	}
	text = string(d.scratch)
	if len(d.kept) < maxKept && len(raw) <= maxKeptRaw {
		d.kept[string(raw)] = text
	}
	return text, good
}
