package store

import (
	"cmp"
	"iter"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// CandleRow is a candle with its symbol.
type CandleRow struct {
	Symbol string
	candle.Candle
}

// CandleRun is some candles of a symbol, one after the other.
type CandleRun struct {
	Symbol  string
	Candles []candle.Candle
}

// Candles are the candles of the named symbols (nil: all) in one session: those of
// CandleRuns one by one.
func (r *Reading) Candles(s ledger.Session, symbols []string, v candle.Interval, anchor int64) iter.Seq2[CandleRow, error] {
	return func(yield func(CandleRow, error) bool) {
		for run, err := range r.CandleRuns(s, symbols, v, anchor) {
			if err != nil {
				yield(CandleRow{}, err)
				return
			}
			for i := range run.Candles {
				if !yield(CandleRow{run.Symbol, run.Candles[i]}, nil) {
					return
				}
			}
		}
	}
}

// CandleRuns are the candles of the named symbols (nil: all) in one session: by
// symbol, then time or number, in runs, each good until the next. anchor is where candles
// of time are aligned: 0 with
// the epoch, the session's open with the session; for a Day it is the open. Stored
// candles are read where they fold all the trades, and others are folded here: the
// rows are the same. First and Last of a candle of time are its Start, because that
// is all that is stored of them. It reads like Trades, and holds the candles of one
// symbol. An error ends it: a *Dropped when they cannot be made from what is kept.
func (r *Reading) CandleRuns(s ledger.Session, symbols []string, v candle.Interval, anchor int64) iter.Seq2[CandleRun, error] {
	return func(yield func(CandleRun, error) bool) {
		f := r.f
		if v.Kind() == candle.Day {
			anchor = s.Open
		}
		base, err := r.reader(s)
		if err != nil {
			yield(CandleRun{}, err)
			return
		}
		defer r.release(base)
		r := &candleReader{reader: base, interval: v, anchor: anchor, fold: candle.NewFold(v, anchor)}
		more := true
		hand := func(name string, list []candle.Candle) {
			for piece := range slices.Chunk(list, runRows) {
				f.breathe()
				if more = yield(CandleRun{name, piece}, nil); !more {
					return
				}
			}
		}
		err = r.read(symbols, hand, func() bool { return more })
		if err != nil && more {
			yield(CandleRun{}, err)
		}
	}
}

// runRows is the most rows in a run: what is done with them between two breaths.
const runRows = 256

// candleReader makes the candles of one session, symbol by symbol.
type candleReader struct {
	*reader
	interval candle.Interval
	anchor   int64
	fold     *candle.Fold
}

func (r *candleReader) read(symbols []string, hand func(string, []candle.Candle), more func() bool) error {
	if r.blocks.dropped.trades {
		return r.kept(symbols, hand, more)
	}
	return r.holdings(symbols, func(h *holding) error {
		list, err := r.candles(h)
		if err == nil {
			hand(h.name, list)
		}
		return err
	}, more)
}

// candles are the candles of a symbol, from where they are had sooner.
func (r *candleReader) candles(h *holding) ([]candle.Candle, error) {
	if bucket := r.stored(); bucket != nil && h.blocks >= h.limit {
		list, err := r.readStored(bucket, r.interval, h.id, h.name, h.limit)
		if err != nil || list != nil {
			return list, err
		}
	}
	r.fold.Reset(r.anchor)
	err := r.each(h, 1, func(_ int64, trades []candle.Trade) bool {
		for i := range trades {
			if i%256 == 0 {
				r.f.breathe()
			}
			r.fold.Add(&trades[i])
		}
		return true
	})
	list := r.fold.Candles()
	if r.interval.ByTime() {
		for i := range list {
			list[i].First, list[i].Last = list[i].Start, list[i].Start
		}
	}
	return list, err
}

// stored is the bucket that may hold candles of the interval, or nil.
func (r *candleReader) stored() []byte {
	for _, i := range storedIntervals {
		if i.interval == r.interval && (!i.interval.ByTime() || r.anchor%i.interval.Millis() == 0) {
			return i.bucket
		}
	}
	return nil
}

// readStored reads a symbol's stored candles: nil when they do not fold just that
// many trades. They are good until the next call.
func (r *reader) readStored(bucket []byte, v candle.Interval, id uint32, name string, trades int64) ([]candle.Candle, error) {
	var stored *storedCandles
	err := r.f.view(func(tx *bolt.Tx) (err error) {
		if b := tx.Bucket(bucketSessions).Bucket(r.key[:]); b != nil {
			stored, err = r.f.readStored(b, r.key, bucket, id, name)
		}
		return err
	})
	if err != nil || stored == nil || stored.trades != trades {
		return nil, err
	}
	list, err := stored.decode(r.candles[:0], r.blocks.decoder, v)
	r.candles = list[:0]
	if err != nil {
		at := candleKey(id, 0)
		return nil, &Damaged{r.f.path, place(r.session, string(bucket), at[:]), err.Error()}
	}
	return list, nil
}

// kept makes the candles of a session whose trades are dropped: from the stored ones,
// where that is exact.
func (r *candleReader) kept(symbols []string, hand func(string, []candle.Candle), more func() bool) error {
	want, names, d := ledger.NewSymbols(symbols...), r.f.names.all(), r.blocks.dropped
	var list []symbolCount
	for id := range d.gaps {
		if id < uint32(len(names)) && (symbols == nil || want.Has(names[id])) {
			list = append(list, symbolCount{id: id, name: names[id], trades: d.lastSeq(id)})
		}
	}
	slices.SortFunc(list, func(a, b symbolCount) int { return cmp.Compare(a.name, b.name) })
	for _, c := range list {
		candles, err := r.keptOf(c)
		if err != nil {
			return err
		}
		if hand(c.name, candles); !more() {
			return nil
		}
	}
	return nil
}

func (r *candleReader) keptOf(c symbolCount) ([]candle.Candle, error) {
	gone := &Dropped{r.f.path, r.session, "what " + r.interval.String() + " candles are made of"}
	bucket, v := r.stored(), r.interval
	if bucket == nil && v.ByTime() && v.Millis()%1000 == 0 && r.anchor%1000 == 0 {
		bucket, v = bucketSeconds, candle.Second
	}
	if bucket == nil || r.blocks.dropped.candles {
		return nil, gone
	}
	list, err := r.readStored(bucket, v, c.id, c.name, c.trades)
	if err == nil && list == nil {
		err = gone
	}
	if err != nil || v == r.interval {
		return list, err
	}
	return merged(list, r.interval, r.anchor), nil
}

// merged are the candles of a longer interval of time, of those of a second.
func merged(seconds []candle.Candle, v candle.Interval, anchor int64) []candle.Candle {
	var list []candle.Candle
	for _, c := range seconds {
		start := v.Start(c.Start, anchor)
		if n := len(list) - 1; n >= 0 && list[n].Start == start {
			list[n] = candle.Merge(v, list[n], c)
			list[n].Start = start
			continue
		}
		c.Start = start
		list = append(list, c)
	}
	for i := range list {
		list[i].First, list[i].Last = list[i].Start, list[i].Start
	}
	return list
}
