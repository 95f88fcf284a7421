package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"tapedeck/store/pages"
)

// Salvaged is what Salvage did.
type Salvaged struct {
	// Kept is how many values were proven and taken, Found those among them that hung
	// on nothing any more.
	Kept, Found int
	// Lost are the places that could not be read, and what had to be left out because
	// of them.
	Lost []*Damaged
	// Report is that of the new file.
	Report *Report
}

// Salvage writes a new file with all that is good of a damaged one, and says what was
// lost. What is taken is proven by its checksum. Trades that are lost stand in the
// ledger of the new file as a gap, with the cause damaged, unless the stored candles of
// that time are there. The damaged file is only read; it may be recorded into by nobody. The
// new one appears under its name when it is whole and verified; it must not exist yet.
// It blocks for all that; ctx ends it early.
func Salvage(ctx context.Context, path, to string, o Options) (*Salvaged, error) {
	if _, err := os.Stat(to); err == nil {
		return nil, fmt.Errorf("salvage to %s: %w", to, os.ErrExist)
	}
	file, err := os.Open(path)
	if missing(err) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if !share(file) {
		return nil, &Held{path, Holder(path)}
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	from, err := pages.Open(file, info.Size())
	if err != nil {
		return nil, &Damaged{path, "offset 0", err.Error()}
	}
	draft := to + ".salvage"
	defer os.Remove(draft)
	_ = os.Remove(draft) // of one that was killed
	s := &salvager{ctx: ctx, path: path, from: from, result: new(Salvaged)}
	if err := s.write(draft, o); err != nil {
		return nil, fmt.Errorf("salvage %s: %w", path, full(err))
	}
	if s.result.Report, err = Verify(ctx, draft); err != nil {
		return nil, fmt.Errorf("the salvaged file: %w", err)
	}
	if p := s.result.Report.Problems; len(p) > 0 {
		return nil, fmt.Errorf("the salvaged file: %w", p[0])
	}
	if err := os.Rename(draft, to); err != nil {
		return nil, err
	}
	return s.result, syncFolder(filepath.Dir(to))
}

// salvager is one Salvage: first what is proven is copied as it stands, then what is
// missing is seen to.
type salvager struct {
	ctx    context.Context
	path   string
	from   *pages.File
	db     *bolt.DB
	result *Salvaged

	tx      *bolt.Tx
	pending int // bytes in tx
	names   map[uint32]string
	keys    map[[sessionKeySize]byte]bool // of sessions
	// lostPages are the paths of the buckets of which pages could not be read.
	lostPages [][][]byte
	sets      [][]uint32 // by number; nil where lost
	// lostBlocks are the keys of blocks of trades that are lost.
	lostBlocks map[[sessionKeySize]byte][]lostBlock
}

type lostBlock struct {
	id    uint32
	first int64
}

func (s *salvager) write(path string, o Options) (err error) {
	s.db, err = bolt.Open(path, 0o644, &bolt.Options{FreelistType: bolt.FreelistMapType, Timeout: lockWait})
	if err != nil {
		return err
	}
	s.db.NoSync = true // once, at the end
	s.db.AllocSize = compactAlloc
	s.names, s.keys = make(map[uint32]string), make(map[[sessionKeySize]byte]bool)
	err = s.db.Update(func(tx *bolt.Tx) error { return layOut(tx, o) })
	for _, step := range []func() error{s.copy, s.orphans, s.mend, s.db.Sync} {
		if err == nil {
			err = step()
		}
	}
	if s.tx != nil {
		_ = s.tx.Rollback()
	}
	return errors.Join(err, s.db.Close())
}

func (s *salvager) lose(where, what string) {
	s.result.Lost = append(s.result.Lost, &Damaged{s.path, where, what})
}

// copy takes every value that is where it belongs.
func (s *salvager) copy() error {
	err := s.from.Walk(func(i pages.Item) error {
		if i.Bucket {
			s.note(append(i.Path, i.Key))
			return s.ctx.Err()
		}
		body, err := open(i.Value, namesOf(i)...)
		if err != nil {
			s.lose(placeOfItem(i), err.Error())
			s.noteLost(i)
			return nil
		}
		if len(i.Path) == 0 || string(i.Path[0]) == string(bucketMeta) && string(i.Key) != string(keyMark) {
			return nil // the new file has its own
		}
		s.name(i.Path, i.Key, body)
		s.result.Kept++
		return s.put(i.Path, i.Key, i.Value)
	}, func(p pages.Problem) {
		s.lostPages = append(s.lostPages, p.Path)
		d := damagedPage(s.path, p)
		s.lose(d.Where, d.What)
	})
	if err != nil {
		return err
	}
	return s.commit()
}

// note remembers the sessions there are.
func (s *salvager) note(path [][]byte) {
	if len(path) == 2 && string(path[0]) == string(bucketSessions) && len(path[1]) == sessionKeySize {
		s.keys[[sessionKeySize]byte(path[1])] = true
	}
}

// noteLost remembers which block is lost.
func (s *salvager) noteLost(i pages.Item) {
	id, first, ok := parseBlockKey(i.Key)
	if !ok || len(i.Path) != 3 || len(i.Path[1]) != sessionKeySize || string(i.Path[2]) != string(bucketTrades) {
		return
	}
	if s.lostBlocks == nil {
		s.lostBlocks = make(map[[sessionKeySize]byte][]lostBlock)
	}
	key := [sessionKeySize]byte(i.Path[1])
	s.lostBlocks[key] = append(s.lostBlocks[key], lostBlock{id, first})
}

// name remembers what a value says of the names of symbols.
func (s *salvager) name(path [][]byte, key, body []byte) {
	switch {
	case len(path) == 1 && string(path[0]) == string(bucketSymbols) && len(key) == 4:
		s.names[binary.BigEndian.Uint32(key)] = string(body)
	case len(path) == 3 && (len(key) == blockKeySize || len(key) == candleKeySize) && path[2][0] != tapePrefix ||
		len(path) == 3 && string(path[2]) == string(bucketTrades):
		r := fields{rest: body}
		if name, id := r.text(), binary.BigEndian.Uint32(key); r.err == nil && s.names[id] == "" {
			s.names[id] = name
		}
	}
}

// salvageTx bounds the memory of a salvage: bytes a transaction.
const salvageTx = 8 << 20

func (s *salvager) put(path [][]byte, key, value []byte) (err error) {
	if s.tx == nil {
		if s.tx, err = s.db.Begin(true); err != nil {
			return err
		}
	}
	b, err := s.tx.CreateBucketIfNotExists(path[0])
	for _, name := range path[1:] {
		if err == nil {
			b, err = b.CreateBucketIfNotExists(name)
		}
	}
	if errors.Is(err, berrors.ErrIncompatibleValue) { // two things of one name: not ours
		return nil
	}
	if err != nil {
		return err
	}
	b.FillPercent = 1
	// The key and the value are of a page that the next item replaces.
	if err := b.Put(append([]byte(nil), key...), append([]byte(nil), value...)); err != nil {
		return err
	}
	if s.pending += len(key) + len(value); s.pending > salvageTx {
		return s.commit()
	}
	return nil
}

func (s *salvager) commit() error {
	if s.tx == nil {
		return nil
	}
	err := s.tx.Commit()
	s.tx, s.pending = nil, 0
	return errors.Join(err, s.ctx.Err())
}

// orphans takes what hangs on a page that is lost: values that some session's names and
// their checksum prove. Free pages hold what was true once: so only what never changes
// under its key is taken, and only where nothing is.
func (s *salvager) orphans() error {
	if len(s.lostPages) == 0 {
		return nil
	}
	var failed error
	s.from.Orphans(func(_ uint64, key, value []byte) {
		if len(key) == sessionKeySize && key[8] >= 1 && key[8] <= 3 {
			s.keys[[sessionKeySize]byte(key)] = true
		}
	})
	s.from.Orphans(func(_ uint64, key, value []byte) {
		if failed != nil {
			return
		}
		for session := range s.keys {
			for _, bucket := range s.bucketsFor(key) {
				body, err := open(value, session[:], bucket, key)
				if err != nil {
					continue
				}
				if failed = s.adopt(session, bucket, key, value, body); failed == nil {
					failed = s.ctx.Err()
				}
				return
			}
		}
	})
	if failed != nil {
		return failed
	}
	return s.commit()
}

// bucketsFor are the buckets of a session in which a key may lie.
func (s *salvager) bucketsFor(key []byte) [][]byte {
	switch len(key) {
	case blockKeySize:
		return [][]byte{bucketTrades}
	case candleKeySize:
		return [][]byte{bucketSeconds, bucketHundred}
	}
	return nil
}

// adopt takes a value, unless there is something in its place.
func (s *salvager) adopt(session [sessionKeySize]byte, bucket, key, value, body []byte) error {
	path := [][]byte{bucketSessions, session[:], bucket}
	taken := false
	look := func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSessions).Bucket(session[:])
		if b != nil {
			b = b.Bucket(bucket)
		}
		if b == nil {
			return nil
		}
		taken = b.Get(key) != nil
		if id, first, ok := parseBlockKey(key); ok && !taken {
			h, err := blockHeader(value)
			taken = err != nil || overlaps(b, id, first, int64(h.Count))
		}
		return nil
	}
	if s.tx != nil {
		_ = look(s.tx)
	} else if err := s.db.View(look); err != nil {
		return err
	}
	if taken {
		return nil
	}
	s.name(path, key, body)
	s.result.Kept++
	s.result.Found++
	return s.put(path, key, value)
}

// overlaps says whether a block of trades has a seq in common with those of bucket b.
func overlaps(b *bolt.Bucket, id uint32, first, count int64) bool {
	k, v := seekBlock(b.Cursor(), id, first+count-1)
	_, before, ok := parseBlockKey(k)
	if !ok {
		return false
	}
	h, err := blockHeader(v)
	return err != nil || before+int64(h.Count) > first
}
