package store

import (
	"encoding/binary"
	"errors"

	"tapedeck/collector/candle"
)

// A tape record is up to 16 KB of trades in order of arrival, whole in itself:
// its first row is written against zero. Two full ones with their keys fill
// eight pages of bbolt exactly.
const (
	recordVersion = 1
	recordLimit   = 16*1024 - 64
	// rowLimit bounds a row without the text of a new set of conditions: nine
	// varints and a byte.
	rowLimit = 9*binary.MaxVarintLen64 + 1
)

// recordWriter builds one record. The zero value is empty.
type recordWriter struct {
	rows       []byte
	count      int
	time       int64 // of the row before
	conditions []string
}

func (w *recordWriter) reset(buffer []byte) {
	*w = recordWriter{rows: buffer[:0], conditions: w.conditions[:0]}
}

// fits says whether a trade may be added without passing the limit.
func (w *recordWriter) fits(t *candle.Trade) bool {
	return len(w.rows)+rowLimit+len(t.Conditions) <= recordLimit-checksumSize-1-binary.MaxVarintLen64
}

func (w *recordWriter) add(symbol uint32, t *candle.Trade) {
	b := w.rows
	b = binary.AppendUvarint(b, uint64(symbol))
	b = binary.AppendVarint(b, t.Time-w.time)
	b = binary.AppendVarint(b, t.Received-t.Time)
	b = append(b, t.Price.Scale<<4|t.Size.Scale)
	b = binary.AppendUvarint(b, uint64(t.Price.Units))
	b = binary.AppendUvarint(b, uint64(t.Size.Units))
	b = w.addConditions(b, t)
	w.rows, w.time = b, t.Time
	w.count++
}

// addConditions writes index<<1|dark; index 0 is no conditions, an index one
// past the last seen in this record is followed by their text.
func (w *recordWriter) addConditions(b []byte, t *candle.Trade) []byte {
	var dark uint64
	if t.Dark {
		dark = 1
	}
	if t.Conditions == "" {
		return append(b, byte(dark))
	}
	for i, c := range w.conditions {
		if c == t.Conditions {
			return binary.AppendUvarint(b, uint64(i+1)<<1|dark)
		}
	}
	w.conditions = append(w.conditions, t.Conditions)
	b = binary.AppendUvarint(b, uint64(len(w.conditions))<<1|dark)
	b = binary.AppendUvarint(b, uint64(len(t.Conditions)))
	return append(b, t.Conditions...)
}

// appendTo writes the record, without its checksum.
func (w *recordWriter) appendTo(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(w.count))
	return append(dst, w.rows...)
}

var errRecord = errors.New("it does not decode")

// recordReader reads the rows of one record.
type recordReader struct {
	rest       []byte
	left       int
	time       int64
	conditions []string
	intern     map[string]string // conditions seen in earlier records
	bad        bool
}

// reset begins a record whose checksum has been checked.
func (r *recordReader) reset(body []byte) error {
	if len(body) < 2 || body[0] != recordVersion {
		return errRecord
	}
	count, n := binary.Uvarint(body[1:])
	if n <= 0 || count > uint64(len(body)) {
		return errRecord
	}
	if r.intern == nil {
		r.intern = make(map[string]string)
	}
	r.rest, r.left, r.time = body[1+n:], int(count), 0
	r.conditions, r.bad = append(r.conditions[:0], ""), false
	return nil
}

// next reads a row into t, all but its symbol. It returns false after the last
// row, and when the record does not decode: then bad is set.
func (r *recordReader) next(t *candle.Trade) (symbol uint32, ok bool) {
	if r.left == 0 {
		r.bad = len(r.rest) != 0
		return 0, false
	}
	r.left--
	id := r.uvarint()
	t.Time = r.time + r.varint()
	t.Received = t.Time + r.varint()
	scales := r.byte()
	t.Price = candle.Decimal{Units: int64(r.uvarint()), Scale: scales >> 4}
	t.Size = candle.Decimal{Units: int64(r.uvarint()), Scale: scales & 15}
	code := r.uvarint()
	t.Dark, t.Echo = code&1 == 1, false
	t.Conditions = r.condition(code >> 1)
	r.time = t.Time
	if id > 1<<32-1 {
		r.bad = true
	}
	return uint32(id), !r.bad
}

func (r *recordReader) condition(i uint64) string {
	if i < uint64(len(r.conditions)) {
		return r.conditions[i]
	}
	size := r.uvarint()
	if i != uint64(len(r.conditions)) || size > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	raw := r.rest[:size]
	r.rest = r.rest[size:]
	text, ok := r.intern[string(raw)]
	if !ok {
		text = string(raw)
		if len(r.intern) < 4096 {
			r.intern[text] = text
		}
	}
	r.conditions = append(r.conditions, text)
	return text
}

func (r *recordReader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *recordReader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		v := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *recordReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}
