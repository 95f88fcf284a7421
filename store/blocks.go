package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/block"
)

// A block's value is the symbol's name, what an Encoder of package block made, and
// the checksum. The name is there so that a block still says whose it is when the
// list of symbols is lost.

// sealBlock makes the value of a block of trades.
func sealBlock(e *block.Encoder, key [sessionKeySize]byte, at [blockKeySize]byte, name string, trades []candle.Trade) []byte {
	return sign(e.AppendTrades(appendText(nil, name), trades), key[:], bucketTrades, at[:])
}

// openBlock proves a block of trades and returns what the Encoder made.
func openBlock(key [sessionKeySize]byte, at []byte, name string, value []byte) ([]byte, error) {
	body, err := open(value, key[:], bucketTrades, at)
	if err != nil {
		return nil, err
	}
	r := fields{rest: body}
	if r.text() != name || r.err != nil {
		return nil, fmt.Errorf("it is not of %s", name)
	}
	return r.rest, nil
}

// blockHeader reads the header of a block without proving it.
func blockHeader(value []byte) (block.Header, error) {
	n, size := binary.Uvarint(value)
	if size <= 0 || n > uint64(len(value)-size) {
		return block.Header{}, block.ErrCorrupt
	}
	return block.ReadHeader(value[size+int(n):])
}

// blockReader reads the blocks of one symbol in one session, in pages.
type blockReader struct {
	f       *File
	session ledger.Session
	key     [sessionKeySize]byte
	id      uint32
	name    string
	dropped dropped
	decoder *block.Decoder
	next    int64 // seq of the trade to come
	until   int64 // seq behind the last one wanted

	data   []byte
	blocks []pageBlock
	trades []candle.Trade
}

type pageBlock struct {
	first int64 // seq
	end   int   // in data
}

// each hands the trades from seq next to before seq until to visit, until it says no:
// in runs, each good until the next.
func (r *blockReader) each(visit func(seq int64, trades []candle.Trade) bool) error {
	for r.skipGap(); r.next < r.until; {
		if err := r.readPage(); err != nil {
			return err
		}
		start := 0
		for _, b := range r.blocks {
			r.f.breathe()
			trades, err := r.decode(b.first, r.data[start:b.end])
			if err != nil {
				return err
			}
			start = b.end
			trades = trades[r.next-b.first : min(int64(len(trades)), r.until-b.first)]
			seq := r.next
			r.next += int64(len(trades))
			if !visit(seq, trades) {
				return nil
			}
			r.skipGap()
		}
	}
	return nil
}

// skipGap goes behind the trades that are known not to be there.
func (r *blockReader) skipGap() {
	for behind := r.dropped.behind(r.id, r.next); behind > 0; behind = r.dropped.behind(r.id, r.next) {
		r.next = behind
	}
}

// decode proves a block and that the next trade is in it.
func (r *blockReader) decode(first int64, value []byte) ([]candle.Trade, error) {
	at := blockKey(r.id, first)
	body, err := openBlock(r.key, at[:], r.name, value)
	if err != nil {
		return nil, r.damaged(at[:], err.Error())
	}
	r.trades, err = r.decoder.Trades(r.trades[:0], body)
	if err != nil {
		return nil, r.damaged(at[:], err.Error())
	}
	if end := first + int64(len(r.trades)); first > r.next || end <= r.next {
		return nil, r.damaged(at[:], fmt.Sprintf("trade %d should be in it: it has %d to %d", r.next, first, end-1))
	}
	return r.trades, nil
}

func (r *blockReader) damaged(at []byte, what string) error {
	return &Damaged{r.f.path, place(r.session, "trades", at), what}
}

// readPage copies blocks from the one on that holds the next trade.
func (r *blockReader) readPage() error {
	return r.f.view(func(tx *bolt.Tx) error {
		r.data, r.blocks = r.data[:0], r.blocks[:0]
		var c *bolt.Cursor
		if b := tx.Bucket(bucketSessions).Bucket(r.key[:]); b != nil {
			if b = b.Bucket(bucketTrades); b != nil {
				c = b.Cursor()
			}
		}
		at := blockKey(r.id, r.next)
		if c == nil {
			return r.damaged(at[:], "it is missing")
		}
		for k, v := seekBlock(c, r.id, r.next); k != nil && len(r.data) < pageBytes; k, v = c.Next() {
			id, first, ok := parseBlockKey(k)
			if !ok || id != r.id || first >= r.until {
				break
			}
			r.data = append(r.data, v...)
			r.blocks = append(r.blocks, pageBlock{first, len(r.data)})
		}
		if len(r.blocks) == 0 {
			return r.damaged(at[:], "it is missing")
		}
		return nil
	})
}

// seekBlock goes to the block that holds a trade of a symbol, if any does.
func seekBlock(c *bolt.Cursor, id uint32, seq int64) (key, value []byte) {
	at := blockKey(id, seq)
	k, v := c.Seek(at[:])
	if found, first, ok := parseBlockKey(k); ok && found == id && first == seq {
		return k, v
	}
	if k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	if found, _, ok := parseBlockKey(k); !ok || found != id {
		return nil, nil
	}
	return k, v
}

// lastSeq is how many trades of a symbol the blocks of bucket b come to (b may be
// nil): what is on a tape follows. It is not proven here: whoever reads those trades
// proves it.
func (f *File) lastSeq(b *bolt.Bucket, key [sessionKeySize]byte, id uint32) (int64, error) {
	n, err := lastBlock(b, id)
	if err != nil {
		at := blockKey(id, 0)
		return 0, &Damaged{f.path, placeOf(key, "trades", at[:]), err.Error()}
	}
	return n, nil
}

// lastBlock is the last seq of a symbol in the blocks of bucket b, 0 when there is
// none.
func lastBlock(b *bolt.Bucket, id uint32) (int64, error) {
	if b == nil {
		return 0, nil
	}
	k, v := seekBlock(b.Cursor(), id, 1<<62)
	_, first, ok := parseBlockKey(k)
	if !ok {
		return 0, nil
	}
	h, err := blockHeader(v)
	return first + int64(h.Count) - 1, err
}
