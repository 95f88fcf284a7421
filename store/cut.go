package store

import (
	"cmp"
	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/store/block"
)

// packedTrade is about what a trade takes while it waits to be cut, as on the tape.
const packedTrade = 16

// cutBytes bounds what of a tape waits to be cut at a time.
const cutBytes = 64 << 20

// idGroups cuts the symbols with trades, by id, so that the trades of each group fit
// in cutBytes, or it is one symbol.
func idGroups(counts []int64) [][]uint32 {
	var all [][]uint32
	var group []uint32
	total := int64(0)
	for id, n := range counts {
		if n == 0 {
			continue
		}
		if len(group) > 0 && (total+n)*packedTrade > cutBytes {
			all = append(all, group)
			group, total = nil, 0
		}
		group = append(group, uint32(id))
		total += n
	}
	if len(group) > 0 {
		all = append(all, group)
	}
	return all
}

// group seals the trades of some symbols: picked out of the tape in one reading, and
// then cut symbol by symbol. The trades of a symbol that is alone are cut as they are
// read.
func (w *sealer) group(number uint32, ids []uint32, counts []int64) error {
	cutters, err := w.cutters(ids)
	if err != nil {
		return err
	}
	byID := make([]*cutter, len(counts))
	for i, id := range ids {
		byID[id] = &cutters[i]
	}
	var failed error
	seen := 0
	_, err = w.f.scan(w.session, number+1, nil, func(id uint32, t *candle.Trade) bool {
		if seen++; seen%4096 == 0 {
			failed = w.ctx.Err()
		}
		c := byID[id]
		if c == nil || failed != nil {
			return failed == nil
		}
		c.packed.add(id, t)
		if len(ids) == 1 && c.packed.count == room(c.seq) {
			failed = c.cut(w)
		}
		return failed == nil
	})
	if err != nil || failed != nil {
		return cmp.Or(failed, err)
	}
	for i := range cutters {
		if err := cutters[i].cut(w); err != nil {
			return err
		}
		w.mark.symbol, w.mark.taken = cutters[i].id+1, 0
		cutters[i].packed = recordWriter{}
	}
	return nil
}

// cutters begins behind the blocks that the symbols have.
func (w *sealer) cutters(ids []uint32) ([]cutter, error) {
	list := make([]cutter, len(ids))
	return list, w.f.view(func(tx *bolt.Tx) error {
		trades := tx.Bucket(bucketSessions).Bucket(w.key[:]).Bucket(bucketTrades)
		for i, id := range ids {
			n, err := w.f.lastSeq(trades, w.key, id)
			if err != nil {
				return err
			}
			name, err := w.f.nameOf(w.session, id)
			if err != nil {
				return err
			}
			list[i] = cutter{id: id, name: name, seq: max(n, w.dropped.lastSeq(id)) + 1}
		}
		return nil
	})
}

// cutter cuts the trades of a symbol into blocks. A block ends where its seq is a
// multiple of block.Limit, wherever it began: so that blocks of several seals can be
// joined without touching their neighbours.
type cutter struct {
	id     uint32
	name   string
	seq    int64        // of the first trade that waits
	packed recordWriter // those that wait: a tenth of what they take unpacked
}

// cut writes the trades that wait.
func (c *cutter) cut(w *sealer) error {
	r := &w.unpack
	r.begin(c.packed.rows, c.packed.count)
	for r.left > 0 {
		w.trades = w.trades[:min(r.left, room(c.seq))]
		for i := range w.trades {
			r.next(&w.trades[i])
		}
		n := len(w.trades)
		key := blockKey(c.id, c.seq)
		value := sealBlock(w.encoder, w.key, key, c.name, w.trades)
		mark := w.mark
		if mark.symbol != c.id {
			mark.symbol, mark.taken = c.id, 0
		}
		mark.taken += uint64(n)
		if err := w.add(mark, put{bucketTrades, key[:], value}); err != nil {
			return err
		}
		c.seq += int64(n)
	}
	c.packed.reset(c.packed.rows)
	return nil
}

// room is how many trades fit in the block that holds seq, from seq on.
func room(seq int64) int { return block.Limit - int((seq-1)%block.Limit) }
