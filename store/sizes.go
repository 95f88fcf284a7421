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
	err := f.eachIn(s, bucketTrades, func(k, v []byte) {
		if id, first, ok := parseBlockKey(k); ok {
			size := of(id)
			size.BlockBytes += int64(len(k) + len(v))
			if h, err := blockHeader(v); err == nil {
				size.Trades = first + int64(h.Count) - 1
			}
		}
	})
	for _, i := range storedIntervals {
		if err != nil {
			return err
		}
		err = f.eachIn(s, i.bucket, func(k, v []byte) {
			if id, _, ok := parseCandleKey(k); ok {
				size := of(id)
				bytes := &size.SecondBytes
				if !i.interval.ByTime() {
					bytes = &size.HundredBytes
				}
				*bytes += int64(len(k) + len(v))
			}
		})
	}
	return err
}

// eachIn visits the values of a bucket of a session, in transactions of a page's time.
// What it hands out is good during the call only.
func (f *File) eachIn(s ledger.Session, bucket []byte, visit func(k, v []byte)) error {
	key := sessionKey(s)
	var from []byte
	for more := true; more; {
		err := f.view(func(tx *bolt.Tx) error {
			more = false
			b := tx.Bucket(bucketSessions).Bucket(key[:])
			if b == nil || b.Bucket(bucket) == nil {
				return nil
			}
			until := newPage()
			c := b.Bucket(bucket).Cursor()
			for k, v := c.Seek(from); k != nil; k, v = c.Next() {
				if until.over() {
					from, more = append(from[:0], k...), true
					return nil
				}
				visit(k, v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
