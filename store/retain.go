package store

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
)

// Retain drops what is older than it is to be kept: the trades of sessions that closed
// before tradesBefore, and the stored candles of those that closed before
// candlesBefore (Unix ms; 0 drops nothing). The ledger and the counts stay, and so do
// the candles of dropped trades: a session is sealed before its trades go. It returns
// the sessions of which something was dropped. It may take as long as Seal, runs like
// Seal, and ends early with ctx's error, between sessions.
func (f *File) Retain(ctx context.Context, tradesBefore, candlesBefore int64) ([]ledger.Session, error) {
	all, err := f.Sessions()
	if err != nil {
		return nil, err
	}
	var done []ledger.Session
	for _, s := range all {
		trades := s.Session.Close < tradesBefore && !s.TradesDropped
		candles := s.Session.Close < candlesBefore && !s.CandlesDropped
		if !trades && !candles {
			continue
		}
		if err := f.Seal(ctx, s.Session, true); err != nil {
			return done, err
		}
		ok, err := f.drop(s.Session, trades, candles)
		if err != nil {
			return done, fmt.Errorf("drop what is old of %s: %w", f.path, full(err))
		}
		if ok {
			done = append(done, s.Session)
		}
	}
	return done, nil
}

// drop drops trades, candles or both of a sealed session. It is false when something
// has come since, or when nothing is there.
func (f *File) drop(s ledger.Session, trades, candles bool) (ok bool, err error) {
	f.seals.Lock()
	defer f.seals.Unlock()
	f.commit.Lock() // no commit is on its way to a new tape
	defer f.commit.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	key := sessionKey(s)
	t := f.tapes[key]
	if t != nil && (len(t.records) > 0 || t.writer.count > 0) {
		return false, nil
	}
	gaps, err := f.sealedGaps(s)
	if err != nil {
		return false, err
	}
	err = guard(f.path, func() error {
		return f.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketSessions).Bucket(key[:])
			mark, err := f.readMark(b, key)
			if err != nil {
				return err
			}
			if _, taped := firstTape(b, mark.tape); taped || !mark.finished() {
				return nil
			}
			ok = true
			return f.dropFrom(b, key, trades, candles, gaps)
		})
	})
	if err == nil && ok && trades && t != nil {
		t.gone = true
	}
	return ok, err
}

func (f *File) dropFrom(b *bolt.Bucket, key [sessionKeySize]byte, trades, candles bool, gaps map[uint32][]gap) error {
	d, err := f.readDropped(b, key)
	if err != nil {
		return err
	}
	var gone [][]byte
	if trades && !d.trades {
		d.trades, d.gaps = true, gaps
		gone = append(gone, bucketTrades)
	}
	if candles && !d.candles {
		d.candles = true
		gone = append(gone, bucketSeconds, bucketHundred)
	}
	for _, name := range gone {
		if b.Bucket(name) == nil {
			continue
		}
		if err := b.DeleteBucket(name); err != nil {
			return err
		}
	}
	return putSigned(b, keyDropped, d.encode(), key[:])
}

// sealedGaps is what dropping the blocks of trades leaves of each symbol: a gap.
func (f *File) sealedGaps(s ledger.Session) (map[uint32][]gap, error) {
	ids, err := f.blockSymbols(s)
	if err != nil {
		return nil, err
	}
	key := sessionKey(s)
	gaps := make(map[uint32][]gap, len(ids))
	err = f.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSessions).Bucket(key[:])
		d, err := f.readDropped(b, key)
		if err != nil {
			return err
		}
		for id, gone := range d.gaps { // with all of its blocks lost
			gaps[id] = []gap{{1, gone[len(gone)-1].first + gone[len(gone)-1].count - 1}}
		}
		for _, id := range ids {
			n, err := f.lastSeq(b.Bucket(bucketTrades), key, id)
			if err != nil {
				return err
			}
			gaps[id] = []gap{{1, max(n, d.lastSeq(id))}}
		}
		return nil
	})
	return gaps, err
}
