package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
)

// sealMark says how far the trades of a session have moved from its tapes into
// blocks. It is written with every block, in the same transaction, so that at any
// moment each trade is in exactly one of the two places. The zero value is a session
// of which nothing is sealed.
type sealMark struct {
	// ordinals is how many trades were on the tapes that are gone: the first one
	// left begins with that ordinal.
	ordinals uint64
	// tape is the first tape that has not moved as a whole. Of it, the trades of
	// the symbols with a lower id than symbol have, and the first taken of symbol.
	tape   uint32
	symbol uint32
	taken  uint64
	// folded is what ordinals was when the candles were stored, plus 1: 0 before.
	folded uint64
}

// begun says whether part of the mark's tape has moved already: then nothing may be
// appended to it any more.
func (m sealMark) begun() bool { return m.symbol > 0 || m.taken > 0 }

func (m sealMark) encode() []byte {
	b := binary.AppendUvarint(nil, m.ordinals)
	b = binary.AppendUvarint(b, uint64(m.tape))
	b = binary.AppendUvarint(b, uint64(m.symbol))
	b = binary.AppendUvarint(b, m.taken)
	return binary.AppendUvarint(b, m.folded)
}

func decodeSealMark(body []byte) (sealMark, error) {
	r := fields{rest: body}
	m := sealMark{ordinals: r.uvarint(), tape: uint32(r.uvarint()), symbol: uint32(r.uvarint()), taken: r.uvarint(), folded: r.uvarint()}
	return m, r.err
}

// finished says whether the candles are stored of all that is sealed.
func (m sealMark) finished() bool { return m.folded == m.ordinals+1 }

// readMark reads the mark of the session in bucket b.
func (f *File) readMark(b *bolt.Bucket, key [sessionKeySize]byte) (sealMark, error) {
	value := b.Get(keySealed)
	if value == nil {
		return sealMark{}, nil
	}
	body, err := open(value, key[:], keySealed)
	if err != nil {
		return sealMark{}, &Damaged{f.path, placeOf(key, "sealed", nil), err.Error()}
	}
	m, err := decodeSealMark(body)
	if err != nil {
		return sealMark{}, &Damaged{f.path, placeOf(key, "sealed", nil), err.Error()}
	}
	return m, nil
}

// placeOf is place for a session that is known by its key.
func placeOf(key [sessionKeySize]byte, what string, of []byte) string {
	start, hours, _ := parseSessionKey(key[:])
	return place(ledger.Session{Open: start, Hours: hours}, what, of)
}

// lastTape is the highest number of a tape of the session in bucket b.
func lastTape(b *bolt.Bucket) (n uint32, ok bool) {
	c := b.Cursor()
	for k, _ := c.Seek([]byte{tapePrefix}); k != nil; k, _ = c.Next() {
		number, is := parseTapeName(k)
		if !is {
			break
		}
		n, ok = number, true
	}
	return n, ok
}
