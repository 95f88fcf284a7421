package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/store/block"
)

// storedIntervals are the intervals whose candles are written when a session has
// ended, with their buckets.
var storedIntervals = []struct {
	interval candle.Interval
	bucket   []byte
}{{candle.Second, bucketSeconds}, {candle.HundredTrades, bucketHundred}}

// candlePart is the head of a value of stored candles: whose they are, the trades
// that they fold, and which part of how many this is. Together they tell whether the
// parts found are those of one fold, and whether it is of all the trades.
type candlePart struct {
	name          string
	trades        int64
	index, blocks uint32
}

func (p candlePart) encode() []byte {
	b := appendText(nil, p.name)
	b = binary.AppendUvarint(b, uint64(p.trades))
	b = binary.AppendUvarint(b, uint64(p.index))
	return binary.AppendUvarint(b, uint64(p.blocks))
}

// openCandles proves a value of stored candles and returns what the Encoder made.
func openCandles(key [sessionKeySize]byte, bucket, at, value []byte) (candlePart, []byte, error) {
	body, err := open(value, key[:], bucket, at)
	if err != nil {
		return candlePart{}, nil, err
	}
	r := fields{rest: body}
	p := candlePart{name: r.text(), trades: int64(r.uvarint()), index: uint32(r.uvarint()), blocks: uint32(r.uvarint())}
	if _, index, ok := parseCandleKey(at); r.err != nil || !ok || index != p.index || p.index >= p.blocks {
		return candlePart{}, nil, errEntry
	}
	return p, r.rest, nil
}

// sealCandles makes the values of one symbol's candles, by index.
func sealCandles(e *block.Encoder, key [sessionKeySize]byte, bucket []byte, id uint32, name string, trades int64, v candle.Interval, list []candle.Candle) [][]byte {
	var values [][]byte
	parts := slices.Collect(slices.Chunk(list, block.Limit))
	for i, part := range parts {
		p := candlePart{name, trades, uint32(i), uint32(len(parts))}
		at := candleKey(id, p.index)
		values = append(values, sign(e.AppendCandles(p.encode(), v, part), key[:], bucket, at[:]))
	}
	return values
}

// storedCandles are the candles of a symbol on file, copied: good only if they fold
// all the trades that are in its blocks.
type storedCandles struct {
	bodies [][]byte
	trades int64
}

// readStored copies a symbol's candles out of bucket b of a session: nil when there are
// none, or not all parts of one fold. A day of seconds is half a megabyte at most: a page.
func (f *File) readStored(b *bolt.Bucket, key [sessionKeySize]byte, bucket []byte, id uint32, name string) (*storedCandles, error) {
	if b = b.Bucket(bucket); b == nil {
		return nil, nil
	}
	var s storedCandles
	at := candleKey(id, 0)
	c := b.Cursor()
	for k, v := c.Seek(at[:]); k != nil; k, v = c.Next() {
		found, index, ok := parseCandleKey(k)
		if ok && found != id {
			break
		}
		p, body, err := openCandles(key, bucket, k, v)
		switch {
		case err != nil:
			return nil, &Damaged{f.path, placeOf(key, string(bucket), k), err.Error()}
		case p.name != name:
			return nil, &Damaged{f.path, placeOf(key, string(bucket), k), fmt.Sprintf("it is not of %s", name)}
		case int(index) != len(s.bodies), index > 0 && p.trades != s.trades: // of an unfinished seal
			return nil, nil
		}
		s.trades = p.trades
		s.bodies = append(s.bodies, slices.Clone(body))
		if p.index+1 == p.blocks {
			return &s, nil
		}
	}
	return nil, nil
}

// decode hands out the candles, by start or number.
func (s *storedCandles) decode(list []candle.Candle, d *block.Decoder, v candle.Interval) (_ []candle.Candle, err error) {
	for _, body := range s.bodies {
		if list, err = d.Candles(list, v, body); err != nil {
			return nil, err
		}
	}
	return list, nil
}
