package store

import (
	"encoding/binary"
	"slices"

	"tapedeck/collector/ledger"
)

// mendLedger numbers the entries that are left anew, and writes the lost trades into
// them: what was heard there is not kept.
func (m *mender) mendLedger() error {
	entries, changed, err := m.entries()
	if err != nil {
		return err
	}
	for _, g := range m.gaps {
		g.from, g.until = max(g.from, m.about.session.Open), min(g.until, m.about.session.Close)
		if g.from < g.until {
			entries, changed = m.cutOut(entries, g), true
		}
	}
	if !changed {
		return nil
	}
	c := m.b.Cursor()
	for k, _ := c.Seek([]byte{spanPrefix}); len(k) == 5 && k[0] == spanPrefix; k, _ = c.Seek([]byte{spanPrefix}) {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	for n, e := range entries {
		key := spanKey(uint32(n))
		if err := putSigned(m.b, key[:], e.encode(), m.key[:]); err != nil {
			return err
		}
	}
	return m.writeSets()
}

// entries are those of the ledger that are left and whose symbols are known. changed
// says that some are not.
func (m *mender) entries() (entries []storedSpan, changed bool, err error) {
	c := m.b.Cursor()
	for k, v := c.Seek([]byte{spanPrefix}); len(k) == 5 && k[0] == spanPrefix; k, v = c.Next() {
		body, err := open(v, m.key[:], k)
		if err != nil {
			return nil, false, err
		}
		e, err := decodeSpan(body)
		if err != nil {
			return nil, false, err
		}
		if binary.BigEndian.Uint32(k[1:]) != uint32(len(entries)) {
			changed = true
		}
		if e.set >= uint32(len(m.sets)) || m.sets[e.set] == nil {
			m.loseOf("ledger", k, "the symbols of the entry are lost")
			changed = true
			continue
		}
		entries = append(entries, e)
	}
	return entries, changed, nil
}

// cutOut takes a gap out of what was heard.
func (m *mender) cutOut(entries []storedSpan, g damagedGap) []storedSpan {
	var all []storedSpan
	for _, e := range entries {
		if e.cause != ledger.Heard || e.until <= g.from || e.from >= g.until || !g.all && !slices.Contains(m.sets[e.set], g.id) {
			all = append(all, e)
			continue
		}
		from, until := max(e.from, g.from), min(e.until, g.until)
		before, behind := e, e
		before.until, behind.from = from, until
		lost := storedSpan{from, until, e.set, ledger.Damage}
		if !g.all {
			lost.set = m.setOf([]uint32{g.id})
			rest := storedSpan{from, until, m.setOf(without(m.sets[e.set], g.id)), ledger.Heard}
			if len(m.sets[rest.set]) > 0 {
				all = append(all, rest)
			}
		}
		for _, part := range []storedSpan{before, lost, behind} {
			if part.from < part.until {
				all = append(all, part)
			}
		}
	}
	return all
}

func without(ids []uint32, id uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(ids), func(i uint32) bool { return i == id })
}

// setOf is the number of a set of symbols, a new one where there is none.
func (s *salvager) setOf(ids []uint32) uint32 {
	for n, set := range s.sets {
		if set != nil && string(encodeSet(set)) == string(encodeSet(ids)) {
			return uint32(n)
		}
	}
	s.sets = append(s.sets, ids)
	return uint32(len(s.sets) - 1)
}

// writeSets writes the sets that are new.
func (m *mender) writeSets() error {
	b := m.tx.Bucket(bucketSets)
	for n, ids := range m.sets {
		key := idKey(uint32(n))
		if b.Get(key[:]) != nil {
			continue
		}
		if err := putSigned(b, key[:], encodeSet(ids)); err != nil {
			return err
		}
	}
	return nil
}
