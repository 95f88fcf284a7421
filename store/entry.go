package store

import (
	"encoding/binary"
	"errors"
	"slices"

	"tapedeck/collector/ledger"
)

var errEntry = errors.New("it does not decode")

// about is the stored description of a session. rest is what a later minor
// version added behind the known fields: it is written back untouched.
type about struct {
	session ledger.Session
	source  string
	rest    []byte
}

const statedFlag = 1

func (a *about) encode() []byte {
	b := binary.AppendVarint(nil, a.session.Close)
	var flags byte
	if a.session.Stated {
		flags |= statedFlag
	}
	b = append(b, flags)
	b = appendText(b, a.source)
	return append(b, a.rest...)
}

func decodeAbout(open int64, hours ledger.Hours, body []byte) (about, error) {
	r := fields{rest: body}
	a := about{session: ledger.Session{Hours: hours, Open: open}}
	a.session.Close = r.varint()
	a.session.Stated = r.byte()&statedFlag != 0
	a.source = r.text()
	a.rest = slices.Clone(r.rest)
	return a, r.err
}

// storedSpan is a ledger entry with its symbols by the id of their set.
type storedSpan struct {
	from, until int64
	set         uint32
	cause       ledger.Cause
}

func (p storedSpan) encode() []byte {
	b := binary.AppendVarint(nil, p.from)
	b = binary.AppendVarint(b, p.until-p.from)
	b = binary.AppendUvarint(b, uint64(p.set))
	return appendText(b, string(p.cause))
}

func decodeSpan(body []byte) (storedSpan, error) {
	r := fields{rest: body}
	from := r.varint()
	p := storedSpan{from: from, until: from + r.varint()}
	p.set = uint32(r.uvarint())
	p.cause = ledger.Cause(r.text())
	return p, r.err
}

// encodeSet writes the ids of a set of symbols, ascending, as differences.
func encodeSet(ids []uint32) []byte {
	b := binary.AppendUvarint(nil, uint64(len(ids)))
	last := uint32(0)
	for _, id := range ids {
		b = binary.AppendUvarint(b, uint64(id-last))
		last = id
	}
	return b
}

func decodeSet(body []byte) ([]uint32, error) {
	r := fields{rest: body}
	n := r.uvarint()
	if n > uint64(len(body)) {
		return nil, errEntry
	}
	ids := make([]uint32, n)
	last := uint32(0)
	for i := range ids {
		last += uint32(r.uvarint())
		ids[i] = last
	}
	return ids, r.err
}

// encodeCounts writes totals by name, sorted, so that equal totals are equal
// bytes. Names that this version does not know are kept like any other.
func encodeCounts(counts ledger.Counts) []byte {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, string(name))
	}
	slices.Sort(names)
	b := binary.AppendUvarint(nil, uint64(len(names)))
	for _, name := range names {
		b = appendText(b, name)
		b = binary.AppendVarint(b, counts[ledger.Count(name)])
	}
	return b
}

func decodeCounts(body []byte) (ledger.Counts, error) {
	r := fields{rest: body}
	counts := make(ledger.Counts)
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		name := r.text()
		counts[ledger.Count(name)] = r.varint()
	}
	return counts, r.err
}

func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// fields reads varints and texts one behind the other; after the first bad one
// everything is zero and err is set.
type fields struct {
	rest []byte
	err  error
}

func (r *fields) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest, r.err = nil, errEntry
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *fields) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *fields) byte() byte {
	if len(r.rest) == 0 {
		r.err = errEntry
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *fields) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.rest, r.err = nil, errEntry
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}
