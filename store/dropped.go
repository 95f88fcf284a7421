package store

import (
	"encoding/binary"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
)

// dropped is what is not there any more of a session: taken by retention, or lost by
// damage and left out by Salvage. The seqs of what is left stay as they were. Nothing
// may be recorded into a session without its trades: its candles could not be folded
// again.
type dropped struct {
	trades, candles bool             // by retention, all of them
	gaps            map[uint32][]gap // of each symbol's trades, by seq
}

// gap is a run of trades that are not there.
type gap struct{ first, count int64 }

const (
	droppedTrades  = 1
	droppedCandles = 2
)

func (d dropped) encode() []byte {
	var flags byte
	if d.trades {
		flags |= droppedTrades
	}
	if d.candles {
		flags |= droppedCandles
	}
	b := binary.AppendUvarint([]byte{flags}, uint64(len(d.gaps)))
	last := uint32(0)
	for _, id := range slices.Sorted(maps.Keys(d.gaps)) {
		b = binary.AppendUvarint(b, uint64(id-last))
		b = binary.AppendUvarint(b, uint64(len(d.gaps[id])))
		end := int64(1)
		for _, g := range d.gaps[id] {
			b = binary.AppendUvarint(b, uint64(g.first-end))
			b = binary.AppendUvarint(b, uint64(g.count))
			end = g.first + g.count
		}
		last = id
	}
	return b
}

func decodeDropped(body []byte) (dropped, error) {
	r := fields{rest: body}
	flags := r.byte()
	d := dropped{trades: flags&droppedTrades != 0, candles: flags&droppedCandles != 0, gaps: make(map[uint32][]gap)}
	id := uint32(0)
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		id += uint32(r.uvarint())
		end := int64(1)
		for m := r.uvarint(); m > 0 && r.err == nil; m-- {
			g := gap{first: end + int64(r.uvarint()), count: int64(r.uvarint())}
			end = g.first + g.count
			d.gaps[id] = append(d.gaps[id], g)
		}
	}
	return d, r.err
}

// behind is the seq behind the gap that a symbol's trade lies in: 0 when it lies in
// none.
func (d dropped) behind(id uint32, seq int64) int64 {
	for _, g := range d.gaps[id] {
		if seq >= g.first && seq < g.first+g.count {
			return g.first + g.count
		}
	}
	return 0
}

// lastSeq is the last of a symbol's seqs in a gap.
func (d dropped) lastSeq(id uint32) int64 {
	if gaps := d.gaps[id]; len(gaps) > 0 {
		g := gaps[len(gaps)-1]
		return g.first + g.count - 1
	}
	return 0
}

// readDropped reads what is dropped of the session in bucket b.
func (f *File) readDropped(b *bolt.Bucket, key [sessionKeySize]byte) (dropped, error) {
	value := b.Get(keyDropped)
	if value == nil {
		return dropped{}, nil
	}
	body, err := open(value, key[:], keyDropped)
	if err != nil {
		return dropped{}, &Damaged{f.path, placeOf(key, "dropped", nil), err.Error()}
	}
	d, err := decodeDropped(body)
	if err != nil {
		return dropped{}, &Damaged{f.path, placeOf(key, "dropped", nil), err.Error()}
	}
	return d, nil
}

func (f *File) dropped(s ledger.Session) (d dropped, err error) {
	key := sessionKey(s)
	err = f.view(func(tx *bolt.Tx) (err error) {
		if b := tx.Bucket(bucketSessions).Bucket(key[:]); b != nil {
			d, err = f.readDropped(b, key)
		}
		return err
	})
	return d, err
}
