package store

import (
	"fmt"
	"maps"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/store/block"
)

// mendBlocks finds the trades that are missing among the blocks of each symbol.
func (m *mender) mendBlocks() error {
	var err error
	if m.ends, err = m.storedEnds(); err != nil || m.gone.trades {
		return err
	}
	blocks := make(map[uint32][]blockSpan)
	if b := m.b.Bucket(bucketTrades); b != nil {
		if err := b.ForEach(func(k, v []byte) error {
			id, first, ok := parseBlockKey(k)
			h, err := blockHeader(v)
			if !ok || err != nil {
				return fmt.Errorf("a copied block is not what it was: %w", err)
			}
			m.see(id)
			m.kept += int64(h.Count)
			blocks[id] = append(blocks[id], blockSpan{first, h})
			return nil
		}); err != nil {
			return err
		}
	}
	for id := range m.ends {
		blocks[id] = append([]blockSpan{}, blocks[id]...)
	}
	for _, lost := range m.lostBlocks[m.key] {
		blocks[lost.id] = append([]blockSpan{}, blocks[lost.id]...)
	}
	for id, list := range blocks {
		m.see(id)
		m.mendSymbol(id, list, m.ends[id])
	}
	return nil
}

type blockSpan struct {
	first  int64
	header block.Header
}

// mendSymbol notes the gaps among one symbol's blocks. end is how many trades its
// stored candles fold, 0 when they are not whole: then the lost trades are a gap in the
// ledger, for their candles cannot be had.
func (m *mender) mendSymbol(id uint32, list []blockSpan, end int64) {
	session := m.about.session
	next, latest := int64(1), session.Open
	var lost []gap
	add := func(until, time int64) {
		if behind := m.gone.behind(id, next); behind > 0 {
			next = min(behind, until)
		}
		if next >= until {
			return
		}
		lost = append(lost, gap{next, until - next})
		m.lost += until - next
		at := blockKey(id, next)
		m.loseOf("trades", at[:], fmt.Sprintf("trades %d to %d of the symbol are lost", next, until-1))
		if end == 0 {
			m.gaps = append(m.gaps, damagedGap{from: latest - lateness, until: time, id: id})
		}
	}
	for _, b := range list {
		add(b.first, b.header.Earliest+lateness)
		next = b.first + int64(b.header.Count)
		latest = max(latest, b.header.Latest)
	}
	switch {
	case end > 0:
		add(end+1, session.Close)
	case m.blocksEndLost(id, next):
		m.gaps = append(m.gaps, damagedGap{from: latest - lateness, until: session.Close, id: id})
	}
	if len(lost) > 0 {
		m.gone.gaps[id] = joinGaps(append(m.gone.gaps[id], lost...))
	}
}

// joinGaps sorts gaps and joins those that touch.
func joinGaps(list []gap) []gap {
	slices.SortFunc(list, func(a, b gap) int { return int(a.first - b.first) })
	var all []gap
	for _, g := range list {
		if n := len(all) - 1; n >= 0 && all[n].first+all[n].count >= g.first {
			all[n].count = max(all[n].count, g.first+g.count-all[n].first)
			continue
		}
		all = append(all, g)
	}
	return all
}

// blocksEndLost says whether a block of a symbol may be lost from a seq on, behind which
// there is none: one whose key is known, or one on a page that is lost.
func (m *mender) blocksEndLost(id uint32, next int64) bool {
	for _, lost := range m.lostBlocks[m.key] {
		if lost.id == id && lost.first >= next {
			return true
		}
	}
	return m.pagesLost(func(bucket []byte) bool { return string(bucket) == string(bucketTrades) })
}

// storedEnds tells of each symbol whose stored candles are whole how many trades they
// fold.
func (m *mender) storedEnds() (map[uint32]int64, error) {
	ends := make(map[uint32]int64)
	whole := make(map[uint32]int)
	for _, i := range storedIntervals {
		b := m.b.Bucket(i.bucket)
		if b == nil {
			continue
		}
		next, trades := uint32(0), int64(0)
		if err := b.ForEach(func(k, v []byte) error {
			p, _, err := openCandles(m.key, i.bucket, k, v)
			if err != nil {
				return fmt.Errorf("copied candles are not what they were: %w", err)
			}
			id, _, _ := parseCandleKey(k)
			m.see(id)
			if p.index == 0 {
				next, trades = 0, p.trades
			}
			if p.index != next || p.trades != trades {
				next = math.MaxUint32
				return nil
			}
			if next++; next == p.blocks && (whole[id] == 0 || ends[id] == trades) {
				whole[id]++
				ends[id] = trades
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(ends, func(id uint32, _ int64) bool { return whole[id] < len(storedIntervals) })
	return ends, nil
}

// mendCandles sees to it that candles that are not whole are folded again, or are given
// up when their trades are not there.
func (m *mender) mendCandles() error {
	if m.lost > 0 || m.lostUnder(placeOfPath([][]byte{bucketSessions, m.key[:]}), func([]byte) bool { return true }) {
		m.mark.folded = 0
	}
	if m.gone.trades {
		for id := range m.gone.gaps {
			if m.ends[id] == 0 && !m.gone.candles {
				at := candleKey(id, 0)
				m.loseOf("1s", at[:], "the candles of the symbol are lost, and its trades had been dropped")
				delete(m.gone.gaps, id)
			}
		}
	}
	for _, i := range storedIntervals {
		b := m.b.Bucket(i.bucket)
		if b == nil {
			continue
		}
		if err := m.dropStrays(b); err != nil {
			return err
		}
	}
	return nil
}

// dropStrays takes out candles of symbols of which no trade is known.
func (m *mender) dropStrays(b *bolt.Bucket) error {
	var strays [][]byte
	err := b.ForEach(func(k, _ []byte) error {
		id, _, _ := parseCandleKey(k)
		n, err := lastBlock(m.b.Bucket(bucketTrades), id)
		if n == 0 && len(m.gone.gaps[id]) == 0 {
			strays = append(strays, slices.Clone(k))
		}
		return err
	})
	for _, k := range strays {
		if err == nil {
			err = b.Delete(k)
		}
	}
	return err
}
