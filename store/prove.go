package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/block"
)

// prover proves the trades and candles of one session.
type prover struct {
	*verifier
	session ledger.Session
	key     [sessionKeySize]byte
	standing
	reader *reader
	folds  []*candle.Fold
	seen   int64
}

func (p *prover) trades() error {
	r, err := p.f.newReader(p.session)
	if err != nil {
		return p.add(err)
	}
	p.reader = r
	for _, stored := range storedIntervals {
		p.folds = append(p.folds, candle.NewFold(stored.interval, 0))
	}
	list, whole, err := p.symbols()
	if err != nil {
		return err
	}
	for _, group := range groups(list) {
		held, err := p.collect(group, whole)
		if err != nil {
			return err
		}
		for i := range held {
			err := p.symbol(&held[i])
			whole = whole && err == nil
			if err := p.add(err); err != nil {
				return err
			}
			if err := p.ctx.Err(); err != nil {
				return err
			}
		}
	}
	p.report.Trades += p.seen
	// What is accepted is counted after it was appended: a crash leaves more trades
	// than were counted, never fewer.
	if want := p.counts[ledger.Accepted] - p.counts[ledger.Lost]; whole && p.seen < want {
		_ = p.add(&Damaged{p.path, place(p.session, "counts", nil), fmt.Sprintf("%d trades were accepted, %d are there", want, p.seen)})
	}
	return p.strays(list)
}

// symbols are those of the session; whole is false when its tape cannot be read: then
// those in blocks.
func (p *prover) symbols() (list []symbolCount, whole bool, err error) {
	list, _, err = p.f.counted(p.ctx, p.session)
	if err == nil {
		return list, true, nil
	}
	if err := p.add(err); err != nil {
		return nil, false, err
	}
	ids, err := p.f.blockSymbols(p.session)
	if err != nil {
		return nil, false, p.add(err)
	}
	for _, id := range ids {
		name, err := p.f.nameOf(p.session, id)
		if err := p.add(err); err != nil {
			return nil, false, err
		}
		list = append(list, symbolCount{id: id, name: name, total: unlimited})
	}
	return list, false, nil
}

// collect is reader.collect, and without a tape what is in blocks.
func (p *prover) collect(group []symbolCount, whole bool) ([]holding, error) {
	if whole {
		held, err := p.reader.collect(group, 1)
		return held, p.add(err)
	}
	held := make([]holding, len(group))
	for i, c := range group {
		held[i] = holding{id: c.id, name: c.name, limit: unlimited}
	}
	err := p.f.view(func(tx *bolt.Tx) error {
		return p.reader.standings(tx.Bucket(bucketSessions).Bucket(p.key[:]), held, 1)
	})
	return held, p.add(err)
}

// symbol reads the trades of a symbol to the end and compares its stored candles.
func (p *prover) symbol(h *holding) error {
	for _, fold := range p.folds {
		fold.Reset(0)
	}
	n := int64(0)
	err := p.reader.each(h, 1, func(seq int64, trades []candle.Trade) bool {
		for i := range trades {
			t := &trades[i]
			if !p.session.Contains(t.Time) || t.Price.Sign() <= 0 {
				at := blockKey(h.id, seq+int64(i))
				_ = p.add(&Damaged{p.path, place(p.session, "trade", at[:]), "it does not belong there"})
			}
			for _, fold := range p.folds {
				fold.Add(t)
			}
		}
		n += int64(len(trades))
		return p.ctx.Err() == nil
	})
	p.seen += n
	if err != nil {
		return err
	}
	for i, stored := range storedIntervals {
		if err := p.add(p.compare(h, stored.bucket, stored.interval, p.folds[i].Candles())); err != nil {
			return err
		}
	}
	return nil
}

// compare holds the stored candles of a symbol against the fold of its trades.
func (p *prover) compare(h *holding, bucket []byte, v candle.Interval, want []candle.Candle) error {
	at := candleKey(h.id, 0)
	damaged := func(what string) error { return &Damaged{p.path, place(p.session, string(bucket), at[:]), what} }
	got, err := p.reader.readStored(bucket, v, h.id, h.name, h.blocks)
	if err != nil {
		return err
	}
	if got == nil {
		if p.mark.finished() && !p.taped && !p.standing.dropped.candles && len(p.standing.dropped.gaps) == 0 {
			return damaged("they are missing, though the session is sealed")
		}
		return nil
	}
	if len(h.rows) > 0 || h.more || h.blocks > h.limit || len(p.standing.dropped.gaps[h.id]) > 0 {
		return nil // they are those of more trades, or fewer, than there are
	}
	p.report.Candles += int64(len(got))
	if i := firstDifference(got, want, v); i >= 0 {
		return damaged(fmt.Sprintf("candle %d is not the fold of its trades", i))
	}
	return nil
}

// firstDifference is the place of the first candle that differs; -1 for none.
func firstDifference(got, want []candle.Candle, v candle.Interval) int {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !sameCandle(got[i], want[i], v) {
			return i
		}
	}
	return -1
}

// sameCandle compares what is stored of candles, sums as numbers.
func sameCandle(a, b candle.Candle, v candle.Interval) bool {
	if a.Volume.Cmp(b.Volume) != 0 || a.Turnover.Cmp(b.Turnover) != 0 {
		return false
	}
	a.Volume, a.Turnover, b.Volume, b.Turnover = candle.Sum{}, candle.Sum{}, candle.Sum{}, candle.Sum{}
	if v.ByTime() {
		a.First, a.Last, b.First, b.Last = 0, 0, 0, 0
	}
	return a == b
}

// strays finds stored candles of symbols without a trade.
func (p *prover) strays(list []symbolCount) error {
	has := make(map[uint32]bool, len(list))
	for _, c := range list {
		has[c.id] = true
	}
	for id := range p.standing.dropped.gaps {
		has[id] = true
	}
	for _, stored := range storedIntervals {
		err := eachIn(p.f, p.session, stored.bucket, func(k, _ []byte) string {
			if id, _, ok := parseCandleKey(k); ok && has[id] {
				return ""
			}
			return place(p.session, string(stored.bucket), k)
		}, func(stray string) {
			if stray != "" {
				_ = p.add(&Damaged{p.path, stray, "there is no trade for it"})
			}
		})
		if err := p.add(err); err != nil {
			return err
		}
	}
	return nil
}

// kept decodes the candles of a session whose trades are dropped.
func (p *prover) kept() error {
	d := block.NewDecoder()
	names := p.f.names.all()
	for _, stored := range storedIntervals {
		for id := range p.standing.dropped.gaps {
			if p.standing.dropped.candles || id >= uint32(len(names)) {
				continue
			}
			err := p.f.view(func(tx *bolt.Tx) error {
				b := tx.Bucket(bucketSessions).Bucket(p.key[:])
				at := candleKey(id, 0)
				damaged := func(what string) error { return &Damaged{p.path, place(p.session, string(stored.bucket), at[:]), what} }
				parts, err := p.f.readStored(b, p.key, stored.bucket, id, names[id])
				if err != nil {
					return err
				}
				if parts == nil || parts.trades != p.standing.dropped.lastSeq(id) {
					return damaged("they are missing, and so are their trades")
				}
				if _, err := parts.decode(nil, d, stored.interval); err != nil {
					return damaged(err.Error())
				}
				return nil
			})
			if err := p.add(err); err != nil {
				return err
			}
		}
	}
	return nil
}
