package store

import (
	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// Size is what a symbol takes in a session: trades on the tape and in blocks, and the
// stored candles; keys and checksums included, pages not.
type Size struct {
	Trades                    int64
	TapeBytes, BlockBytes     int64
	SecondBytes, HundredBytes int64 // stored candles
}

// Sizes measures a session by symbol. It reads like Trades, and proves the tape only.
func (f *File) Sizes(s ledger.Session) (map[string]Size, error) {
	byID := make(map[uint32]*Size)
	of := func(id uint32) *Size {
		if byID[id] == nil {
			byID[id] = new(Size)
		}
		return byID[id]
	}
	if err := f.sizeBlocks(s, of); err != nil {
		return nil, err
	}
	if err := f.sizeTape(s, of); err != nil {
		return nil, err
	}
	sizes := make(map[string]Size)
	names := f.names.all()
	for id, size := range byID {
		if id < uint32(len(names)) {
			sizes[names[id]] = *size
		}
	}
	return sizes, nil
}

// sizeTape measures the rows on the tape.
func (f *File) sizeTape(s ledger.Session, of func(uint32) *Size) error {
	type rows struct{ trades, bytes int64 }
	seen := make(map[uint32]*rows)
	err := again(func() error {
		clear(seen)
		var w recordWriter
		_, err := f.scan(s, allTapes, nil, func(id uint32, t *candle.Trade) bool {
			if len(w.rows) > recordLimit {
				w.reset(w.rows)
			}
			before := len(w.rows)
			w.add(id, t)
			if seen[id] == nil {
				seen[id] = new(rows)
			}
			seen[id].trades++
			seen[id].bytes += int64(len(w.rows) - before)
			return true
		})
		return err
	})
	for id, r := range seen {
		size := of(id)
		size.Trades += r.trades
		size.TapeBytes += r.bytes
	}
	return err
}

// sizeBlocks measures what is sealed.
func (f *File) sizeBlocks(s ledger.Session, of func(uint32) *Size) error {
	type found struct {
		id          uint32
		ok          bool
		bytes, last int64
	}
	err := eachIn(f, s, bucketTrades, func(k, v []byte) found {
		id, first, ok := parseBlockKey(k)
		b := found{id, ok, int64(len(k) + len(v)), 0}
		if h, err := blockHeader(v); err == nil {
			b.last = first + int64(h.Count) - 1
		}
		return b
	}, func(b found) {
		if b.ok {
			size := of(b.id)
			size.BlockBytes += b.bytes
			size.Trades = max(size.Trades, b.last)
		}
	})
	for _, i := range storedIntervals {
		if err != nil {
			return err
		}
		err = eachIn(f, s, i.bucket, func(k, v []byte) found {
			id, _, ok := parseCandleKey(k)
			return found{id, ok, int64(len(k) + len(v)), 0}
		}, func(b found) {
			switch {
			case !b.ok:
			case i.interval.ByTime():
				of(b.id).SecondBytes += b.bytes
			default:
				of(b.id).HundredBytes += b.bytes
			}
		})
	}
	return err
}

// eachIn looks at the values of a bucket of a session, in transactions of a page's time,
// and visits what it saw in them when the transaction is over. What look is handed is good
// during the call only.
func eachIn[T any](f *File, s ledger.Session, bucket []byte, look func(k, v []byte) T, visit func(T)) error {
	key := sessionKey(s)
	var start, from []byte
	var found []T
	for more := true; more; {
		start = append(start[:0], from...)
		err := f.view(func(tx *bolt.Tx) error {
			found, more = found[:0], false
			b := tx.Bucket(bucketSessions).Bucket(key[:])
			if b == nil || b.Bucket(bucket) == nil {
				return nil
			}
			until := newPage()
			c := b.Bucket(bucket).Cursor()
			for k, v := c.Seek(start); k != nil; k, v = c.Next() {
				if until.over() {
					from, more = append(from[:0], k...), true
					return nil
				}
				found = append(found, look(k, v))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, each := range found {
			visit(each)
		}
	}
	return nil
}
