package store

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Alarms is what SetAlarms was handed last, by this process or one before; nil when there is
// nothing. The error is a *Damaged.
func (f *File) Alarms() (state []byte, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		state = nil
		signed := tx.Bucket(bucketMeta).Get(keyAlarms)
		if signed == nil {
			return nil
		}
		body, err := open(signed, keyAlarms)
		if err != nil {
			return &Damaged{f.path, "meta/alarms", err.Error()}
		}
		state = bytes.Clone(body)
		return nil
	})
	return state, err
}

// SetAlarms keeps what people have been told of, so that a restart does not tell it again. It
// blocks until that is on disk, and may be called by any goroutine. An error with Full() true
// may be tried again.
func (f *File) SetAlarms(state []byte) error {
	err := guard(f.path, func() error {
		return f.db.Update(func(tx *bolt.Tx) error { return putSigned(tx.Bucket(bucketMeta), keyAlarms, state) })
	})
	if err != nil {
		return fmt.Errorf("keep the state of alarms in %s: %w", f.path, full(err))
	}
	return nil
}
