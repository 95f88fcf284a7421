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
	return eachSession(f, func(key [sessionKeySize]byte, b *bolt.Bucket) (ledger.Session, bool, error) {
		st, err := f.readStanding(b, key)
		return st.about.session, !st.settled(b), err
	})
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
