package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
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
		if err := s.mendNews(tx); err != nil {
			return err
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
