package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"tapedeck/collector/ledger"
)

// batch is what one commit writes: taken from the tapes at once, so that
// appending can go on while it is written.
type batch struct {
	names     []string
	firstName uint32
	sets      [][]byte
	firstSet  uint32
	parts     []part
	size      int // of the trades
}

// part is a batch's share of one session.
type part struct {
	tape    *tape
	number  uint32 // of the tape
	about   about
	moved   bool // about is to be written again
	records []record
	settled []storedSpan
	tail    []storedSpan
	entered bool
	spans   uint32 // where settled begin
	stale   uint32 // open entries on file from there on
	counts  ledger.Counts
}

// Commit makes everything staged durable in one transaction and returns when it is
// on disk. Nothing staged is no transaction. After an error all of it is still
// staged, and the file is as it was; a *NoRoom may be tried again. Appending goes on meanwhile.
func (f *File) Commit() error {
	f.commit.Lock()
	defer f.commit.Unlock()
	if f.closed {
		return fmt.Errorf("commit to %s: %w", f.path, berrors.ErrDatabaseNotOpen)
	}
	return f.commitStaged()
}

func (f *File) commitStaged() error {
	b, err := f.take()
	if err != nil {
		return fmt.Errorf("commit to %s: %w", f.path, err)
	}
	if b.empty() {
		return nil
	}
	err = guard(f.path, func() error {
		return f.db.Update(func(tx *bolt.Tx) error { return b.write(tx) })
	})
	f.settle(b, err == nil)
	if err != nil {
		return fmt.Errorf("commit to %s: %w", f.path, full(err))
	}
	return nil
}

func (b *batch) empty() bool { return len(b.parts) == 0 && len(b.names) == 0 && len(b.sets) == 0 }

// take moves what is staged into a batch.
func (f *File) take() (*batch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return nil, f.failed
	}
	b := &batch{}
	for key, t := range f.tapes {
		f.cut(t)
		if len(t.records) == 0 && !t.entered && !t.moved && len(t.counts) == 0 {
			if t.idle++; t.idle > idleLimit {
				delete(f.tapes, key)
			}
			continue
		}
		t.idle = 0
		b.parts = append(b.parts, f.takePart(t))
	}
	names, sets := f.names.all(), f.sets.all()
	b.firstName = uint32(len(names) - f.newNames)
	b.names = append(b.names, names[b.firstName:]...)
	b.firstSet = uint32(len(sets) - f.newSets)
	for _, s := range sets[b.firstSet:] {
		b.sets = append(b.sets, f.encodeSymbols(s))
	}
	b.size = f.staged
	return b, nil
}

// idleLimit is after how many commits without anything for it a session is
// forgotten in memory. It is found again on file.
const idleLimit = 600

func (f *File) takePart(t *tape) part {
	p := part{tape: t, moved: t.moved, number: t.number, about: t.about, records: t.records, entered: t.entered, spans: t.spans, stale: t.open}
	for _, s := range t.settled {
		p.settled = append(p.settled, f.storedSpan(s))
	}
	for _, s := range t.tail {
		p.tail = append(p.tail, f.storedSpan(s))
	}
	p.counts = make(ledger.Counts, len(t.totals))
	for name, n := range t.totals {
		p.counts[name] = n
	}
	for name, n := range t.counts {
		p.counts.Add(name, n)
	}
	t.flying = t.records
	t.records, t.counts, t.entered = nil, nil, false
	return p
}

func (f *File) storedSpan(s ledger.Span) storedSpan {
	return storedSpan{s.From, s.Until, f.setID(s.Symbols), s.Cause}
}

func (f *File) encodeSymbols(s *ledger.Symbols) []byte {
	ids := make([]uint32, 0, s.Len())
	for _, name := range s.Names() {
		ids = append(ids, f.ids[name])
	}
	sortIDs(ids)
	return encodeSet(ids)
}

// settle ends a commit: what was written is forgotten, what was not goes back in
// front of what came meanwhile.
func (f *File) settle(b *batch, written bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if written {
		f.newNames -= len(b.names)
		f.newSets -= len(b.sets)
		f.staged -= b.size
	}
	for _, p := range b.parts {
		t := p.tape
		t.flying = nil
		if !written {
			t.records = append(p.records, t.records...)
			t.entered = t.entered || p.entered
			t.counts = difference(p.counts, t.totals, t.counts)
			continue
		}
		t.totals, t.moved = p.counts, t.about.session.Close != p.about.session.Close
		t.settled = t.settled[len(p.settled):]
		if p.entered {
			t.spans += uint32(len(p.settled))
			t.open = uint32(len(p.tail))
		}
		for _, r := range p.records {
			t.bytes += int64(len(r.value))
			if len(f.spare) < spareLimit {
				f.spare = append(f.spare, r.value[:0])
			}
		}
	}
}

// spareLimit bounds the record buffers kept for use again: 4 MB.
const spareLimit = 256

// difference is what must be staged again after a failed commit: the totals it
// would have written less those on file, and what has come since.
func difference(would, have, since ledger.Counts) ledger.Counts {
	staged := make(ledger.Counts)
	for name, n := range would {
		switch before, ok := have[name]; {
		case !name.Sums() && (!ok || n != before):
			staged[name] = n
		case name.Sums() && n != before:
			staged[name] = n - before
		}
	}
	for name, n := range since {
		staged.Add(name, n)
	}
	return staged
}

func (b *batch) write(tx *bolt.Tx) error {
	if err := errors.Join(b.writeNames(tx.Bucket(bucketSymbols)), b.writeSets(tx.Bucket(bucketSets))); err != nil {
		return err
	}
	sessions := tx.Bucket(bucketSessions)
	for i := range b.parts {
		if err := b.parts[i].write(sessions); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) writeNames(bucket *bolt.Bucket) error {
	for i, name := range b.names {
		key := idKey(b.firstName + uint32(i))
		if err := putSigned(bucket, key[:], []byte(name)); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) writeSets(bucket *bolt.Bucket) error {
	for i, body := range b.sets {
		key := idKey(b.firstSet + uint32(i))
		if err := putSigned(bucket, key[:], body); err != nil {
			return err
		}
	}
	return nil
}

func (p *part) write(sessions *bolt.Bucket) error {
	key := sessionKey(p.tape.session)
	b, err := sessions.CreateBucketIfNotExists(key[:])
	if err != nil {
		return err
	}
	if p.moved || b.Get(keyAbout) == nil {
		if err := putSigned(b, keyAbout, p.about.encode(), key[:]); err != nil {
			return err
		}
	}
	if err := errors.Join(p.writeRecords(b), p.writeSpans(b, key[:])); err != nil {
		return err
	}
	if len(p.counts) == 0 {
		return nil
	}
	return putSigned(b, keyCounts, encodeCounts(p.counts), key[:])
}

// writeRecords appends to the tape. FillPercent 1: keys only ever come at the end.
func (p *part) writeRecords(b *bolt.Bucket) error {
	if len(p.records) == 0 {
		return nil
	}
	name := tapeName(p.number)
	tape, err := b.CreateBucketIfNotExists(name[:])
	if err != nil {
		return err
	}
	tape.FillPercent = 1
	for i := range p.records {
		r := &p.records[i]
		key := ordinalKey(r.ordinal)
		if err := tape.Put(key[:], r.value); err != nil {
			return err
		}
	}
	return nil
}

func (p *part) writeSpans(b *bolt.Bucket, session []byte) error {
	if !p.entered {
		return nil
	}
	n := p.spans
	for _, entries := range [][]storedSpan{p.settled, p.tail} {
		for _, s := range entries {
			key := spanKey(n)
			if err := putSigned(b, key[:], s.encode(), session); err != nil {
				return err
			}
			n++
		}
	}
	for ; n < p.spans+p.stale; n++ {
		key := spanKey(n)
		if err := b.Delete(key[:]); err != nil {
			return err
		}
	}
	return nil
}
