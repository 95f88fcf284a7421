package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
)

// Enlist notes that there is a job of that name. What a job is not yet known to have
// done, it is to do for the last session that is on file and for those that come: see
// Pending. It waits for the disk the first time, and may be called beside a recording.
func (f *File) Enlist(job string) error {
	known, err := f.jobValue(job, keySince)
	if err != nil || known != nil {
		return err
	}
	all, err := f.Sessions()
	if err != nil {
		return err
	}
	since := int64(0)
	if len(all) > 0 {
		since = all[len(all)-1].Session.Open
	}
	return f.putJob(job, keySince, since)
}

// Pending are the sessions, by time, that closed before the time (Unix ms), have nothing
// to seal any more, and that a job, once enlisted, has not been done for.
func (f *File) Pending(job string, before int64) ([]ledger.Session, error) {
	return eachSession(f, func(key [sessionKeySize]byte, b *bolt.Bucket) (s ledger.Session, pending bool, err error) {
		since, err := f.readJob(b.Tx(), job, keySince)
		if err != nil || since == nil {
			return s, false, err
		}
		st, err := f.readStanding(b, key)
		if err != nil {
			return s, false, err
		}
		s = st.about.session
		if s.Open < *since || s.Close > before || !st.settled(b) {
			return s, false, nil
		}
		done, err := f.readJob(b.Tx(), job, key[:])
		return s, done == nil, err
	})
}

// settled says whether a session has nothing to seal.
func (s *standing) settled(b *bolt.Bucket) bool {
	return s.dropped.trades || !s.taped && (s.mark.finished() || b.Bucket(bucketTrades) == nil)
}

// Done says whether a job was done for a session.
func (f *File) Done(job string, s ledger.Session) (bool, error) {
	key := sessionKey(s)
	at, err := f.jobValue(job, key[:])
	return at != nil, err
}

// SetDone notes that a job was done for a session, at event time now (Unix ms). It
// blocks until that is on disk. An error with Full() true may be tried again.
func (f *File) SetDone(job string, s ledger.Session, now int64) error {
	key := sessionKey(s)
	return f.putJob(job, key[:], now)
}

// jobValue is what is noted of a job under key, nil when there is nothing.
func (f *File) jobValue(job string, key []byte) (value *int64, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		value, err = f.readJob(tx, job, key)
		return err
	})
	return value, err
}

// readJob is jobValue in a transaction.
func (f *File) readJob(tx *bolt.Tx, job string, key []byte) (*int64, error) {
	jobs := tx.Bucket(bucketJobs)
	if jobs == nil {
		return nil, nil
	}
	b := jobs.Bucket([]byte(job))
	if b == nil {
		return nil, nil
	}
	signed := b.Get(key)
	if signed == nil {
		return nil, nil
	}
	body, err := open(signed, []byte(job), key)
	if err == nil {
		r := fields{rest: body}
		value := r.varint()
		if err = r.err; err == nil {
			return &value, nil
		}
	}
	return nil, &Damaged{f.path, fmt.Sprintf("jobs/%s/%x", job, key), err.Error()}
}

func (f *File) putJob(job string, key []byte, value int64) error {
	err := guard(f.path, func() error {
		return f.db.Update(func(tx *bolt.Tx) error {
			jobs, err := tx.CreateBucketIfNotExists(bucketJobs)
			if err != nil {
				return err
			}
			b, err := jobs.CreateBucketIfNotExists([]byte(job))
			if err != nil {
				return err
			}
			return putSigned(b, key, binary.AppendVarint(nil, value), []byte(job))
		})
	})
	if err != nil {
		return fmt.Errorf("remember the job %s in %s: %w", job, f.path, full(err))
	}
	return nil
}
