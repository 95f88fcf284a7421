package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// compactAlloc is by how much a compacted file grows: so that it ends where its
// contents do, near enough.
const compactAlloc = 64 << 10

// Compact writes the file anew without its free pages and puts the new one in the
// place of the old. Every session that had ended before now (Unix ms) is sealed
// first. The old file stays until the new one is on disk and has been verified. It
// blocks for all that; ctx ends it early, and leaves the old file. The errors are
// those of Open.
func Compact(ctx context.Context, path string, o Options, now int64) (before, after int64, err error) {
	if err := inspect(path); missing(err) {
		return 0, 0, fmt.Errorf("%s: %w", path, ErrMissing)
	}
	f, err := Open(path, o)
	if err != nil {
		return 0, 0, err
	}
	f.keepMark = f.interrupted // the next recorder is to find that the last one died
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.sealEnded(ctx, now); err != nil {
		return 0, 0, err
	}
	space, err := f.Space()
	if err != nil {
		return 0, 0, err
	}
	before = space.Size
	draft := path + ".compact"
	_ = os.Remove(draft) // of one that was killed
	defer os.Remove(draft)
	if err := f.copyTo(ctx, draft); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, full(err))
	}
	if _, err := proveCopy(ctx, draft); err != nil {
		return 0, 0, err
	}
	if err := keepOwner(path, draft); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	// Who waits for the old file finds, once it is free, that it is not the one at the
	// path any more: see openBolt.
	if err := os.Rename(draft, path); err != nil {
		return 0, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	return before, info.Size(), nil
}

// sealEnded seals the sessions that are over.
func (f *File) sealEnded(ctx context.Context, now int64) error {
	unfinished, err := f.Unfinished()
	if err != nil {
		return err
	}
	for _, s := range unfinished {
		if s.Close > now {
			continue
		}
		if err := f.Seal(ctx, s, true); err != nil {
			return err
		}
	}
	return nil
}

// copyTo copies every key, as of one moment, into a new file, and waits until it is on
// disk. It ends early with ctx. The mark of this process is left out: nobody records into
// a copy.
func (f *File) copyTo(ctx context.Context, path string) error {
	return guard(f.path, func() error {
		db, err := bolt.Open(path, 0o644, &bolt.Options{FreelistType: bolt.FreelistMapType, Timeout: lockWait})
		if err != nil {
			return err
		}
		db.AllocSize = compactAlloc
		db.NoSync = true // once, at the end
		err = f.db.View(func(tx *bolt.Tx) error { return copyKeys(ctx, db, tx) })
		if err == nil {
			err = db.Update(f.copyMark)
		}
		if err == nil {
			err = db.Sync()
		}
		return errors.Join(err, db.Close())
	})
}

// copyMark keeps in a copy that the last recorder died, but not in which file, and leaves
// out that this process records.
func (f *File) copyMark(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if !f.keepMark || meta.Get(keyMark) == nil {
		return meta.Delete(keyMark)
	}
	body, err := open(meta.Get(keyMark), keyMark)
	if err != nil {
		return err
	}
	m := parseMark(string(body))
	m.inode = 0
	return putSigned(meta, keyMark, []byte(m.String()))
}

// proveCopy verifies a copy.
func proveCopy(ctx context.Context, path string) (*Report, error) {
	report, err := Verify(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("the copy: %w", err)
	}
	if len(report.Problems) > 0 {
		return nil, fmt.Errorf("the copy: %w", report.Problems[0])
	}
	return report, nil
}
