package store

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// A page is how much of a tape is copied in one transaction: nobody who reads
// holds the file for longer, and nothing is decoded or handed out while it is held.
const (
	pageBytes = 1 << 20
	pageTime  = 250 * time.Millisecond
)

// page is a stretch of a tape, copied out of the file.
type page struct {
	data    []byte
	records []pageRecord
	more    bool
}

type pageRecord struct {
	ordinal uint64
	end     int // in data
}

// scan visits every trade of a session on file, in order of arrival, until visit
// says no, and returns the ordinal after the last one visited. The trade is good
// until the next call, and its Symbol is not set. It proves every record on the
// way: checksum, rows, and that none is missing.
func (f *File) scan(s ledger.Session, visit func(id uint32, t *candle.Trade) bool) (next uint64, err error) {
	var p page
	var r recordReader
	var t candle.Trade
	key := sessionKey(s)
	for p.more = true; p.more; {
		if err := f.readPage(&p, key, next); err != nil {
			return next, err
		}
		start := 0
		for _, rec := range p.records {
			body, err := f.openRecord(s, rec.ordinal, next, p.data[start:rec.end])
			if err == nil && r.reset(body) != nil {
				err = f.damagedRecord(s, rec.ordinal, errRecord.Error())
			}
			if err != nil {
				return next, err
			}
			start = rec.end
			for id, ok := r.next(&t); ok; id, ok = r.next(&t) {
				if id >= uint32(len(f.names.all())) {
					return next, f.damagedRecord(s, rec.ordinal, "it names a symbol that is not there")
				}
				next++
				if !visit(id, &t) {
					return next, nil
				}
			}
			if r.bad {
				return next, f.damagedRecord(s, rec.ordinal, errRecord.Error())
			}
		}
	}
	return next, nil
}

// readPage copies the records from an ordinal on.
func (f *File) readPage(p *page, session [sessionKeySize]byte, from uint64) error {
	p.data, p.records, p.more = p.data[:0], p.records[:0], false
	return f.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSessions).Bucket(session[:])
		if b == nil {
			return nil
		}
		tape := b.Bucket(keyTape)
		if tape == nil {
			return nil
		}
		start := ordinalKey(from)
		until := time.Now().Add(pageTime)
		c := tape.Cursor()
		for k, v := c.Seek(start[:]); k != nil; k, v = c.Next() {
			if len(p.data) > pageBytes || len(p.records) > 0 && time.Now().After(until) {
				p.more = true
				return nil
			}
			if len(k) != 8 {
				return &Damaged{f.path, fmt.Sprintf("sessions/%x/tape/%x", session, k), "the key is no ordinal"}
			}
			p.data = append(p.data, v...)
			p.records = append(p.records, pageRecord{binary.BigEndian.Uint64(k), len(p.data)})
		}
		return nil
	})
}

// openRecord proves a record's place and checksum and returns its body.
func (f *File) openRecord(s ledger.Session, ordinal, want uint64, value []byte) ([]byte, error) {
	if ordinal != want {
		return nil, f.damagedRecord(s, ordinal, fmt.Sprintf("it should begin with trade %d", want))
	}
	session, key := sessionKey(s), ordinalKey(ordinal)
	body, err := open(value, session[:], key[:])
	if err != nil {
		return nil, f.damagedRecord(s, ordinal, err.Error())
	}
	return body, nil
}

func (f *File) damagedRecord(s ledger.Session, ordinal uint64, what string) error {
	key := ordinalKey(ordinal)
	return &Damaged{f.path, place(s, "tape", key[:]), what}
}
