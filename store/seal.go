package store

import (
	"context"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/block"
)

// sealBytes bounds a transaction of a seal: a commit never waits for a larger one.
const sealBytes = 256 << 10

// Seal moves the trades of a session from its tape into blocks by symbol: while the
// session runs, to bound the tape; and, with ended, when it is over: then the short
// blocks that earlier seals left are cut anew, so that the blocks are the same however
// the session was cut, and its candles of 1 second and 100 trades are stored. It may be
// called again for trades that came late, and after a crash: it goes on where it
// stopped. What has nothing to seal is left alone.
//
// It may take a minute and is meant for a goroutine of its own: appending, committing
// and reading go on meanwhile. It ends early with ctx's error, between transactions of
// at most 256 KB. One seal runs at a time. An error with Full() true may be tried again.
func (f *File) Seal(ctx context.Context, s ledger.Session, ended bool) error {
	f.seals.Lock()
	defer f.seals.Unlock()
	w := &sealer{f: f, ctx: ctx, session: s, key: sessionKey(s), encoder: encoders.Get().(*block.Encoder), trades: make([]candle.Trade, block.Limit)}
	defer encoders.Put(w.encoder)
	if err := w.seal(ended); err != nil {
		return fmt.Errorf("seal %s of %s: %w", s.Date(), f.path, full(err))
	}
	return nil
}

// encoders are kept between seals: each holds some MB.
var encoders = sync.Pool{New: func() any { return block.NewEncoder() }}

// Unsealed is how many bytes of a session's trades are on its tapes, as far as this
// process has looked at it. It does not block.
func (f *File) Unsealed(s ledger.Session) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.tapes[sessionKey(s)]; t != nil {
		return t.bytes
	}
	return 0
}

// Unfinished are the sessions that have something to seal, or candles to store when
// they have ended, by time.
func (f *File) Unfinished() ([]ledger.Session, error) {
	var list []ledger.Session
	err := f.eachSession(func(key [sessionKeySize]byte, b *bolt.Bucket) error {
		mark, err := f.readMark(b, key)
		if err != nil {
			return err
		}
		d, err := f.readDropped(b, key)
		if err != nil {
			return err
		}
		_, taped := firstTape(b, mark.tape)
		if d.trades || !taped && mark.finished() || !taped && b.Bucket(bucketTrades) == nil {
			return nil
		}
		a, err := f.readAbout(b, key)
		list = append(list, a.session)
		return err
	})
	return list, err
}

// sealer is one seal. What it writes waits in puts until a transaction is worth it.
type sealer struct {
	f       *File
	ctx     context.Context
	session ledger.Session
	key     [sessionKeySize]byte
	encoder *block.Encoder
	mark    sealMark // as the puts leave it
	exists  bool
	dropped dropped
	puts    []put
	bytes   int
	unpack  recordReader
	trades  []candle.Trade // scratch: a block
}

// put is a value to write; nil deletes.
type put struct {
	bucket, key, value []byte
}

func (w *sealer) seal(ended bool) error {
	tapes, err := w.close()
	if err != nil || !w.exists || w.dropped.trades {
		return err
	}
	for _, n := range tapes {
		if err := w.tape(n); err != nil {
			return err
		}
	}
	w.reopen()
	if !ended || w.mark.finished() {
		return nil
	}
	if err := w.recut(); err != nil {
		return err
	}
	if !w.dropped.candles {
		if err := w.candles(); err != nil {
			return err
		}
	}
	w.mark.folded = w.mark.ordinals + 1
	return w.update(func(*bolt.Bucket) error { return nil })
}

// close ends the tape that is appended to, if there is anything on it, and returns the
// tapes that nothing is appended to any more.
func (w *sealer) close() (tapes []uint32, err error) {
	f := w.f
	f.commit.Lock() // so that no commit is on its way to that tape
	defer f.commit.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.view(func(tx *bolt.Tx) (err error) {
		b := tx.Bucket(bucketSessions).Bucket(w.key[:])
		if w.exists = b != nil; !w.exists {
			return nil
		}
		if w.dropped, err = f.readDropped(b, w.key); err != nil {
			return err
		}
		if w.mark, err = f.readMark(b, w.key); err != nil {
			return err
		}
		for n, ok := firstTape(b, w.mark.tape); ok; n, ok = nextTape(b, n) {
			tapes = append(tapes, n)
		}
		return nil
	})
	if err != nil || len(tapes) == 0 {
		return nil, err
	}
	next := tapes[len(tapes)-1] + 1
	f.sealing[w.key] = next
	if t := f.tapes[w.key]; t != nil && t.number < next {
		t.move(next)
	}
	return tapes, nil
}

// firstTape is the first tape of the session in bucket b from number n on.
func firstTape(b *bolt.Bucket, n uint32) (uint32, bool) {
	name := tapeName(n)
	k, _ := b.Cursor().Seek(name[:])
	return parseTapeName(k)
}

// reopen forgets where appends had to go: the mark says it now.
func (w *sealer) reopen() {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	delete(w.f.sealing, w.key)
}

// tape moves one tape into blocks and drops it.
func (w *sealer) tape(number uint32) error {
	if w.mark.tape != number {
		w.mark = sealMark{ordinals: w.mark.ordinals, tape: number, folded: w.mark.folded}
	}
	var counts []int64
	c, err := w.f.scan(w.session, number+1, nil, func(id uint32, _ *candle.Trade) bool {
		for int(id) >= len(counts) {
			counts = append(counts, 0)
		}
		counts[id]++
		return true
	})
	if err != nil {
		return err
	}
	for _, ids := range idGroups(counts) {
		if err := w.group(number, ids, counts); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.mark = sealMark{ordinals: c.next, tape: number + 1, folded: w.mark.folded}
	return w.drop(number, c.bytes)
}

// packedTrade is about what a trade takes while it waits to be cut, as on the tape.
const packedTrade = 16

// idGroups cuts the symbols with trades, by id, so that the trades of each group fit
// in groupBytes, or it is one symbol.
func idGroups(counts []int64) [][]uint32 {
	var all [][]uint32
	var group []uint32
	total := int64(0)
	for id, n := range counts {
		if n == 0 {
			continue
		}
		if len(group) > 0 && (total+n)*packedTrade > groupBytes {
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
		return firstError(failed, err)
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

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
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

// add makes puts wait for the next transaction, which holds all of them or none, and
// the mark as it is after them.
func (w *sealer) add(mark sealMark, puts ...put) error {
	size := 0
	for _, p := range puts {
		size += len(p.key) + len(p.value)
	}
	if w.bytes+size > sealBytes && len(w.puts) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.puts, w.bytes, w.mark = append(w.puts, puts...), w.bytes+size, mark
	return nil
}

// flush writes what waits.
func (w *sealer) flush() error {
	if len(w.puts) == 0 {
		return nil
	}
	err := w.update(func(b *bolt.Bucket) error {
		for _, p := range w.puts {
			if err := p.write(b); err != nil {
				return err
			}
		}
		return nil
	})
	w.puts, w.bytes = w.puts[:0], 0
	return err
}

// write puts the value. FillPercent 1: keys nearly always come at the end.
func (p put) write(session *bolt.Bucket) error {
	b, err := session.CreateBucketIfNotExists(p.bucket)
	if err != nil {
		return err
	}
	b.FillPercent = 1
	if p.value == nil {
		return b.Delete(p.key)
	}
	return b.Put(p.key, p.value)
}

// drop drops a tape that has moved as a whole.
func (w *sealer) drop(number uint32, bytes int64) error {
	name := tapeName(number)
	if err := w.update(func(b *bolt.Bucket) error { return b.DeleteBucket(name[:]) }); err != nil {
		return err
	}
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if t := w.f.tapes[w.key]; t != nil {
		t.bytes -= bytes
	}
	return nil
}

// update changes the session's bucket and its mark in one transaction.
func (w *sealer) update(do func(b *bolt.Bucket) error) error {
	if w.f.beforeSeal != nil {
		w.f.beforeSeal()
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return guard(w.f.path, func() error {
		return w.f.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketSessions).Bucket(w.key[:])
			if err := do(b); err != nil {
				return err
			}
			return putSigned(b, keySealed, w.mark.encode(), w.key[:])
		})
	})
}
