package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// A page is how much is copied out of the file in one transaction: nobody who reads
// holds it for longer, and nothing is decoded or handed out while it is held.
const (
	pageBytes = 1 << 20
	pageTime  = 250 * time.Millisecond
)

// pageEnd is when a transaction that reads has to end.
type pageEnd time.Time

func newPage() pageEnd { return pageEnd(time.Now().Add(pageTime)) }

func (e pageEnd) over() bool { return time.Now().After(time.Time(e)) }

// errMoved says that the tape being read was sealed and dropped meanwhile: what was
// to come is in blocks now, and the reading has to begin anew.
var errMoved = errors.New("the tape was sealed while it was read")

// again calls read until it is not interrupted by a seal. There are few of them.
func again(read func() error) error {
	for {
		if err := read(); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// allTapes is no tape's number, but behind all of them.
const allTapes = math.MaxUint32

// scanner reads the trades of a session that are on its tapes and in no block yet.
type scanner struct {
	f       *File
	ctx     context.Context // ends it early
	session ledger.Session
	key     [sessionKeySize]byte
	until   uint32                     // the tape not to read any more
	begin   func(b *bolt.Bucket) error // in the first transaction, with the session's bucket; may be nil

	begun bool
	last  uint64   // ordinal of the last record as the reading began: what comes later is not read
	mark  sealMark // as the reading began
	tape  uint32   // being read
	next  uint64   // ordinal of the next trade
	taken uint64   // trades of mark.symbol seen on mark.tape
	bytes int64    // of the records read

	data    []byte // the page
	records []pageRecord
	more    bool
}

type pageRecord struct {
	tape    uint32
	ordinal uint64
	end     int // in data
}

// scan visits every trade of a session that is on a tape and in no block as it begins, in
// order of arrival, until visit says no. The trade is good until the next call, and
// its Symbol is not set. It proves every record on the way: checksum, rows, and that
// none is missing. It returns errMoved when a seal overtook it. begin, if not nil, is
// called with the session's bucket as the scan finds its start.
func (f *File) scan(s ledger.Session, until uint32, begin func(*bolt.Bucket) error, visit func(id uint32, t *candle.Trade) bool) (*scanner, error) {
	return f.scanWithin(context.Background(), s, until, begin, visit)
}

// scanWithin is a scan that ends with ctx.
func (f *File) scanWithin(ctx context.Context, s ledger.Session, until uint32, begin func(*bolt.Bucket) error, visit func(id uint32, t *candle.Trade) bool) (*scanner, error) {
	c := &scanner{f: f, ctx: ctx, session: s, key: sessionKey(s), until: until, begin: begin}
	return c, c.run(visit)
}

// run visits from where the scanner stands.
func (c *scanner) run(visit func(id uint32, t *candle.Trade) bool) error {
	var r recordReader
	for c.more = true; c.more; {
		if err := c.readPage(); err != nil {
			return err
		}
		start := 0
		for _, rec := range c.records {
			if rec.ordinal > c.last {
				return nil
			}
			if err := c.ctx.Err(); err != nil {
				return err
			}
			c.f.breathe()
			ok, err := c.visit(&r, rec, c.data[start:rec.end], visit)
			if err != nil || !ok {
				return err
			}
			start = rec.end
		}
	}
	return nil
}

// visit goes through one record.
func (c *scanner) visit(r *recordReader, rec pageRecord, value []byte, visit func(uint32, *candle.Trade) bool) (bool, error) {
	body, err := c.open(rec, value)
	if err != nil {
		return false, err
	}
	if r.reset(body) != nil {
		return false, c.damaged(rec.ordinal, errRecord.Error())
	}
	symbols := uint32(len(c.f.names.all()))
	var t candle.Trade
	for id, ok := r.next(&t); ok; id, ok = r.next(&t) {
		if id >= symbols {
			return false, c.damaged(rec.ordinal, "it names a symbol that is not there")
		}
		c.next++
		if c.sealed(rec.tape, id) {
			continue
		}
		if !visit(id, &t) {
			return false, nil
		}
	}
	if r.bad {
		return false, c.damaged(rec.ordinal, errRecord.Error())
	}
	return true, nil
}

// sealed says whether the next trade of a symbol on a tape is in a block already.
func (c *scanner) sealed(tape, id uint32) bool {
	if tape != c.mark.tape || id > c.mark.symbol {
		return false
	}
	if id == c.mark.symbol {
		c.taken++
		return c.taken <= c.mark.taken
	}
	return true
}

// readPage copies the next records.
func (c *scanner) readPage() error {
	begun, next, on, bytes := c.begun, c.next, c.tape, c.bytes
	return c.f.view(func(tx *bolt.Tx) error {
		c.begun, c.next, c.tape, c.bytes = begun, next, on, bytes
		c.data, c.records, c.more = c.data[:0], c.records[:0], false
		b := tx.Bucket(bucketSessions).Bucket(c.key[:])
		if b == nil {
			return nil
		}
		mark, err := c.f.readMark(b, c.key)
		if err != nil {
			return err
		}
		if !c.begun {
			c.begun, c.mark, c.next = true, mark, mark.ordinals
			c.last = lastRecord(b)
			if c.begin != nil {
				if err := c.begin(b); err != nil {
					return err
				}
			}
		}
		if mark.ordinals > c.next {
			return errMoved
		}
		c.tape = max(c.tape, mark.tape)
		until := newPage()
		for c.tape < c.until {
			if err := c.copyTape(b, until); err != nil || c.more {
				return err
			}
			next, ok := nextTape(b, c.tape)
			if !ok {
				return nil
			}
			c.tape = next
		}
		return nil
	})
}

// copyTape copies what is left of the current tape; more is set when there is too much.
func (c *scanner) copyTape(b *bolt.Bucket, until pageEnd) error {
	name := tapeName(c.tape)
	tape := b.Bucket(name[:])
	if tape == nil {
		return nil
	}
	start := ordinalKey(c.next)
	cursor := tape.Cursor()
	for k, v := cursor.Seek(start[:]); k != nil; k, v = cursor.Next() {
		if len(c.data) > pageBytes || len(c.records) > 0 && until.over() {
			c.more = true
			return nil
		}
		if len(k) != 8 {
			return &Damaged{c.f.path, placeOf(c.key, "tape", k), "the key is no ordinal"}
		}
		c.data = append(c.data, v...)
		c.bytes += int64(len(v))
		c.records = append(c.records, pageRecord{c.tape, binary.BigEndian.Uint64(k), len(c.data)})
	}
	return nil
}

// lastRecord is the ordinal of the last record on the tapes of the session in bucket b.
func lastRecord(b *bolt.Bucket) uint64 {
	n, ok := lastTape(b)
	if !ok {
		return 0
	}
	name := tapeName(n)
	if k, _ := b.Bucket(name[:]).Cursor().Last(); len(k) == 8 {
		return binary.BigEndian.Uint64(k)
	}
	return math.MaxUint64 // an empty tape or a damaged one: the reading says what is wrong
}

// nextTape is the first tape of the session in bucket b behind number n.
func nextTape(b *bolt.Bucket, n uint32) (uint32, bool) {
	name := tapeName(n + 1)
	k, _ := b.Cursor().Seek(name[:])
	return parseTapeName(k)
}

// open proves a record's place and checksum and returns its body.
func (c *scanner) open(rec pageRecord, value []byte) ([]byte, error) {
	if rec.ordinal != c.next {
		return nil, c.damaged(rec.ordinal, fmt.Sprintf("it should begin with trade %d", c.next))
	}
	name, key := tapeName(rec.tape), ordinalKey(rec.ordinal)
	body, err := open(value, c.key[:], name[:], key[:])
	if err != nil {
		return nil, c.damaged(rec.ordinal, err.Error())
	}
	return body, nil
}

func (c *scanner) damaged(ordinal uint64, what string) error {
	key := ordinalKey(ordinal)
	return &Damaged{c.f.path, place(c.session, "tape", key[:]), what}
}
