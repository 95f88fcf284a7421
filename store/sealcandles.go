package store

import (
	"cmp"
	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
)

// candles stores the candles of the symbols whose stored ones do not fold all their
// trades.
func (w *sealer) candles() error {
	ids, err := w.f.blockSymbols(w.session)
	if err != nil {
		return err
	}
	r, err := w.f.newReader(w.session)
	if err != nil {
		return err
	}
	folds := make([]*candle.Fold, len(storedIntervals))
	for i, stored := range storedIntervals {
		folds[i] = candle.NewFold(stored.interval, 0)
	}
	for _, id := range ids {
		h, stale, err := w.staleCandles(id)
		if err != nil {
			return err
		}
		if !stale {
			continue
		}
		err = r.each(&h, 1, func(_ int64, trades []candle.Trade) bool {
			for _, fold := range folds {
				for i := range trades {
					fold.Add(&trades[i])
				}
			}
			return w.ctx.Err() == nil
		})
		if err := cmp.Or(err, w.ctx.Err()); err != nil {
			return err
		}
		for i, stored := range storedIntervals {
			values := sealCandles(w.encoder, w.key, stored.bucket, id, h.name, h.blocks, stored.interval, folds[i].Candles())
			for index, value := range values {
				at := candleKey(id, uint32(index))
				if err := w.add(w.mark, put{stored.bucket, at[:], value}); err != nil {
					return err
				}
			}
			folds[i].Reset(0)
		}
	}
	return w.flush()
}

// staleCandles says whether a symbol's stored candles are not those of all its trades.
func (w *sealer) staleCandles(id uint32) (h holding, stale bool, err error) {
	name, err := w.f.nameOf(w.session, id)
	if err != nil {
		return h, false, err
	}
	h = holding{id: id, name: name, limit: unlimited}
	err = w.f.view(func(tx *bolt.Tx) (err error) {
		b := tx.Bucket(bucketSessions).Bucket(w.key[:])
		if h.blocks, err = w.f.lastSeq(b.Bucket(bucketTrades), w.key, id); err != nil {
			return err
		}
		h.blocks = max(h.blocks, w.dropped.lastSeq(id))
		for _, i := range storedIntervals {
			stored, err := w.f.readStored(b, w.key, i.bucket, id, h.name)
			if err != nil {
				return err
			}
			stale = stale || stored == nil || stored.trades != h.blocks
		}
		return nil
	})
	return h, stale, err
}
