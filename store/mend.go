package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/block"
)

// lateness is how late a trade may come, with some to spare (the feed's come up to a
// minute late): so much earlier than its neighbours in the order of arrival a lost trade
// may have happened.
const lateness = 90_000

// mend makes a file of proven values one that can be read: what is lost is written
// down as such.
func (s *salvager) mend() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		var err error
		if s.sets, err = s.mendSets(tx); err != nil {
			return err
		}
		for _, key := range slices.SortedFunc(maps.Keys(s.keys), func(a, b [sessionKeySize]byte) int { return slices.Compare(a[:], b[:]) }) {
			b := tx.Bucket(bucketSessions).Bucket(key[:])
			if b == nil {
				s.lose(placeOf(key, "about", nil), "nothing of the session could be read")
				continue
			}
			m := &mender{salvager: s, key: key, b: b, tx: tx}
			if err := m.session(); err != nil {
				return err
			}
		}
		return s.mendNames(tx)
	})
}

// mendSets fills the holes among the sets of symbols with empty ones. It returns the
// symbols of each set, nil where it is lost.
func (s *salvager) mendSets(tx *bolt.Tx) ([][]uint32, error) {
	b := tx.Bucket(bucketSets)
	var sets [][]uint32
	last, _ := b.Cursor().Last()
	if len(last) != 4 {
		return nil, nil
	}
	for n := range binary.BigEndian.Uint32(last) + 1 {
		key := idKey(n)
		body, err := open(b.Get(key[:]), key[:])
		if err != nil {
			s.lose(fmt.Sprintf("sets/%x", key), "the set of symbols is lost, and with it the entries of the ledger that name it")
			sets = append(sets, nil)
			if err := putSigned(b, key[:], encodeSet(nil)); err != nil {
				return nil, err
			}
			continue
		}
		ids, err := decodeSet(body)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			s.see(id)
		}
		sets = append(sets, ids)
	}
	return sets, nil
}

// see notes that there is a symbol with the id.
func (s *salvager) see(id uint32) {
	if _, ok := s.names[id]; !ok {
		s.names[id] = ""
	}
}

// mendNames writes the names of all symbols: those that were lost by what their blocks
// say, or UNKNOWN and their number.
func (s *salvager) mendNames(tx *bolt.Tx) error {
	b := tx.Bucket(bucketSymbols)
	most := int64(-1)
	for id := range s.names {
		most = max(most, int64(id))
	}
	for id := range uint32(most + 1) {
		key := idKey(id)
		if b.Get(key[:]) != nil {
			continue
		}
		name := s.names[id]
		if name == "" {
			name = fmt.Sprintf("UNKNOWN-%d", id)
		}
		s.lose(fmt.Sprintf("symbols/%x", key), "the symbol's name is lost; it is written as "+name)
		if err := putSigned(b, key[:], []byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// mender mends one session.
type mender struct {
	*salvager
	key   [sessionKeySize]byte
	b     *bolt.Bucket
	tx    *bolt.Tx
	about about
	mark  sealMark
	gone  dropped
	ends  map[uint32]int64 // trades that whole stored candles fold
	kept  int64            // trades
	lost  int64            // trades of which one knows where they were
	gaps  []damagedGap     // to go into the ledger
}

// damagedGap is a stretch of which some trades are lost: of one symbol, or of all.
type damagedGap struct {
	from, until int64
	id          uint32
	all         bool
}

func (m *mender) session() error {
	for _, step := range []func() error{m.mendAbout, m.readMarks, m.mendTapes, m.mendBlocks, m.mendCandles, m.writeMarks, m.mendCounts, m.mendLedger} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (m *mender) loseOf(what string, key []byte, why string) { m.lose(placeOf(m.key, what, key), why) }

// mendAbout reads what the session is, or makes it from its key.
func (m *mender) mendAbout() (err error) {
	start, hours, _ := parseSessionKey(m.key[:])
	if body, err := open(m.b.Get(keyAbout), m.key[:], keyAbout); err == nil {
		m.about, err = decodeAbout(start, hours, body)
		return err
	}
	length := map[ledger.Hours]int64{ledger.Regular: 390, ledger.Extended: 960}[hours]
	if length == 0 {
		length = 1440
	}
	m.about = about{session: ledger.Session{Hours: hours, Open: start, Close: start + length*60_000}, source: "unknown"}
	m.loseOf("about", nil, "its close is taken to be the usual one, and its source is unknown")
	return putSigned(m.b, keyAbout, m.about.encode(), m.key[:])
}

// readMarks reads how far the session was sealed, and what was dropped of it. A mark
// that is lost is made from what is there: then nobody can say which of the trades on
// the tape are in blocks already.
func (m *mender) readMarks() error {
	m.gone = dropped{gaps: make(map[uint32][]gap)}
	if body, err := open(m.b.Get(keyDropped), m.key[:], keyDropped); err == nil {
		if m.gone, err = decodeDropped(body); err != nil {
			return err
		}
	}
	if body, err := open(m.b.Get(keySealed), m.key[:], keySealed); err == nil {
		m.mark, err = decodeSealMark(body)
		return err
	}
	if m.b.Bucket(bucketTrades) == nil {
		if n, ok := firstTape(m.b, 0); ok {
			m.mark.tape = n
		}
		return nil
	}
	m.loseOf("sealed", nil, "how far the session was sealed is lost")
	if n, ok := lastTape(m.b); ok {
		m.loseOf("tape", nil, "it may hold trades that are in blocks, too: left out")
		m.gaps = append(m.gaps, damagedGap{from: m.about.session.Open, until: m.about.session.Close, all: true})
		m.mark.tape = n + 1
	}
	return nil
}

// tapeRow is a trade on a tape, with its symbol.
type tapeRow struct {
	id    uint32
	trade candle.Trade
}

// mendTapes keeps the tapes as they are when no record is lost, and writes the
// trades that are left on a new one otherwise.
func (m *mender) mendTapes() error {
	var rows []tapeRow
	next, whole, latest := m.mark.ordinals, true, m.about.session.Open
	var taken uint64
	for n, ok := firstTape(m.b, 0); ok; n, ok = nextTape(m.b, n) {
		if n < m.mark.tape {
			continue
		}
		name := tapeName(n)
		c := m.b.Bucket(name[:]).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			body, err := open(v, m.key[:], name[:], k)
			if err != nil || len(k) != 8 {
				return fmt.Errorf("a copied record is not what it was: %w", err)
			}
			ordinal := binary.BigEndian.Uint64(k)
			decoded, err := decodeRecord(body)
			if err != nil {
				return err
			}
			if ordinal != next {
				whole = false
				m.loseRows(ordinal, next, latest, decoded)
			}
			next = ordinal + uint64(len(decoded))
			for _, row := range decoded {
				m.see(row.id)
				latest = max(latest, row.trade.Received)
				if n == m.mark.tape && row.id <= m.mark.symbol && (row.id < m.mark.symbol || taken < m.mark.taken) {
					if row.id == m.mark.symbol {
						taken++
					}
					continue
				}
				m.kept++
				rows = append(rows, row)
			}
		}
	}
	if m.tapeEndLost() {
		whole = false
		m.gaps = append(m.gaps, damagedGap{from: max(latest-lateness, m.about.session.Open), until: m.about.session.Close, all: true})
	}
	if whole {
		return nil
	}
	return m.rewriteTape(rows)
}

// loseRows notes that records are missing before the one with the ordinal.
func (m *mender) loseRows(ordinal, next uint64, latest int64, behind []tapeRow) {
	if ordinal > next {
		m.lost += int64(ordinal - next)
	}
	from := max(latest-lateness, m.about.session.Open)
	m.gaps = append(m.gaps, damagedGap{from: from, until: behind[0].trade.Received, all: true})
}

// tapeEndLost says whether something was lost of the session's tapes behind the last
// record that is there: the ordinals do not show it, the places that were lost do.
func (m *mender) tapeEndLost() bool {
	return m.lostUnder(placeOf(m.key, "tape", nil), func(bucket []byte) bool {
		_, ok := parseTapeName(bucket)
		return ok
	})
}

// lostUnder says whether something was lost of a place of the session: a value, or a
// page of a bucket that is meant, or one above.
func (m *mender) lostUnder(prefix string, meant func(bucket []byte) bool) bool {
	for _, d := range m.result.Lost {
		if strings.HasPrefix(d.Where, prefix) {
			return true
		}
	}
	return m.pagesLost(meant)
}

// pagesLost says whether a page is lost of a bucket that is meant, or one above.
func (m *mender) pagesLost(meant func(bucket []byte) bool) bool {
	for _, path := range m.lostPages {
		switch {
		case len(path) > 0 && string(path[0]) != string(bucketSessions), len(path) > 1 && string(path[1]) != string(m.key[:]):
		case len(path) < 3 || meant(path[2]):
			return true
		}
	}
	return false
}

func decodeRecord(body []byte) (rows []tapeRow, err error) {
	var r recordReader
	if err := r.reset(body); err != nil {
		return nil, err
	}
	var t candle.Trade
	for id, ok := r.next(&t); ok; id, ok = r.next(&t) {
		rows = append(rows, tapeRow{id, t})
	}
	if r.bad || len(rows) == 0 {
		return nil, errRecord
	}
	return rows, nil
}

// rewriteTape replaces the tapes by one with the rows.
func (m *mender) rewriteTape(rows []tapeRow) error {
	last := m.mark.tape
	for n, ok := lastTape(m.b); ok; n, ok = lastTape(m.b) {
		last = max(last, n)
		name := tapeName(n)
		if err := m.b.DeleteBucket(name[:]); err != nil {
			return err
		}
	}
	m.mark = sealMark{ordinals: m.mark.ordinals, tape: last + 1}
	if len(rows) == 0 {
		return nil
	}
	name := tapeName(m.mark.tape)
	tape, err := m.b.CreateBucket(name[:])
	if err != nil {
		return err
	}
	tape.FillPercent = 1
	var w recordWriter
	first := m.mark.ordinals
	flush := func() error {
		key := ordinalKey(first)
		first += uint64(w.count)
		value := sign(w.appendTo(nil), m.key[:], name[:], key[:])
		w.reset(w.rows)
		return tape.Put(key[:], value)
	}
	for i := range rows {
		if w.count > 0 && !w.fits(&rows[i].trade) {
			if err := flush(); err != nil {
				return err
			}
		}
		w.add(rows[i].id, &rows[i].trade)
	}
	return flush()
}

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

func (m *mender) writeMarks() error {
	if m.gone.trades || m.gone.candles || len(m.gone.gaps) > 0 {
		if err := putSigned(m.b, keyDropped, m.gone.encode(), m.key[:]); err != nil {
			return err
		}
	}
	if m.mark == (sealMark{}) {
		return nil
	}
	return putSigned(m.b, keySealed, m.mark.encode(), m.key[:])
}

// mendCounts adds the lost trades to those that are known to be lost. When more are lost
// than one knows the place of, any second may miss one.
func (m *mender) mendCounts() error {
	counts := make(ledger.Counts)
	if body, err := open(m.b.Get(keyCounts), m.key[:], keyCounts); err == nil {
		if counts, err = decodeCounts(body); err != nil {
			return err
		}
	}
	if m.gone.trades {
		return nil
	}
	if missing := counts[ledger.Accepted] - counts[ledger.Lost] - m.kept; missing > m.lost {
		m.lost = missing
		m.gaps = append(m.gaps, damagedGap{from: m.about.session.Open, until: m.about.session.Close, all: true})
	}
	if m.lost == 0 {
		return nil
	}
	counts[ledger.Lost] += m.lost
	return putSigned(m.b, keyCounts, encodeCounts(counts), m.key[:])
}
