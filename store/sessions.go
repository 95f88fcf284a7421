package store

import (
	"bytes"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
)

// Summary is what the file says of a session as a whole.
type Summary struct {
	Session ledger.Session
	Source  string        // what was recorded: "EODHD us", "simulated seed 1"
	Counts  ledger.Counts // totals so far
	// TradesDropped and CandlesDropped say what retention took.
	TradesDropped, CandlesDropped bool
}

// Sessions are the sessions on file, by time.
func (f *File) Sessions() ([]Summary, error) {
	return eachSession(f, func(key [sessionKeySize]byte, b *bolt.Bucket) (s Summary, ok bool, err error) {
		a, err := f.readAbout(b, key)
		if err != nil {
			return s, false, err
		}
		counts, err := f.readCounts(b, key)
		if err != nil {
			return s, false, err
		}
		d, err := f.readDropped(b, key)
		return Summary{a.session, a.source, counts, d.trades, d.candles}, true, err
	})
}

// Last is the session on file that opened last, false when there is none.
func (f *File) Last() (s ledger.Session, ok bool, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		sessions := tx.Bucket(bucketSessions)
		c := sessions.Cursor()
		for name, _ := c.Last(); name != nil; name, _ = c.Prev() {
			b := sessions.Bucket(name)
			if b == nil || len(name) != sessionKeySize {
				continue // what a later minor version added
			}
			a, err := f.readAbout(b, [sessionKeySize]byte(name))
			s, ok = a.session, err == nil
			return err
		}
		return nil
	})
	return s, ok, err
}

// eachSession looks at the bucket of every session in one transaction, and returns what
// it found worth keeping, by time.
func eachSession[T any](f *File, look func(key [sessionKeySize]byte, b *bolt.Bucket) (T, bool, error)) (list []T, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		list = nil
		sessions := tx.Bucket(bucketSessions)
		return sessions.ForEach(func(name, _ []byte) error {
			b := sessions.Bucket(name)
			if b == nil || len(name) != sessionKeySize {
				return nil // what a later minor version added
			}
			found, ok, err := look([sessionKeySize]byte(name), b)
			if ok && err == nil {
				list = append(list, found)
			}
			return err
		})
	})
	return list, err
}

func (f *File) readAbout(b *bolt.Bucket, key [sessionKeySize]byte) (about, error) {
	start, hours, _ := parseSessionKey(key[:])
	s := ledger.Session{Open: start, Hours: hours}
	body, err := open(b.Get(keyAbout), key[:], keyAbout)
	if err != nil {
		return about{}, &Damaged{f.path, place(s, "about", nil), err.Error()}
	}
	a, err := decodeAbout(start, hours, body)
	if err != nil {
		return about{}, &Damaged{f.path, place(s, "about", nil), err.Error()}
	}
	return a, nil
}

func (f *File) readCounts(b *bolt.Bucket, key [sessionKeySize]byte) (ledger.Counts, error) {
	value := b.Get(keyCounts)
	if value == nil {
		return make(ledger.Counts), nil
	}
	start, hours, _ := parseSessionKey(key[:])
	s := ledger.Session{Open: start, Hours: hours}
	body, err := open(value, key[:], keyCounts)
	if err != nil {
		return nil, &Damaged{f.path, place(s, "counts", nil), err.Error()}
	}
	counts, err := decodeCounts(body)
	if err != nil {
		return nil, &Damaged{f.path, place(s, "counts", nil), err.Error()}
	}
	return counts, nil
}

// standing is what a session says of itself.
type standing struct {
	about   about
	counts  ledger.Counts
	mark    sealMark
	dropped dropped
	taped   bool
}

func (f *File) standing(key [sessionKeySize]byte) (s standing, err error) {
	err = f.view(func(tx *bolt.Tx) (err error) {
		if b := tx.Bucket(bucketSessions).Bucket(key[:]); b != nil {
			s, err = f.readStanding(b, key)
		}
		return err
	})
	return s, err
}

// readStanding reads it of the session in bucket b.
func (f *File) readStanding(b *bolt.Bucket, key [sessionKeySize]byte) (s standing, err error) {
	if s.about, err = f.readAbout(b, key); err != nil {
		return s, err
	}
	if s.counts, err = f.readCounts(b, key); err != nil {
		return s, err
	}
	if s.mark, err = f.readMark(b, key); err != nil {
		return s, err
	}
	_, s.taped = firstTape(b, s.mark.tape)
	s.dropped, err = f.readDropped(b, key)
	return s, err
}

// countSpans is how many ledger entries a session has on file.
func countSpans(b *bolt.Bucket) (n uint32) {
	c := b.Cursor()
	for k, _ := c.Seek([]byte{spanPrefix}); len(k) == 5 && k[0] == spanPrefix; k, _ = c.Next() {
		n++
	}
	return n
}

// Spans is the ledger of a session, in the order it was written.
func (f *File) Spans(s ledger.Session) ([]ledger.Span, error) {
	var stored []storedSpan
	name := sessionKey(s)
	err := f.view(func(tx *bolt.Tx) error {
		stored = stored[:0]
		b := tx.Bucket(bucketSessions).Bucket(name[:])
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for k, v := c.Seek([]byte{spanPrefix}); len(k) == 5 && k[0] == spanPrefix; k, v = c.Next() {
			body, err := open(v, name[:], k)
			if err != nil {
				return &Damaged{f.path, place(s, "ledger", k), err.Error()}
			}
			p, err := decodeSpan(body)
			if want := spanKey(uint32(len(stored))); err == nil && !bytes.Equal(k, want[:]) {
				err = fmt.Errorf("entry %d is missing", len(stored))
			}
			if err != nil {
				return &Damaged{f.path, place(s, "ledger", k), err.Error()}
			}
			stored = append(stored, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	spans := make([]ledger.Span, len(stored))
	sets := f.sets.all()
	for i, p := range stored {
		if p.set >= uint32(len(sets)) {
			key := spanKey(uint32(i))
			return nil, &Damaged{f.path, place(s, "ledger", key[:]), "it names a set that is not there"}
		}
		spans[i] = ledger.Span{From: p.from, Until: p.until, Symbols: sets[p.set], Cause: p.cause}
	}
	return spans, nil
}

func sortIDs(ids []uint32) { slices.Sort(ids) }
