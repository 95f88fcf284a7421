package store

import (
	"encoding/binary"
	"fmt"

	"tapedeck/collector/candle"
)

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
