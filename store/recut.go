package store

import (
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/store/block"
)

// recut joins the short blocks that seals before the session's end have left: all
// that lie between two multiples of block.Limit become one.
func (w *sealer) recut() error {
	decoder := block.NewDecoder()
	from := blockKey(0, 0)
	for more := true; more; {
		pieces, next, err := w.pieces(from)
		if err != nil {
			return err
		}
		if len(pieces) > 1 {
			if err := w.join(decoder, pieces); err != nil {
				return err
			}
		}
		from, more = next, next != [blockKeySize]byte{}
	}
	return w.flush()
}

// piece is a block of trades, copied.
type piece struct {
	id    uint32
	first int64
	value []byte
}

func (p piece) sameBlock(id uint32, first int64) bool {
	return p.id == id && (p.first-1)/block.Limit == (first-1)/block.Limit
}

// pieces finds the first blocks from a key on that are to be one, and the key from
// which to look on: zero at the end.
func (w *sealer) pieces(from [blockKeySize]byte) (found []piece, next [blockKeySize]byte, err error) {
	err = w.f.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSessions).Bucket(w.key[:])
		if b == nil || b.Bucket(bucketTrades) == nil {
			return nil
		}
		until := newPage()
		c := b.Bucket(bucketTrades).Cursor()
		k, v := c.Seek(from[:])
		for ; k != nil; k, v = c.Next() {
			id, first, ok := parseBlockKey(k)
			if !ok {
				return &Damaged{w.f.path, place(w.session, "trades", k), "the key is none of a block"}
			}
			if len(found) > 0 && !found[0].sameBlock(id, first) {
				if len(found) > 1 || until.over() {
					next = blockKey(id, first)
					break
				}
				found = found[:0]
			}
			found = append(found, piece{id, first, v})
		}
		if len(found) == 1 {
			found = nil
		}
		for i := range found {
			found[i].value = slices.Clone(found[i].value)
		}
		return nil
	})
	return found, next, err
}

// join makes one block of pieces.
func (w *sealer) join(decoder *block.Decoder, pieces []piece) error {
	name, err := w.f.nameOf(w.session, pieces[0].id)
	if err != nil {
		return err
	}
	var trades []candle.Trade
	var puts []put
	for _, p := range pieces {
		key := blockKey(p.id, p.first)
		body, err := openBlock(w.key, key[:], name, p.value)
		if next := pieces[0].first + int64(len(trades)); err == nil && w.dropped.behind(p.id, next) == p.first {
			return nil // with a gap between them they stay as they are
		} else if err == nil && p.first != next {
			err = fmt.Errorf("trade %d should be in it", next)
		}
		if err == nil {
			trades, err = decoder.Trades(trades, body)
		}
		if err != nil {
			return &Damaged{w.f.path, place(w.session, "trades", key[:]), err.Error()}
		}
		puts = append(puts, put{bucketTrades, key[:], nil})
	}
	key := blockKey(pieces[0].id, pieces[0].first)
	puts[0].value = sealBlock(w.encoder, w.key, key, name, trades)
	return w.add(w.mark, puts...)
}
