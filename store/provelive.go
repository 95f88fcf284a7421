package store

import (
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/store/pages"
)

// bucket proves every value of the bucket at a path, and of those below it, by its
// checksum, in transactions of a page's time. What a seal drops meanwhile is not missed:
// it is in blocks by then.
func (v *verifier) bucket(path [][]byte) error {
	var from []byte
	for more := true; more; {
		var items []pages.Item
		var err error
		if items, from, more, err = v.f.page(path, from); err != nil {
			return v.add(err)
		}
		for _, i := range items {
			if err := v.ctx.Err(); err != nil {
				return err
			}
			if i.Bucket {
				err = v.bucket(append(slices.Clone(path), i.Key))
			} else if _, wrong := open(i.Value, namesOf(i)...); wrong != nil {
				err = v.add(&Damaged{v.path, placeOfItem(i), wrong.Error()})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// page copies what is in the bucket at a path from a key on, and says where to go on.
func (f *File) page(path [][]byte, from []byte) (items []pages.Item, next []byte, more bool, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		items, more = nil, false
		b, ok := bucketAt(tx, path)
		if !ok {
			return nil
		}
		until, size := newPage(), 0
		for k, value := b.Seek(from); k != nil; k, value = b.Next() {
			if size > pageBytes || len(items) > 0 && until.over() {
				next, more = slices.Clone(k), true
				return nil
			}
			items = append(items, pages.Item{Path: path, Key: slices.Clone(k), Value: slices.Clone(value), Bucket: value == nil})
			size += len(k) + len(value)
		}
		return nil
	})
	return items, next, more, err
}

// bucketAt is a cursor over the bucket at a path; the empty one is the top.
func bucketAt(tx *bolt.Tx, path [][]byte) (*bolt.Cursor, bool) {
	if len(path) == 0 {
		return tx.Cursor(), true
	}
	b := tx.Bucket(path[0])
	for _, name := range path[1:] {
		if b == nil {
			return nil, false
		}
		b = b.Bucket(name)
	}
	if b == nil {
		return nil, false
	}
	return b.Cursor(), true
}
