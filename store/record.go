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
	// rowLimit bounds a row without the text of a new shape: nine varints and two
	// bytes.
	rowLimit = 9*binary.MaxVarintLen64 + 2
)

// shape is what the trades of a feed have few kinds of: where the points of price and
// size stand, the sale conditions, and whether it is dark.
type shape struct {
	scales     uint8 // of the price x 16 + of the size
	dark       bool
	conditions string
}

// recordWriter builds one record. The zero value is empty.
type recordWriter struct {
	rows     []byte
	count    int
	received int64 // of the row before
	lag      int64 // of the row before: received - time
	shapes   []shape
}

func (w *recordWriter) reset(buffer []byte) {
	*w = recordWriter{rows: buffer[:0], shapes: w.shapes[:0]}
}

// fits says whether a trade may be added without passing the limit.
func (w *recordWriter) fits(t *candle.Trade) bool {
	return len(w.rows)+rowLimit+len(t.Conditions) <= recordLimit-checksumSize-1-binary.MaxVarintLen64
}

func (w *recordWriter) add(symbol uint32, t *candle.Trade) {
	b := appendUvarint(w.rows, uint64(symbol))
	b = w.addShape(b, t)
	lag := t.Received - t.Time
	b = appendVarint(b, t.Received-w.received)
	b = appendVarint(b, lag-w.lag)
	b = appendUvarint(b, uint64(t.Price.Units))
	b = appendUvarint(b, uint64(t.Size.Units))
	w.rows, w.received, w.lag = b, t.Received, lag
	w.count++
}

// addShape writes the number of the trade's shape. One that is new in this record has
// the next number, and is written behind it.
func (w *recordWriter) addShape(b []byte, t *candle.Trade) []byte {
	s := shape{t.Price.Scale<<4 | t.Size.Scale, t.Dark, t.Conditions}
	for i := range w.shapes {
		if w.shapes[i] == s {
			return appendUvarint(b, uint64(i))
		}
	}
	b = appendUvarint(b, uint64(len(w.shapes)))
	w.shapes = append(w.shapes, s)
	b = append(b, s.scales)
	code := uint64(len(s.conditions)) << 1
	if s.dark {
		code++
	}
	b = appendUvarint(b, code)
	return append(b, s.conditions...)
}

// appendUvarint is binary.AppendUvarint, with the lengths that are frequent here first.
func appendUvarint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(b, byte(v))
	case v < 1<<14:
		return append(b, byte(v)|0x80, byte(v>>7))
	case v < 1<<21:
		return append(b, byte(v)|0x80, byte(v>>7)|0x80, byte(v>>14))
	}
	return binary.AppendUvarint(b, v)
}

func appendVarint(b []byte, v int64) []byte { return appendUvarint(b, uint64(v<<1)^uint64(v>>63)) }

// appendTo writes the record, without its checksum.
func (w *recordWriter) appendTo(dst []byte) []byte {
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(w.count))
	return append(dst, w.rows...)
}

var errRecord = errors.New("it does not decode")

// recordReader reads the rows of one record.
type recordReader struct {
	rest     []byte
	left     int
	received int64
	lag      int64
	shapes   []shape
	intern   map[string]string // conditions seen in earlier records
	bad      bool
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
	r.begin(body[1+n:], int(count))
	return nil
}

// begin begins the rows of a writer.
func (r *recordReader) begin(rows []byte, count int) {
	if r.intern == nil {
		r.intern = make(map[string]string)
	}
	r.rest, r.left, r.received, r.lag = rows, count, 0, 0
	r.shapes, r.bad = r.shapes[:0], false
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
	s := r.shape(r.uvarint())
	r.received += r.varint()
	r.lag += r.varint()
	t.Received, t.Time = r.received, r.received-r.lag
	t.Price = candle.Decimal{Units: int64(r.uvarint()), Scale: s.scales >> 4}
	t.Size = candle.Decimal{Units: int64(r.uvarint()), Scale: s.scales & 15}
	t.Conditions, t.Dark, t.Echo = s.conditions, s.dark, false
	if id > 1<<32-1 {
		r.bad = true
	}
	return uint32(id), !r.bad
}

// shape is the i-th shape of the record, which may be described here.
func (r *recordReader) shape(i uint64) shape {
	if i < uint64(len(r.shapes)) {
		return r.shapes[i]
	}
	scales := r.byte()
	code := r.uvarint()
	size := code >> 1
	if i != uint64(len(r.shapes)) || size > uint64(len(r.rest)) {
		r.bad = true
		return shape{}
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
	r.shapes = append(r.shapes, shape{scales, code&1 == 1, text})
	return r.shapes[i]
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
