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
	var all []Summary
	err := f.eachSession(func(key [sessionKeySize]byte, b *bolt.Bucket) error {
		a, err := f.readAbout(b, key)
		if err != nil {
			return err
		}
		counts, err := f.readCounts(b, key)
		if err != nil {
			return err
		}
		d, err := f.readDropped(b, key)
		if err != nil {
			return err
		}
		all = append(all, Summary{a.session, a.source, counts, d.trades, d.candles})
		return nil
	})
	return all, err
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

// eachSession visits the bucket of every session in one transaction, by time.
func (f *File) eachSession(visit func(key [sessionKeySize]byte, b *bolt.Bucket) error) error {
	return f.view(func(tx *bolt.Tx) error {
		sessions := tx.Bucket(bucketSessions)
		return sessions.ForEach(func(name, _ []byte) error {
			b := sessions.Bucket(name)
			if b == nil || len(name) != sessionKeySize {
				return nil // what a later minor version added
			}
			return visit([sessionKeySize]byte(name), b)
		})
	})
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

// Timelines reads the ledger of a session once, and tells of any symbol what was
// heard. Where nothing says why the record stops, the cause is crash or shutdown
// as the file was left.
func (f *File) Timelines(s ledger.Session) (func(symbol string) ledger.Timeline, error) {
	spans, err := f.Spans(s)
	if err != nil {
		return nil, err
	}
	rest := f.rest()
	return func(symbol string) ledger.Timeline { return ledger.NewTimeline(s, spans, symbol, rest) }, nil
}

// Symbols are the symbols of a session, sorted: those with trades, kept or dropped,
// and those the ledger names.
func (f *File) Symbols(s ledger.Session) ([]string, error) {
	list, err := f.selected(s, nil)
	if err != nil {
		return nil, err
	}
	d, err := f.dropped(s)
	if err != nil {
		return nil, err
	}
	spans, err := f.Spans(s)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	for id := range d.gaps {
		if all := f.names.all(); id < uint32(len(all)) {
			names = append(names, all[id])
		}
	}
	var last *ledger.Symbols
	for _, p := range spans {
		if p.Symbols != last {
			names = append(names, p.Symbols.Names()...)
			last = p.Symbols
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func sortIDs(ids []uint32) { slices.Sort(ids) }
