package store

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Whoever records has the file to himself: bbolt's lock, for as long as it is open.
// Whoever only reads lets go of the lock between two views, so that a recorder can
// start at any moment, and reads on beside it. That is safe without a lock because of
// how bbolt writes: the commit behind the one that a view began with only writes pages
// that are free in it, and the one after that comes after a new head page. So what a
// view read is good if the head is still the same when it ends.

// viewTries is how often a view that a commit overtook is made again. A commit a second
// overtakes few; commits without a pause, one after the other, some.
const viewTries = 1000

// view reads the file in one transaction. do may be called again: what it leaves behind
// must be as if it had been called once, by the last time.
func (f *File) view(do func(tx *bolt.Tx) error) error {
	if f.recording {
		return guard(f.path, func() error { return f.db.View(do) })
	}
	f.views.Lock()
	defer f.views.Unlock()
	if share(f.opened) {
		defer unshare(f.opened)
		_, err := f.look(do)
		return err
	}
	for range viewTries {
		head, err := f.look(do)
		after, failed := f.look(func(*bolt.Tx) error { return nil })
		if failed == nil && after == head {
			return err
		}
	}
	return &Held{f.path, Holder(f.path)}
}

const (
	eachTrade = 5 * time.Microsecond // for how long an appended trade keeps readers slow
	breath    = 100 * time.Microsecond
)

// breathe lets the recording go first while it is busy: what is read beside it can wait.
// Between two calls lies less than a tenth of a millisecond's work. It sleeps, for who only
// yields is scheduled again before a goroutine that waits on another core.
func (f *File) breathe() {
	if f.recording && time.Now().UnixNano() < f.busy.Load() {
		f.turns.Lock() // one after the other, so that many readers take no more than one
		time.Sleep(breath)
		f.turns.Unlock()
	}
}

// toil notes that trades are being appended.
func (f *File) toil(trades int) {
	f.busy.Store(time.Now().UnixNano() + int64(trades)*int64(eachTrade))
}

// look is one transaction, and the number of the commit that it saw.
func (f *File) look(do func(tx *bolt.Tx) error) (head int, err error) {
	err = guard(f.path, func() error {
		return f.db.View(func(tx *bolt.Tx) error {
			head = tx.ID()
			if f.loaded != 0 && head != f.loaded { // somebody has recorded meanwhile
				if err := f.loadTables(tx); err != nil {
					return err
				}
				f.loaded = head
			}
			return do(tx)
		})
	})
	return head, err
}

// loadTables reads what is not yet known of the names and sets: they only grow.
func (f *File) loadTables(tx *bolt.Tx) error {
	if err := f.loadNames(tx.Bucket(bucketSymbols)); err != nil {
		return err
	}
	return f.loadSets(tx.Bucket(bucketSets))
}

// eachFrom visits the entries of a table from number n on; key is its number.
func eachFrom(b *bolt.Bucket, n int, visit func(key, value []byte) error) error {
	c := b.Cursor()
	from := idKey(uint32(n))
	for k, v := c.Seek(from[:]); k != nil; k, v = c.Next() {
		if err := visit(k, v); err != nil {
			return err
		}
	}
	return nil
}

// isEntry says whether key is that of entry n of a table.
func isEntry(key []byte, n int) bool {
	return len(key) == 4 && binary.BigEndian.Uint32(key) == uint32(n)
}
