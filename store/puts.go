package store

import (
	bolt "go.etcd.io/bbolt"
)

// sealBytes bounds a transaction of a seal: a commit never waits for a larger one.
const sealBytes = 256 << 10

// put is a value to write; nil deletes.
type put struct {
	bucket, key, value []byte
}

// add makes puts wait for the next transaction, which holds all of them or none, and
// the mark as it is after them.
func (w *sealer) add(mark sealMark, puts ...put) error {
	size := 0
	for _, p := range puts {
		size += len(p.key) + len(p.value)
	}
	if w.bytes+size > sealBytes && len(w.puts) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.puts, w.bytes, w.mark = append(w.puts, puts...), w.bytes+size, mark
	return nil
}

// flush writes what waits.
func (w *sealer) flush() error {
	if len(w.puts) == 0 {
		return nil
	}
	err := w.update(func(b *bolt.Bucket) error {
		for _, p := range w.puts {
			if err := p.write(b); err != nil {
				return err
			}
		}
		return nil
	})
	w.puts, w.bytes = w.puts[:0], 0
	return err
}

// write puts the value. FillPercent 1: keys nearly always come at the end.
func (p put) write(session *bolt.Bucket) error {
	b, err := session.CreateBucketIfNotExists(p.bucket)
	if err != nil {
		return err
	}
	b.FillPercent = 1
	if p.value == nil {
		return b.Delete(p.key)
	}
	return b.Put(p.key, p.value)
}

// drop drops a tape that has moved as a whole.
func (w *sealer) drop(number uint32, bytes int64) error {
	name := tapeName(number)
	if err := w.update(func(b *bolt.Bucket) error { return b.DeleteBucket(name[:]) }); err != nil {
		return err
	}
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if t := w.f.tapes[w.key]; t != nil {
		t.bytes -= bytes
	}
	return nil
}

// update changes the session's bucket and its mark in one transaction.
func (w *sealer) update(do func(b *bolt.Bucket) error) error {
	if w.f.beforeSeal != nil {
		w.f.beforeSeal()
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return guard(w.f.path, func() error {
		return w.f.db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketSessions).Bucket(w.key[:])
			if err := do(b); err != nil {
				return err
			}
			return putSigned(b, keySealed, w.mark.encode(), w.key[:])
		})
	})
}
